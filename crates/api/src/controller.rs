//! The controller as the API's engine: nothing but names and a little gathering.

use crate::{Engine, ShownSandbox};
use pontoon_cnm::{Controller, Error, NetworkView, PruneFilter, Result};
use pontoon_types::{AddressPool, EndpointSpec, Event, NetworkId, NetworkSpec, PortBinding, SandboxId, SandboxSpec};
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;

impl Engine for Controller {
    fn daemon_id(&self) -> Result<String> {
        Controller::daemon_id(self)
    }

    fn driver_names(&self) -> Vec<String> {
        Controller::driver_names(self).into_iter().map(ToOwned::to_owned).collect()
    }

    fn address_pools(&self) -> Vec<AddressPool> {
        self.settings().address_pools.clone()
    }

    fn networks(&self) -> Vec<NetworkView> {
        Controller::networks(self)
    }

    fn network(&self, term: &str) -> Result<NetworkView> {
        Controller::network(self, term)
    }

    fn create_network(&self, spec: NetworkSpec) -> Result<NetworkId> {
        Controller::create_network(self, spec)
    }

    fn remove_network(&self, term: &str) -> Result<()> {
        Controller::remove_network(self, term)
    }

    fn prune_networks(&self, filter: &PruneFilter) -> Result<Vec<String>> {
        Controller::prune_networks(self, filter)
    }

    fn connect(&self, network: &str, sandbox: &str, spec: EndpointSpec) -> Result<()> {
        Controller::connect(self, network, sandbox, spec)
    }

    fn disconnect(&self, network: &str, sandbox: &str, force: bool) -> Result<()> {
        Controller::disconnect(self, network, sandbox, force)
    }

    fn sandboxes(&self) -> Vec<ShownSandbox> {
        Controller::sandboxes(self).into_iter().map(ShownSandbox::from).collect()
    }

    fn sandbox(&self, term: &str) -> Result<ShownSandbox> {
        Controller::sandbox(self, term).map(ShownSandbox::from)
    }

    fn create_sandbox(&self, spec: SandboxSpec) -> Result<SandboxId> {
        Controller::create_sandbox(self, spec)
    }

    fn remove_sandbox(&self, term: &str, force: bool) -> Result<()> {
        let record = Controller::sandbox(self, term)?.record;
        if record.is_container() {
            return Err(Error::SandboxOfContainer(record.name.clone()));
        }
        if !force && !record.endpoints.is_empty() {
            return Err(Error::SandboxInUse { name: record.name.clone() });
        }
        // By id from here on: the name may have been given to another in between.
        Controller::remove_sandbox(self, &record.id.to_string())
    }

    fn set_ports(&self, term: &str, bindings: Vec<PortBinding>) -> Result<()> {
        Controller::set_ports(self, term, bindings)
    }

    fn events(&self) -> (Vec<Arc<Event>>, Receiver<Arc<Event>>) {
        Controller::events(self).subscribe()
    }
}
