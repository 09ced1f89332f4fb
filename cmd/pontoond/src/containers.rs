//! Containers, images and the runtime, connected to the core.

use crate::error::Error;
use crate::host::Host;
use pontoon_api::ContainerHandle;
use pontoon_config::Config;
use pontoon_containers::{Containers, Parts, Settings};
use pontoon_images::{ImageId, ImageUser, ImageUsers};
use pontoon_runtime::{Conmon, Settings as RuntimeSettings};
use pontoon_store::{Documents, RunFiles};
use std::sync::Arc;
use tokio::runtime::Handle;

/// How many containers are started at once: more only wait for each other in the kernel.
const STARTS_AT_ONCE: usize = 16;

/// Opens the stores and connects everything. Needs a runtime; starts nothing yet.
pub fn connect(config: &Config, host: &Host) -> Result<ContainerHandle, Error> {
    let images = host.images.clone();
    let runtime = Arc::new(Conmon::new(RuntimeSettings::new(&config.exec_root))?);
    let containers = Containers::new(Parts {
        core: host.core.clone(),
        runtime: runtime.clone(),
        images: Arc::new(images.clone()),
        definitions: Box::new(Documents::open(&config.data_root.join("containers.redb"))?),
        states: Box::new(RunFiles::open(&config.exec_root.join("container-states"))?),
        settings: settings(config),
        tasks: Handle::current(),
    })?;
    images.set_users(Arc::new(Users(containers.clone())));
    Ok(ContainerHandle { containers, images, runtime, core: host.core.clone(), init: "docker-init".into() })
}

fn settings(config: &Config) -> Settings {
    Settings {
        containers: config.data_root.join("containers"),
        volumes: config.data_root.join("volumes"),
        init: false,
        link_variables: link_variables(config),
        starts_at_once: STARTS_AT_ONCE,
    }
}

/// Docker's own switch for them, or a feature of ours.
fn link_variables(config: &Config) -> bool {
    let asked = std::env::var("DOCKER_KEEP_DEPRECATED_LEGACY_LINKS_ENV_VARS");
    let asked = asked.is_ok_and(|value| pontoon_types::parse_go_bool(&value) == Some(true));
    asked || config.features.get("legacy-links-env").copied().unwrap_or_default()
}

/// The containers as the images know them.
struct Users(Containers);

impl ImageUsers for Users {
    fn users(&self, image: &ImageId) -> Vec<ImageUser> {
        let image = image.to_string();
        let all = self.0.list().into_iter().filter(|view| view.definition.image == image);
        all.map(|view| ImageUser { container: view.definition.id.to_string(), running: view.state.is_running() })
            .collect()
    }
}
