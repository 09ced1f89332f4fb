//! Taking away everything that was ever made on this host, for `pontoond --cleanup`. Definitions stay: they are the
//! user's, and the next start makes them real again.

use crate::controller::Controller;
use crate::{Error, Result, SandboxRecord};
use pontoon_kernel::nft::Transaction;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

impl Controller {
    /// Removes links, rules, namespaces, run-time records and files. Goes on after failures and tells them. For a
    /// controller that was not started.
    pub fn cleanup(&self) -> Result<Vec<Error>> {
        let (records, broken) = self.run_state().sandboxes()?;
        let mut failures: Vec<Error> = broken.into_iter().map(Error::from).collect();
        for record in &records {
            failures.extend(self.leave_namespace(record).err());
        }
        failures.extend(self.drivers().filter_map(|driver| driver.cleanup().err()));
        self.sweep_netns_files();
        for record in records {
            failures.extend(self.run_state().delete_sandbox(record.id).err().map(Error::from));
        }
        failures.extend(remove_folder(&self.settings().exec_root.join("files")).err());
        Ok(failures)
    }

    /// Takes our table out of a namespace that is not ours and lives on. One that has gone took it along.
    pub(crate) fn leave_namespace(&self, record: &SandboxRecord) -> Result<()> {
        if record.owner.is_none() || record.dns.is_none() {
            return Ok(());
        }
        let table = pontoon_ruleset::dns_table(0, 0).id;
        match self.kernel().commit(&record.ns(), &Transaction::delete(table)) {
            Err(error) if error.is_not_found() => Ok(()),
            other => other.map_err(Error::kernel(format!("remove the rules of sandbox {}", record.name))),
        }
    }
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => {
            Err(Error::File { act: format!("remove {}", folder.display()), cause })
        }
        _ => Ok(()),
    }
}
