//! Removing a sandbox: record, ports, resolver, endpoints, namespace, files.

use super::connect::first_error;
use super::live::{Live, Sandbox};
use crate::controller::Controller;
use crate::{Error, Result};
use std::sync::Arc;

impl Controller {
    /// Removes the sandbox meant by `term`. Failures on the way do not stop it; they are told at the end, and the
    /// sandbox is then still there with what is left of it, to be removed again.
    pub fn remove_sandbox(&self, term: &str) -> Result<()> {
        let _open = self.accepting()?;
        let sandbox = self.find_sandbox(term)?;
        self.remove_found_sandbox(&sandbox)
    }

    /// The record goes first: what a daemon that ends in between leaves behind is then nobody's, and goes at the next
    /// start.
    pub(crate) fn remove_found_sandbox(&self, sandbox: &Arc<Sandbox>) -> Result<()> {
        let mut live = sandbox.turn()?;
        self.run_state().delete_sandbox(live.record.id)?;
        let mut left = live.record.endpoints.clone();
        let failures = self.dismantle(&mut live);
        left.retain(|endpoint| !live.record.endpoints.contains(endpoint));
        for network in left.iter().rev().filter_map(|endpoint| self.network_by_id(endpoint.network)) {
            self.tell("disconnect", &network, sandbox);
        }
        if !failures.is_empty() {
            sandbox.show(&live.record);
            return first_error(failures);
        }
        live.removed = true;
        self.forget_sandbox(sandbox.id);
        self.tell_of_sandbox("destroy", sandbox);
        Ok(())
    }

    /// Takes apart whatever there is of a sandbox, as far as it goes. What could not be taken away stays in `live`.
    pub(crate) fn dismantle(&self, live: &mut Live) -> Vec<Error> {
        let mut failures = self.drop_ports(live);
        self.resolver().close(live.record.id);
        live.resolving = false;
        let cleared = self.leave_namespace(&live.record);
        for endpoint in std::mem::take(&mut live.record.endpoints) {
            // A network that is not there took its endpoints along.
            let Some(network) = self.network_by_id(endpoint.network) else { continue };
            if let Err(error) = self.unlink(&network, &endpoint, &live.ns()) {
                failures.push(error);
                live.record.endpoints.push(endpoint);
                continue;
            }
            self.unregister_names(&network, &endpoint);
            self.retire_addresses(&network, live.record.id, &endpoint);
        }
        // A namespace that still has something of ours is kept within reach.
        if let Err(error) = cleared {
            failures.push(error);
        } else if let Some(path) = &live.record.netns_path {
            let act = format!("release the namespace of sandbox {}", live.record.name);
            failures.extend(self.kernel().release_netns(path).map_err(Error::kernel(act)).err());
        }
        failures.extend(self.remove_files(live.record.id).err());
        failures
    }

    /// Gives up what is left of a sandbox that nobody was promised: strays on the host go with the next repair.
    pub(crate) fn abandon(&self, live: &mut Live) {
        live.outlets.drain(..).for_each(|outlet| self.let_go(outlet));
        for endpoint in std::mem::take(&mut live.record.endpoints) {
            if let Some(network) = self.network_by_id(endpoint.network) {
                self.unregister_names(&network, &endpoint);
                self.unlease(&network, &endpoint);
            }
        }
        live.removed = true;
        self.forget_sandbox(live.record.id);
    }
}
