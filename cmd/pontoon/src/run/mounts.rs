//! What a command sees of the file system that differs from the host: three files, `/sys`, and silent resolvers.
//!
//! Must never be called outside a mount namespace of our own.

use crate::error::Error;
use crate::output;
use nix::mount::{MsFlags, mount};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

/// Services that answer names for the C library before resolv.conf is looked at, for the host's namespace and not for
/// ours: systemd-resolved (nss-resolve) and the name service cache. Without their socket the library goes on to DNS.
const RESOLVERS: [&str; 2] = ["/run/systemd/resolve/io.systemd.Resolve", "/run/nscd/socket"];

/// Lets our mounts stay ours, while the host's later mounts still reach us.
pub fn detach() -> Result<(), Error> {
    let flags = MsFlags::MS_REC | MsFlags::MS_SLAVE;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).map_err(failed("detach mounts"))
}

/// Shows `source` in the place of `target`. A host without `target` keeps none, with a warning: making it would change
/// the host.
pub fn replace(source: &Path, target: &str) -> Result<(), Error> {
    if !source.exists() {
        let act = format!("find {}", source.display());
        return Err(Error::System { act, cause: io::ErrorKind::NotFound.into() });
    }
    if !Path::new(target).exists() {
        output::warn(&format!("this host has no {target}, so the sandbox's own cannot be shown there"));
        return Ok(());
    }
    bind(source, target)
}

/// Puts `/dev/null` over the sockets of [`RESOLVERS`], so that connecting to them is refused.
pub fn silence_resolvers() -> Result<(), Error> {
    RESOLVERS
        .iter()
        .filter(|socket| Path::new(socket).exists())
        .try_for_each(|socket| bind(Path::new("/dev/null"), socket))
}

fn bind(source: &Path, target: &str) -> Result<(), Error> {
    mount(Some(source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(failed(&format!("mount {target}")))
}

/// Shows the links of the entered namespace in `/sys/class/net`, keeping the cgroup tree. Only a convenience: where the
/// kernel refuses (in a user namespace that does not own the network namespace), `/sys` stays the host's.
pub fn fresh_sysfs() {
    let cgroups = File::open("/sys/fs/cgroup").ok();
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    if mount(Some("sysfs"), "/sys", Some("sysfs"), flags, None::<&str>).is_err() {
        return;
    }
    if let Some(cgroups) = cgroups {
        let source = format!("/proc/self/fd/{}", cgroups.as_raw_fd());
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        let _ = mount(Some(source.as_str()), "/sys/fs/cgroup", None::<&str>, flags, None::<&str>);
    }
}

fn failed(act: &str) -> impl FnOnce(nix::errno::Errno) -> Error {
    let fail = Error::system(act);
    move |errno| fail(io::Error::from(errno))
}
