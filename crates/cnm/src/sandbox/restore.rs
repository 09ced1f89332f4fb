//! Start: everything stored is brought back, everything that lives is adopted, everything else of ours is removed.

use super::live::Sandbox;
use super::record::SandboxRecord;
use crate::controller::{Controller, Readiness};
use crate::error::BROKEN_HINT;
use crate::network::live::{Member, Network};
use crate::network::record::NetworkRecord;
use crate::{Error, Result};
use pontoon_kernel::Netns;
use pontoon_types::{Family, Keeper};
use std::sync::Arc;

impl Controller {
    /// Brings back what was stored. Where nothing changed while the daemon was away, nothing is written to the kernel.
    pub fn start(&self) -> Result<Readiness> {
        let mut ready = Readiness::default();
        self.bring_back_networks(&mut ready)?;
        self.bring_back_sandboxes(&mut ready)?;
        self.sweep_netns_files();
        self.sweep_folders();
        for sandbox in self.sandboxes_in_memory() {
            let Ok(mut live) = sandbox.turn() else { continue };
            live.restored = Some(live.record.clone());
            ready.failures.extend(self.hold_again(&mut live).iter().map(ToString::to_string));
            sandbox.show(&live.record);
        }
        let mut repaired = self.restore_kernel()?;
        self.mend_all(&mut repaired);
        ready.writes += repaired.writes;
        ready.failures.extend(repaired.failures);
        self.make_predefined()?;
        self.complete(&mut ready);
        Ok(ready)
    }

    fn bring_back_networks(&self, ready: &mut Readiness) -> Result<()> {
        let stored = self.definitions().networks()?;
        let unreadable = stored.unreadable.into_iter().map(|network| Network::broken(network.record, network.why));
        let readable = stored.readable.into_iter().map(|record| match self.can_use(&record) {
            Ok(()) => Network::new(record),
            Err(error) => Network::broken(record, pontoon_types::chain(&error)),
        });
        for network in readable.chain(unreadable) {
            let record = &network.record;
            let mut note = |what: String| ready.failures.push(format!("network {}: {what}", record.name));
            // Subnets of a network that cannot be used stay taken: another version may use it again.
            if !record.config_only
                && let Err(error) = self.restore_pools(record)
            {
                note(error.to_string());
            }
            match &network.broken {
                Some(why) => note(format!("it cannot be used: {why}; {BROKEN_HINT}")),
                None => ready.networks += 1,
            }
            self.insert_network(network);
        }
        Ok(())
    }

    fn can_use(&self, record: &NetworkRecord) -> Result<()> {
        if record.config_only { Ok(()) } else { self.driver(&record.driver)?.can_use(record) }
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

    /// Whether the sandbox's namespace is still the one it had, its owner still has it, and its keeper lives.
    pub(crate) fn is_alive(&self, record: &SandboxRecord) -> bool {
        // A question that fails says nothing: only an answer ends a sandbox.
        if let Some(Keeper { pid, start }) = record.spec.keeper
            && matches!(self.kernel().process_start(pid), Ok(now) if now != Some(start))
        {
            return false;
        }
        let Some(path) = &record.netns_path else { return true };
        let mounted = self.kernel().netns_id(path);
        if matches!(mounted, Ok(id) if id.is_none() || id != record.netns_id) {
            return false;
        }
        match &record.owner {
            Some(owner) => !matches!(self.kernel().owner_id(owner), Ok(id) if id != record.netns_id),
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
                let pool = network.record.pools.iter().find(|pool| pool.subnet.contains(&address.addr()));
                let restored = pool.map(|pool| self.ipam().restore_address(&pool.id(), address.addr()));
                // It has the address, whatever the book says: a sandbox that lives is not taken down for it.
                if let Some(Err(error)) = restored {
                    tracing::warn!(sandbox = %record.id.short(), %address, %error, "an address is not in the book");
                }
            }
            record.endpoints.push(endpoint);
        }
        if let Some(namespace) = record.netns_id {
            self.claim_namespace(namespace, record.id, None);
        }
        self.insert_sandbox(Arc::new(Sandbox::new(record)))
    }

    /// Names, resolvers and files, and whatever a request left unfinished when the daemon ended; last, because nothing
    /// of the data path waits for them.
    fn complete(&self, ready: &mut Readiness) {
        let sandboxes = self.sandboxes_in_memory();
        for sandbox in &sandboxes {
            let Ok(live) = sandbox.turn() else { continue };
            for endpoint in &live.record.endpoints {
                if let Some(network) = self.network_by_id(endpoint.network) {
                    self.register_names(&live, &network, endpoint);
                }
            }
        }
        for sandbox in sandboxes {
            let Ok(mut live) = sandbox.turn() else { continue };
            // As it was stored: what hold_again had to give up counts as a change.
            let before = live.restored.take();
            let results = [
                if before.as_ref().is_some_and(|before| before.mappings != live.record.mappings) {
                    Ok(())
                } else {
                    self.rebalance_ports(&mut live)
                },
                self.serve_names(&mut live),
                self.forget_unserved(&live.record),
                self.settle_hosts(&live.record),
                self.refresh_resolv_conf(&mut live.record),
            ];
            ready.failures.extend(results.into_iter().filter_map(Result::err).map(|error| error.to_string()));
            if before.as_ref() != Some(&live.record) {
                ready.failures.extend(self.run_state().put_sandbox(&live.record).err().map(|error| error.to_string()));
            }
            sandbox.show(&live.record);
        }
    }

    /// Files of sandboxes that nobody was promised, or that are gone.
    fn sweep_folders(&self) {
        let Ok(entries) = std::fs::read_dir(self.settings().exec_root.join("files")) else { return };
        let known: Vec<_> = self.sandboxes_in_memory().iter().map(|sandbox| sandbox.id).collect();
        let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        for id in ids.filter(|id| !known.contains(id)) {
            if let Err(error) = self.remove_files(id) {
                tracing::warn!(%error, "could not remove leftover files");
            }
        }
    }

    /// Namespace files of sandboxes that nobody was promised: a crash while they were made.
    pub(crate) fn sweep_netns_files(&self) {
        let Ok(entries) = std::fs::read_dir(self.settings().exec_root.join("netns")) else { return };
        let known: Vec<_> = self.sandboxes_in_memory().iter().filter_map(|s| s.shown().netns_path.clone()).collect();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| !known.contains(path)) {
            // It may be somebody's who keeps it; one that is not mounted has nothing of ours.
            let cleared = self.clear_names(&Netns::At(path.clone()));
            let released = self.kernel().release_netns(&path).map_err(Error::kernel("release it"));
            for error in [cleared, released].into_iter().filter_map(Result::err) {
                tracing::warn!(path = %path.display(), %error, "could not remove a leftover namespace");
            }
        }
    }
}
