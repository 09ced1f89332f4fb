//! Removing a sandbox: endpoints, ports, resolver, namespace, files, record.

use super::connect::{first_error, tell_all};
use super::live::{Live, Sandbox};
use crate::controller::Controller;
use crate::{Error, Result};
use pontoon_types::EventSubject;
use std::sync::Arc;

impl Controller {
    /// Removes the sandbox meant by `term`. Failures on the way do not stop it; they are told at the end.
    pub fn remove_sandbox(&self, term: &str) -> Result<()> {
        let _open = self.accepting()?;
        let sandbox = self.find_sandbox(term)?;
        self.remove_found_sandbox(&sandbox)
    }

    pub(crate) fn remove_found_sandbox(&self, sandbox: &Arc<Sandbox>) -> Result<()> {
        let mut live = sandbox.turn()?;
        tell_all(self, "disconnect", &live, sandbox);
        let failures = self.dismantle(&mut live);
        live.removed = true;
        self.forget_sandbox(sandbox.id);
        let attributes = [("name", sandbox.name.as_str())];
        self.events().publish(EventSubject::Sandbox, "destroy", sandbox.id.to_string(), &attributes);
        first_error(failures)
    }

    /// Takes apart whatever there is of a sandbox.
    pub(crate) fn dismantle(&self, live: &mut Live) -> Vec<Error> {
        let mut failures = Vec::new();
        self.drop_ports(live);
        self.resolver().close(live.record.id);
        live.resolving = false;
        let endpoints = std::mem::take(&mut live.record.endpoints);
        for endpoint in endpoints {
            let Some(network) = self.network_by_id(endpoint.network) else { continue };
            live.record.endpoints = vec![endpoint];
            failures.extend(self.detach(live, &network));
        }
        if let Some(path) = live.record.netns_path.take() {
            let act = format!("release the namespace of sandbox {}", live.record.name);
            failures.extend(self.kernel().release_netns(&path).map_err(Error::kernel(act)).err());
        }
        failures.extend(self.remove_files(live.record.id).err());
        failures.extend(self.run_state().delete_sandbox(live.record.id).err().map(Error::from));
        failures
    }
}
