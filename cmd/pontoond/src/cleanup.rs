//! `pontoond --cleanup`: removes everything that a daemon on these roots ever made, except definitions and settings.

use crate::error::Error;
use crate::host;
use pontoon_config::Config;
use pontoon_images::Images;
use pontoon_types::chain;
use std::sync::Arc;

/// Removes it. A daemon that runs keeps its roots locked, so this is refused meanwhile.
pub fn run(config: &Config) -> Result<(), Error> {
    crate::log::start(config.effective_log_level(), config.log_format);
    let _roots = host::hold_roots(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Error::system("start the runtime"))?;
    let _entered = runtime.enter();
    let host = host::connect(config)?;
    let core = Arc::clone(&host.core);
    let mut failures = core.cleanup()?;
    for failure in &failures {
        tracing::warn!(failure = chain(failure), "could not remove everything");
    }
    let unmounted = unmount_roots(&host.images);
    // Whoever scripts this must not take a half-done clean-up for a done one.
    failures.pop().map_or(unmounted, |failure| Err(failure.into()))
}

/// What containers wrote stays; only the mounts go.
fn unmount_roots(images: &Images) -> Result<(), Error> {
    let failed = |error| Error::System { act: "unmount root file systems", cause: std::io::Error::other(error) };
    let containers = images.rootfs().containers().map_err(failed)?;
    let outcomes: Vec<_> = containers.iter().map(|container| images.rootfs().unmount(container)).collect();
    outcomes.into_iter().collect::<Result<(), _>>().map_err(failed)
}
