//! Another name for a sandbox that lives: its endpoints and their names in DNS change at once, and nothing else does
//! (containers-networking.md section 7: `/etc/hosts`, host name, short id and aliases stay).

use super::create::check_name;
use super::live::Live;
use crate::controller::Controller;
use crate::{Error, Result};

impl Controller {
    /// Calls the sandbox meant by `term` by another name. On failure it has the name it had.
    pub fn rename_sandbox(&self, term: &str, name: &str) -> Result<()> {
        let _open = self.accepting()?;
        check_name(name)?;
        let sandbox = self.find_sandbox(term)?;
        let mut live = sandbox.turn()?;
        let old = live.record.name.clone();
        if name.is_empty() {
            return Err(Error::SandboxName(name.to_owned()));
        }
        if old == name {
            return Ok(());
        }
        // The name is taken before anything is changed, and the old one given up after everything is.
        self.claim_sandbox_name(sandbox.id, name)?;
        if let Err(error) = self.give_name(&mut live, name) {
            self.forget_sandbox_name(name);
            return Err(error);
        }
        sandbox.show(&live.record);
        self.forget_sandbox_name(&old);
        Ok(())
    }

    fn give_name(&self, live: &mut Live, name: &str) -> Result<()> {
        let before = live.record.clone();
        let renamed = self.rename_members(live, name).and_then(|()| {
            live.record.name = name.to_owned();
            live.record.endpoints.iter_mut().for_each(|endpoint| endpoint.name = name.to_owned());
            Ok(self.run_state().put_sandbox(&live.record)?)
        });
        if let Err(error) = renamed {
            // A name that was this endpoint's a moment ago cannot have been given away: names of sandboxes are unique.
            let undone = self.rename_members(live, &before.name).err();
            live.record = before;
            return Err(error.with_undo(undone.into_iter().collect()));
        }
        for endpoint in &live.record.endpoints {
            if let Some(network) = self.network_by_id(endpoint.network) {
                self.register_names(live, &network, endpoint);
            }
        }
        Ok(())
    }

    fn rename_members(&self, live: &Live, name: &str) -> Result<()> {
        let mut members = live.record.endpoints.iter();
        members.try_for_each(|endpoint| match self.network_by_id(endpoint.network) {
            Some(network) => network.rename(endpoint.id, name),
            None => Ok(()),
        })
    }
}
