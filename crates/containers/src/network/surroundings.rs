//! What a container's networking asks of the world around it: networks of the core, and other containers.

use super::NetworkMode;
use crate::spec::Config;
use pontoon_cnm::{Controller, NetworkRecord};
use pontoon_types::{ContainerId, EndpointSpec};
use std::sync::Arc;

/// The networks there are.
pub trait Networks {
    /// The network meant by `term`: an id, a name, or the beginning of one id.
    fn find(&self, term: &str) -> pontoon_cnm::Result<Arc<NetworkRecord>>;
    /// Whether `settings` can be asked of an endpoint in the network meant by `term`. Where there is no such network,
    /// only what can be said without it is checked.
    fn check(&self, term: &str, settings: &EndpointSpec) -> pontoon_cnm::Result<()>;
    /// Whether the host forwards IPv4 packets.
    fn forwards(&self) -> bool;
}

impl Networks for Controller {
    fn find(&self, term: &str) -> pontoon_cnm::Result<Arc<NetworkRecord>> {
        self.network_record(term)
    }

    fn check(&self, term: &str, settings: &EndpointSpec) -> pontoon_cnm::Result<()> {
        self.check_endpoint(term, settings)
    }

    fn forwards(&self) -> bool {
        self.forwards_ipv4()
    }
}

/// The containers there are.
pub trait Others {
    /// The container meant by `term`: an id, a name, or the beginning of one id.
    fn find(&self, term: &str) -> Option<Other>;
    /// The containers that link to `child` on the default bridge, with what each calls it.
    fn linking_to(&self, child: ContainerId) -> Vec<(ContainerId, String)>;
}

/// Another container, as far as it matters to one's networking.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its id.
    pub id: ContainerId,
    /// Its name, without slash.
    pub name: String,
    /// Whether it runs.
    pub life: Life,
    /// How it is connected.
    pub mode: NetworkMode,
    /// Its settings.
    pub config: Arc<Config>,
    /// The process that holds its namespaces, while it runs.
    pub pid: Option<u32>,
    /// Whether one of its endpoints is in the default bridge network.
    pub on_bridge: bool,
    /// Whose sandbox it uses, when that is another container's: the one that was found when it was started.
    pub shares: Option<ContainerId>,
}

/// Whether a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It runs, or is paused.
    Running,
    /// It will be started again in a moment.
    Restarting,
    /// It does not: Docker's word for its state.
    Stopped(&'static str),
}
