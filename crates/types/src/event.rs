//! What happened, told to whoever listens.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

/// What kind of object an event is about: Docker's event `Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventSubject {
    /// A network.
    Network,
    /// A container.
    Container,
    /// A volume.
    Volume,
    /// A sandbox that is no container's: Pontoon's own.
    Sandbox,
    /// An image.
    Image,
    /// The daemon itself.
    Daemon,
}

impl fmt::Display for EventSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "network",
            Self::Container => "container",
            Self::Volume => "volume",
            Self::Sandbox => "sandbox",
            Self::Image => "image",
            Self::Daemon => "daemon",
        })
    }
}

/// Docker's event `scope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventScope {
    /// This host.
    Local,
    /// The swarm.
    Swarm,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it is about.
    pub subject: EventSubject,
    /// `create`, `connect`, `disconnect`, `destroy`, `prune`, `reload`, `repair`…
    pub action: String,
    /// The object's id; empty for `prune`.
    pub actor: String,
    /// Attributes, e.g. `name`, `type`, `container`.
    pub attributes: BTreeMap<String, String>,
    /// Scope.
    pub scope: EventScope,
    /// When.
    pub time: SystemTime,
}
