//! What the API asks of the core, in the core's own words. All calls may block; none is made on a runtime's thread.

use pontoon_cnm::{NetworkView, PruneFilter, Result, SandboxRecord, SandboxView};
use pontoon_types::{AddressPool, EndpointSpec, Event, NetworkId, NetworkSpec, PortBinding, SandboxId, SandboxSpec};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;

/// A sandbox as shown, with the places of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownSandbox {
    /// Its record.
    pub record: Arc<SandboxRecord>,
    /// Its `/etc/hosts`.
    pub hosts: PathBuf,
    /// Its `/etc/hostname`.
    pub hostname: PathBuf,
    /// Its `/etc/resolv.conf`.
    pub resolv_conf: PathBuf,
}

impl From<SandboxView> for ShownSandbox {
    fn from(view: SandboxView) -> Self {
        let files = view.files;
        Self { record: view.record, hosts: files.hosts, hostname: files.hostname, resolv_conf: files.resolv_conf }
    }
}

/// The core behind the API. A term is what a user typed: an id, a name, or the beginning of an id.
pub trait Engine: Send + Sync + 'static {
    /// The durable id of this daemon.
    fn daemon_id(&self) -> Result<String>;
    /// Names of the network drivers, sorted.
    fn driver_names(&self) -> Vec<String>;
    /// The pools an operator configured; empty when the defaults apply.
    fn address_pools(&self) -> Vec<AddressPool>;

    /// Every network.
    fn networks(&self) -> Vec<NetworkView>;
    /// One network, with the texts of inspect for a miss or several hits.
    fn network(&self, term: &str) -> Result<NetworkView>;
    /// Makes a network.
    fn create_network(&self, spec: NetworkSpec) -> Result<NetworkId>;
    /// Removes a network.
    fn remove_network(&self, term: &str) -> Result<()>;
    /// Removes unused networks and tells their names.
    fn prune_networks(&self, filter: &PruneFilter) -> Result<Vec<String>>;
    /// Connects a sandbox to a network.
    fn connect(&self, network: &str, sandbox: &str, spec: EndpointSpec) -> Result<()>;
    /// Disconnects a sandbox from a network; with `force` also one that is gone.
    fn disconnect(&self, network: &str, sandbox: &str, force: bool) -> Result<()>;

    /// Every sandbox.
    fn sandboxes(&self) -> Vec<ShownSandbox>;
    /// One sandbox.
    fn sandbox(&self, term: &str) -> Result<ShownSandbox>;
    /// Makes a sandbox.
    fn create_sandbox(&self, spec: SandboxSpec) -> Result<SandboxId>;
    /// Removes a sandbox; without `force` only one that is joined to nothing.
    fn remove_sandbox(&self, term: &str, force: bool) -> Result<()>;
    /// Replaces all published ports of a sandbox.
    fn set_ports(&self, term: &str, bindings: Vec<PortBinding>) -> Result<()>;

    /// Past events, oldest first, and all new ones; no event is in both or in neither. Must not block.
    fn events(&self) -> (Vec<Arc<Event>>, Receiver<Arc<Event>>);
}
