//! One container as its networking sees it.

use super::{Endpoints, Link, NetworkMode};
use crate::spec::{Config, HostConfig};
use pontoon_types::ContainerId;

/// A container's definition, as far as networking goes.
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    /// Its id.
    pub id: ContainerId,
    /// Its name, without slash.
    pub name: &'a str,
    /// Its settings, those of the image included.
    pub config: &'a Config,
    /// Its settings for this host.
    pub host: &'a HostConfig,
    /// The networks it is to be in.
    pub endpoints: &'a Endpoints,
    /// Its links on the default bridge.
    pub links: &'a [Link],
}

impl Container<'_> {
    /// How it is connected.
    pub fn mode(&self) -> NetworkMode {
        NetworkMode::stored(&self.host.network_mode)
    }
}
