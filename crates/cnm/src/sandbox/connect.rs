//! `network connect` and `network disconnect` for a running sandbox (api-networks.md sections 8 and 9).

use super::live::{Live, Sandbox};
use crate::controller::Controller;
use crate::network::live::Network;
use crate::network::lookup::Purpose;
use crate::{Error, Result};
use pontoon_types::{EndpointSpec, EventSubject};

impl Controller {
    /// Joins the sandbox meant by `sandbox` to the network meant by `network`. On failure it is as it was.
    pub fn connect(&self, network: &str, sandbox: &str, spec: EndpointSpec) -> Result<()> {
        let _open = self.accepting()?;
        let sandbox = self.find_sandbox(sandbox)?;
        let mut live = sandbox.turn()?;
        let network = self.find_network(Purpose::Connect, network)?;
        self.attach(&mut live, &network, spec)?;
        if let Err(error) = self.run_state().put_sandbox(&live.record) {
            let undone = self.detach(&mut live, &network);
            return Err(Error::from(error).with_undo(undone));
        }
        sandbox.show(&live.record);
        self.tell("connect", &network, &sandbox);
        Ok(())
    }

    /// Takes the sandbox out of the network. With `force`, a sandbox that is unknown may be named by its endpoint.
    pub fn disconnect(&self, network: &str, sandbox: &str, force: bool) -> Result<()> {
        let _open = self.accepting()?;
        let found = match self.find_sandbox(sandbox) {
            Err(Error::NoSandbox(_)) if force => self.sandbox_of_endpoint(network, sandbox)?,
            other => other?,
        };
        let mut live = found.turn()?;
        let network = self.find_network(Purpose::Connect, network)?;
        if live.record.netns_path.is_none() && network.record.driver == "host" {
            return Err(Error::FromHostNetwork);
        }
        if live.record.endpoint_in(network.record.id).is_none() {
            let sandbox = live.record.id.to_string();
            return Err(Error::NotConnected { sandbox, network: network.record.name.clone() });
        }
        let failures = self.detach(&mut live, &network);
        let stored = self.run_state().put_sandbox(&live.record);
        found.show(&live.record);
        self.tell("disconnect", &network, &found);
        stored?;
        first_error(failures)
    }

    fn sandbox_of_endpoint(&self, network: &str, name: &str) -> Result<std::sync::Arc<Sandbox>> {
        let network = self.find_network(Purpose::Connect, network)?;
        let owner = network.members().named(name).map(|(_, member)| member.sandbox);
        let owner = owner.ok_or_else(|| Error::NoEndpoint(name.to_owned()))?;
        self.find_sandbox(&owner.to_string())
    }

    pub(crate) fn tell(&self, action: &str, network: &Network, sandbox: &Sandbox) {
        let container = sandbox.id.to_string();
        let record = &network.record;
        let attributes =
            [("container", container.as_str()), ("name", record.name.as_str()), ("type", record.driver.as_str())];
        self.events().publish(EventSubject::Network, action, record.id.to_string(), &attributes);
    }
}

/// The first failure with the others behind it.
pub(crate) fn first_error(mut failures: Vec<Error>) -> Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    let first = failures.remove(0);
    Err(first.with_undo(failures))
}

/// Tells events for every endpoint of a sandbox that came or goes as a whole.
pub(crate) fn tell_all(controller: &Controller, action: &str, live: &Live, sandbox: &Sandbox) {
    for endpoint in &live.record.endpoints {
        if let Some(network) = controller.network_by_id(endpoint.network) {
            controller.tell(action, &network, sandbox);
        }
    }
}
