//! What a container is: everything that is decided when it is made, and kept until it is removed.
//!
//! Owns: the stored shape. Must never hold what changes while it runs: that is [`crate::State`].

use crate::mounts::MountPoint;
use crate::network::{self, Endpoints, Link};
use crate::spec::{Config, HostConfig};
use pontoon_types::ContainerId;
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// A container's definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its id.
    pub id: ContainerId,
    /// Its name, without Docker's leading slash.
    pub name: String,
    /// When it was made.
    pub created: SystemTime,
    /// The image's id, `sha256:…`.
    pub image: String,
    /// The image's platform, as Docker tells it: `linux`.
    pub platform: String,
    /// Settings, joined with the image's.
    pub config: Config,
    /// Settings of this host, with the defaults that Docker fills in.
    pub host_config: HostConfig,
    /// The networks it is to be in.
    pub endpoints: Endpoints,
    /// Its links on the default bridge.
    pub links: Vec<Link>,
    /// What is mounted, decided once.
    pub mounts: Vec<MountPoint>,
}

impl Definition {
    /// The program and its arguments.
    pub fn command(&self) -> (String, Vec<String>) {
        let mut words = self.config.entrypoint.as_slice().iter().chain(self.config.cmd.as_slice()).cloned();
        (words.next().unwrap_or_default(), words.collect())
    }

    /// Seconds between the stop signal and SIGKILL; negative for ever.
    pub fn stop_timeout(&self) -> i64 {
        self.config.stop_timeout.unwrap_or(DEFAULT_STOP_TIMEOUT)
    }

    /// The container as its networking sees it.
    pub fn for_network(&self) -> network::Container<'_> {
        network::Container {
            id: self.id,
            name: &self.name,
            config: &self.config,
            host: &self.host_config,
            endpoints: &self.endpoints,
            links: &self.links,
        }
    }

    /// Whether it goes when it ends.
    pub fn goes_at_end(&self) -> bool {
        self.host_config.auto_remove
    }
}

/// Docker's default.
const DEFAULT_STOP_TIMEOUT: i64 = 10;
