//! Removing a network (api-networks.md section 7): refused while in use, gone for good when it returns.

use super::live::Network;
use super::lookup::Purpose;
use crate::controller::Controller;
use crate::{Error, Result};
use pontoon_types::EventSubject;

impl Controller {
    /// Removes the network meant by `term`.
    pub fn remove_network(&self, term: &str) -> Result<()> {
        let _open = self.accepting()?;
        let network = self.find_network(Purpose::Remove, term)?;
        // One that cannot be used is better made anew at the next start.
        if network.record.predefined && network.broken.is_none() {
            return Err(Error::PredefinedRemoval(network.record.name.clone()));
        }
        self.remove_found(&network)
    }

    /// Removes a network that was found; used by prune too.
    pub(crate) fn remove_found(&self, network: &Network) -> Result<()> {
        let record = &network.record;
        if record.config_only {
            self.check_unreferenced(&record.name)?;
        }
        network.close()?;
        self.tear_down(network).inspect_err(|_| network.reopen())?;
        self.forget_network(record.id);
        if !record.config_only {
            let attributes = [("name", record.name.as_str()), ("type", record.driver.as_str())];
            self.events().publish(EventSubject::Network, "destroy", record.id.to_string(), &attributes);
        }
        Ok(())
    }

    /// The record first, then kernel state: what a crash in between leaves behind is nobody's, and goes at the next
    /// start. The network is as it was when either fails.
    fn tear_down(&self, network: &Network) -> Result<()> {
        let record = &network.record;
        self.definitions().delete_network(record.id)?;
        // Of a network that could not be used the start left nothing in the kernel.
        if !record.config_only
            && network.broken.is_none()
            && let Err(error) = self.driver(&record.driver).and_then(|driver| driver.remove_network(record))
        {
            let undone = self.definitions().put_network(record).err().map(Error::from);
            return Err(error.with_undo(undone.into_iter().collect()));
        }
        self.flows().wait_for(record.id);
        self.return_pools(record);
        Ok(())
    }

    fn check_unreferenced(&self, config: &str) -> Result<()> {
        let used = self.networks_in_memory().iter().any(|n| n.record.config_from.as_deref() == Some(config));
        if used { Err(Error::ConfigInUse(config.to_owned())) } else { Ok(()) }
    }
}
