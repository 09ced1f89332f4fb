//! What users ask of a network.

use crate::{IpamSpec, Options};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// How far a network reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// One host.
    Local,
    /// Several hosts over a shared store.
    Global,
    /// A swarm.
    Swarm,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Global => "global",
            Self::Swarm => "swarm",
        })
    }
}

/// The configuration-only network that a network takes its settings from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFrom {
    /// Its name (never its id, as in Docker).
    pub network: String,
}

/// A network as asked for: Docker's create request in our own words. Nothing is checked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// Name; any text that is not blank.
    pub name: String,
    /// Driver; empty means `bridge`.
    pub driver: String,
    /// Scope as given; empty means the driver's.
    pub scope: String,
    /// IPv4 wanted; `None` when not said.
    pub enable_ipv4: Option<bool>,
    /// IPv6 wanted; `None` when not said.
    pub enable_ipv6: Option<bool>,
    /// Address management.
    pub ipam: IpamSpec,
    /// No traffic across the network's border.
    pub internal: bool,
    /// Plain containers may attach (matters to swarm networks only).
    pub attachable: bool,
    /// Swarm's routing-mesh network.
    pub ingress: bool,
    /// A bag of settings for other networks, never a network itself.
    pub config_only: bool,
    /// Take the settings of that configuration-only network.
    pub config_from: Option<ConfigFrom>,
    /// Driver options.
    pub options: Options,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}
