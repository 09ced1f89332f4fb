//! Leaving: the mirror of joining. Up to the moment the link is cut off everything can be taken back, and is; after it
//! the endpoint has left, and what fails then is told in the log.

use super::gateway::Gateways;
use super::live::Live;
use super::outlets::opened;
use super::record::EndpointRecord;
use super::routes;
use crate::controller::Controller;
use crate::network::live::Network;
use crate::{Error, Result};
use pontoon_kernel::{Netns, Op};

impl Controller {
    /// Takes the sandbox whose turn it is out of `network`. What is missing already is no failure; on failure the
    /// sandbox is in the network as before.
    pub(crate) fn detach(&self, live: &mut Live, network: &Network) -> Result<()> {
        let Some(endpoint) = live.record.endpoint_in(network.record.id).cloned() else { return Ok(()) };
        let (open, before) = (opened(live), live.record.endpoints.clone());
        if let Err(error) = self.withdraw(live, network, &endpoint) {
            let after = Gateways::of(&live.record.endpoints);
            live.record.endpoints = before;
            let mut undone: Vec<Error> = self.set_routes(live, after).err().into_iter().collect();
            undone.extend(self.reopen(live, &open));
            return Err(error.with_undo(undone));
        }
        self.has_left(live, network, &endpoint);
        Ok(())
    }

    /// Ports, default routes, link: what can fail.
    fn withdraw(&self, live: &mut Live, network: &Network, endpoint: &EndpointRecord) -> Result<()> {
        self.withdraw_ports(live, endpoint.id)?;
        let before = Gateways::of(&live.record.endpoints);
        live.record.endpoints.retain(|other| other.id != endpoint.id);
        self.set_routes(live, before)?;
        self.unlink(network, endpoint, &live.ns())
    }

    /// Has the driver cut the endpoint's link off. Of a network that cannot be used the start took the host's side away,
    /// and whoever made the rest may be unknown here.
    pub(crate) fn unlink(&self, network: &Network, endpoint: &EndpointRecord, ns: &Netns) -> Result<()> {
        self.announcer().cancel(endpoint.id);
        if network.broken.is_none() {
            return self.driver_of(network)?.leave(&network.record, endpoint, ns);
        }
        let left: Vec<Op> = endpoint.link.iter().cloned().map(Op::Retire).collect();
        match self.kernel().apply(ns, &left) {
            Err(failed) if !failed.cause.is_not_found() => {
                Err(Error::Kernel { act: "take away a link".into(), cause: failed.cause })
            }
            _ => Ok(()),
        }
    }

    /// Moves the default routes from where they were `before` to where the record's endpoints want them.
    pub(crate) fn set_routes(&self, live: &Live, before: Gateways) -> Result<()> {
        let ops = routes::change(before, &live.record.endpoints);
        match self.kernel().apply(&live.ns(), &ops) {
            // A namespace that has gone took its routes along.
            Err(failed) if !failed.cause.is_not_found() => {
                Err(Error::Kernel { act: "move the default route".into(), cause: failed.cause })
            }
            _ => Ok(()),
        }
    }

    /// Everything that follows once an endpoint has left.
    fn has_left(&self, live: &mut Live, network: &Network, endpoint: &EndpointRecord) {
        self.unregister_names(network, endpoint);
        self.retire_addresses(network, live.record.id, endpoint);
        // Ports that cannot move to the next network are told in the log only, as in Docker.
        let results = [
            self.rebalance_ports(live),
            self.remove_hosts(&live.record, endpoint),
            self.refresh_resolv_conf(&mut live.record),
            self.serve_names(live),
        ];
        for error in results.into_iter().filter_map(Result::err) {
            tracing::warn!(sandbox = %live.record.id.short(), %error, "after leaving a network");
        }
    }
}
