//! Leaving: the mirror of joining. Goes on after a failure and tells them all.

use super::gateway::Gateways;
use super::live::Live;
use super::routes;
use crate::controller::Controller;
use crate::network::live::Network;
use crate::{Error, Result};

impl Controller {
    /// Takes the sandbox whose turn it is out of `network`. What is missing already is no failure.
    pub(crate) fn detach(&self, live: &mut Live, network: &Network) -> Vec<Error> {
        let Some(index) = live.record.endpoints.iter().position(|endpoint| endpoint.network == network.record.id)
        else {
            return Vec::new();
        };
        let before = Gateways::of(&live.record.endpoints);
        let endpoint = live.record.endpoints.remove(index);
        self.unregister_names(network, &endpoint);
        let mut failures = Vec::new();
        let mut note = |result: Result<()>| failures.extend(result.err());
        self.withdraw_ports(live);
        note(self.driver_of(network).and_then(|driver| driver.leave(&network.record, &endpoint, &live.ns())));
        let ops = routes::change(before, &live.record.endpoints);
        match self.kernel().apply(&live.ns(), &ops) {
            // A namespace that has gone took its routes along.
            Err(failed) if !failed.cause.is_not_found() => {
                note(Err(Error::Kernel { act: "move the default route".into(), cause: failed.cause }));
            }
            _ => {}
        }
        self.retire_addresses(network, &endpoint);
        // Ports that cannot move to the next network are told in the log only, as in Docker.
        if let Err(error) = self.rebalance_ports(live) {
            tracing::warn!(sandbox = %live.record.id.short(), %error, "ports could not move to the next network");
        }
        note(self.remove_hosts(&live.record, &endpoint));
        note(self.refresh_resolv_conf(&mut live.record));
        note(self.serve_names(live));
        failures
    }
}
