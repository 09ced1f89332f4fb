//! Start: everything stored is brought back, everything that lives is adopted, everything else of ours is removed.

use super::live::Sandbox;
use super::record::SandboxRecord;
use crate::controller::{Controller, Readiness};
use crate::network::live::{Member, Network};
use crate::{Error, Result};
use pontoon_types::Family;
use std::sync::Arc;

impl Controller {
    /// Brings back what was stored. Where nothing changed while the daemon was away, nothing is written to the kernel.
    pub fn start(&self) -> Result<Readiness> {
        let mut ready = Readiness::default();
        self.bring_back_networks(&mut ready)?;
        self.bring_back_sandboxes(&mut ready)?;
        self.sweep_netns_files();
        for sandbox in self.sandboxes_in_memory() {
            let result = sandbox.turn().and_then(|mut live| self.hold_again(&mut live));
            ready.failures.extend(result.err().map(|error| error.to_string()));
        }
        let repaired = self.repair()?;
        ready.writes += repaired.writes;
        ready.failures.extend(repaired.failures);
        self.make_predefined()?;
        self.serve_again(&mut ready);
        Ok(ready)
    }

    fn bring_back_networks(&self, ready: &mut Readiness) -> Result<()> {
        for record in self.definitions().networks()? {
            if !record.config_only
                && let Err(error) = self.restore_pools(&record)
            {
                ready.failures.push(format!("network {}: {error}", record.name));
            }
            self.insert_network(Network::new(record));
            ready.networks += 1;
        }
        Ok(())
    }

    fn bring_back_sandboxes(&self, ready: &mut Readiness) -> Result<()> {
        let (records, broken) = self.run_state().sandboxes()?;
        ready.failures.extend(broken.into_iter().map(|error| error.to_string()));
        for record in records {
            let name = record.name.clone();
            if !self.is_alive(&record) {
                ready.gone += 1;
                ready.failures.extend(self.bury(&record).err().map(|error| format!("sandbox {name}: {error}")));
            } else if let Err(error) = self.bring_back_sandbox(record) {
                ready.failures.push(format!("sandbox {name}: {error}"));
            } else {
                ready.sandboxes += 1;
            }
        }
        Ok(())
    }

    /// Whether the sandbox's namespace is still the one it had, and its owner still has it.
    pub(crate) fn is_alive(&self, record: &SandboxRecord) -> bool {
        let Some(path) = &record.netns_path else { return true };
        let mounted = self.kernel().netns_id(path);
        if !matches!(mounted, Ok(id) if id.is_some() && id == record.netns_id) {
            return false;
        }
        match &record.owner {
            Some(owner) => matches!(self.kernel().owner_id(owner), Ok(id) if id == record.netns_id),
            None => true,
        }
    }

    /// Removes what a sandbox without namespace left behind. Its links and rules are strays, which the drivers remove.
    fn bury(&self, record: &SandboxRecord) -> Result<()> {
        if let Some(path) = &record.netns_path {
            self.kernel().release_netns(path).map_err(Error::kernel("release a namespace"))?;
        }
        self.remove_files(record.id)?;
        Ok(self.run_state().delete_sandbox(record.id)?)
    }

    fn bring_back_sandbox(&self, mut record: SandboxRecord) -> Result<()> {
        let endpoints = std::mem::take(&mut record.endpoints);
        for endpoint in endpoints {
            // The network of an endpoint was stored durably before the endpoint could exist.
            let Some(network) = self.network_by_id(endpoint.network) else { continue };
            let member = Member {
                sandbox: record.id,
                name: endpoint.name.clone(),
                mac: endpoint.mac,
                ipv4: endpoint.ipv4,
                ipv6: endpoint.ipv6,
            };
            network.enter(endpoint.id, member)?;
            for address in Family::BOTH.into_iter().filter_map(|family| endpoint.address(family)) {
                if let Some(pool) = network.record.pools.iter().find(|pool| pool.subnet.contains(&address.addr())) {
                    self.ipam().restore_address(&pool.id(), address.addr(), None)?;
                }
            }
            record.endpoints.push(endpoint);
        }
        self.insert_sandbox(Arc::new(Sandbox::new(record)))
    }

    /// Names and resolvers; last, because nothing of the data path waits for them.
    fn serve_again(&self, ready: &mut Readiness) {
        for sandbox in self.sandboxes_in_memory() {
            let Ok(mut live) = sandbox.turn() else { continue };
            for endpoint in live.record.endpoints.clone() {
                if let Some(network) = self.network_by_id(endpoint.network) {
                    self.register_names(&live, &network, &endpoint);
                }
            }
            let before = live.record.dns;
            let served = self.serve_names(&mut live);
            ready.failures.extend(served.err().map(|error| error.to_string()));
            if live.record.dns != before {
                ready.failures.extend(self.run_state().put_sandbox(&live.record).err().map(|error| error.to_string()));
            }
            sandbox.show(&live.record);
        }
    }

    /// Namespace files of sandboxes that nobody was promised: a crash while they were made.
    fn sweep_netns_files(&self) {
        let Ok(entries) = std::fs::read_dir(self.settings().exec_root.join("netns")) else { return };
        let known: Vec<_> = self.sandboxes_in_memory().iter().filter_map(|s| s.shown().netns_path.clone()).collect();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| !known.contains(path)) {
            if let Err(error) = self.kernel().release_netns(&path) {
                tracing::warn!(path = %path.display(), %error, "could not remove a leftover namespace");
            }
        }
    }
}
