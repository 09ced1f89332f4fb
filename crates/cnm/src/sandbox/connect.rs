//! `network connect` and `network disconnect` for a running sandbox (api-networks.md sections 8 and 9).

use super::attach::Before;
use super::live::{Live, Sandbox};
use crate::controller::Controller;
use crate::network::live::Network;
use crate::network::lookup::Purpose;
use crate::{Error, Result};
use pontoon_types::{EndpointSpec, EventSubject, PortMapping};

impl Controller {
    /// Joins the sandbox meant by `sandbox` to the network meant by `network`. On failure it is as it was.
    pub fn connect(&self, network: &str, sandbox: &str, spec: EndpointSpec) -> Result<()> {
        let _open = self.accepting()?;
        let sandbox = self.find_sandbox(sandbox)?;
        let mut live = sandbox.turn()?;
        let network = self.find_network(Purpose::Connect, network)?;
        let stored = live.record.clone();
        let joined = self.attach(&mut live, &network, spec)?;
        if let Err(error) = self.keep_joined(&mut live, &joined) {
            let mut undone = self.take_back(&mut live, &network, &joined);
            undone.extend(self.run_state().put_sandbox(&stored).err().map(Error::from));
            return Err(error.with_undo(undone));
        }
        sandbox.show(&live.record);
        self.tell("connect", &network, &sandbox);
        Ok(())
    }

    /// Whether `settings` can be asked of an endpoint in the network meant by `term`. Without such a network, only what can
    /// be said of any is checked.
    pub fn check_endpoint(&self, term: &str, settings: &EndpointSpec) -> Result<()> {
        let network = self.find_network(Purpose::Connect, term).ok();
        super::validate::settings(settings, network.as_ref().map(|network| network.record.as_ref()))
    }

    /// Stores an endpoint that joined, and then writes the files: a daemon that ends in between finishes them when it
    /// comes back, and never takes its own text for a user's.
    fn keep_joined(&self, live: &mut Live, joined: &Before) -> Result<()> {
        self.run_state().put_sandbox(&live.record)?;
        let digest = live.record.resolv_digest.clone();
        self.write_files(live, joined)?;
        if live.record.resolv_digest != digest {
            self.run_state().put_sandbox(&live.record)?;
        }
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
        self.leave(&mut live, &network)?;
        found.show(&live.record);
        self.tell("disconnect", &network, &found);
        Ok(())
    }

    /// The record first: what a daemon that ends in between leaves behind is then nobody's, and goes at the next start.
    fn leave(&self, live: &mut Live, network: &Network) -> Result<()> {
        let mut without = live.record.clone();
        without.endpoints.retain(|endpoint| endpoint.network != network.record.id);
        let own = |mapping: &PortMapping| {
            without.endpoints.iter().flat_map(|e| [e.ipv4, e.ipv6]).flatten().any(|a| a.addr() == mapping.container_ip)
        };
        without.mappings = live.record.mappings.iter().filter(|mapping| own(mapping)).cloned().collect();
        self.run_state().put_sandbox(&without)?;
        if let Err(cause) = self.detach(live, network) {
            let undone = self.run_state().put_sandbox(&live.record).err().map(Error::from).into_iter().collect();
            let (sandbox, network) = (live.record.id.to_string(), network.record.name.clone());
            return Err(Error::Leave { sandbox, network, cause: Box::new(cause) }.with_undo(undone));
        }
        if live.record != without
            && let Err(error) = self.run_state().put_sandbox(&live.record)
        {
            tracing::warn!(sandbox = %live.record.id.short(), %error, "after leaving a network");
        }
        Ok(())
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
