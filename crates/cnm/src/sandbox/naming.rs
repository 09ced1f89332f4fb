//! Names of a sandbox in its networks, and the resolver that serves what it sees of them.

use super::gateway;
use super::live::Live;
use super::record::{EndpointRecord, SandboxRecord};
use crate::controller::Controller;
use crate::network::live::Network;
use crate::{DnsPorts, Error, NameRecord, Result, SandboxNames, VisibleNetwork};
use pontoon_kernel::Netns;
use pontoon_kernel::nft::{Change, Transaction};
use std::sync::Arc;

impl Controller {
    /// Makes an endpoint known to its network: sandbox name, aliases, short id, host name (dns.md section 4).
    pub(crate) fn register_names(&self, live: &Live, network: &Network, endpoint: &EndpointRecord) {
        if network.record.has_names() {
            network.names.insert(endpoint.id, name_record(&live.record, endpoint));
        }
    }

    /// Makes it unknown again.
    pub(crate) fn unregister_names(&self, network: &Network, endpoint: &EndpointRecord) {
        network.names.remove(endpoint.id);
    }

    /// Has the resolver serve what the sandbox sees now. It starts with the first network that has names, and goes
    /// with the sandbox.
    pub(crate) fn serve_names(&self, live: &mut Live) -> Result<()> {
        // Once it was served it is served for good: programs remember their name server.
        let wanted = live.resolving || live.record.dns.is_some() || self.has_names(&live.record);
        if !wanted || live.record.netns_path.is_none() {
            return Ok(());
        }
        let names = Arc::new(self.names_seen(&live.record));
        let upstreams = self.upstreams(&live.record)?;
        if live.resolving {
            self.resolver().update(live.record.id, names, upstreams);
            return Ok(());
        }
        let act = || format!("start the resolver of sandbox {}", live.record.name);
        let opened = self.resolver().open(live.record.id, &live.ns(), names, upstreams, live.record.dns);
        let ports = opened.map_err(Error::kernel(act()))?;
        // Half a resolver is none: the next network that has names starts it again.
        self.redirect_names(live, ports).inspect_err(|_| self.resolver().close(live.record.id))?;
        live.resolving = true;
        Ok(())
    }

    /// Leads 127.0.0.11:53 in the sandbox to the resolver's ports. Nothing is written when they are the old ones.
    fn redirect_names(&self, live: &mut Live, ports: DnsPorts) -> Result<()> {
        if live.record.dns == Some(ports) {
            return Ok(());
        }
        let mut transaction = Transaction::replace(&pontoon_ruleset::dns_table(ports.udp, ports.tcp));
        // Whether there is a table already (a daemon may have ended before it was noted), it is there to be replaced.
        transaction.changes.insert(0, Change::AddTable);
        let act = format!("lead names of sandbox {} to its resolver", live.record.name);
        self.kernel().commit(&live.ns(), &transaction).map_err(Error::kernel(act))?;
        live.record.dns = Some(ports);
        Ok(())
    }

    /// Stops serving names. In a namespace that stays, the way to the resolver is taken away too.
    pub(crate) fn stop_names(&self, live: &mut Live) -> Result<()> {
        self.resolver().close(live.record.id);
        live.resolving = false;
        if live.record.dns.is_some() {
            self.clear_names(&live.ns())?;
            live.record.dns = None;
        }
        Ok(())
    }

    /// Takes away the way to a resolver. It may have gone already, or its namespace.
    pub(crate) fn clear_names(&self, ns: &Netns) -> Result<()> {
        match self.kernel().commit(ns, &Transaction::delete(pontoon_ruleset::dns_table(0, 0).id)) {
            Err(error) if error.is_not_found() => Ok(()),
            other => other.map_err(Error::kernel("take away the way to the resolver")),
        }
    }

    /// At a start: a daemon may have ended before it noted that a sandbox is served.
    pub(crate) fn forget_unserved(&self, record: &SandboxRecord) -> Result<()> {
        if record.dns.is_some() || record.netns_path.is_none() {
            return Ok(());
        }
        let there = self.kernel().table(&record.ns(), &pontoon_ruleset::dns_table(0, 0).id);
        match there.map_err(Error::kernel("look for the way to the resolver"))? {
            Some(_) => self.clear_names(&record.ns()),
            None => Ok(()),
        }
    }

    /// The sandbox's networks that have names, in the order in which they are asked.
    fn names_seen(&self, record: &SandboxRecord) -> SandboxNames {
        let visible = gateway::sorted(&record.endpoints).into_iter().filter_map(|endpoint| {
            let network = self.network_by_id(endpoint.network)?;
            network.record.has_names().then(|| VisibleNetwork {
                name: network.record.name.clone(),
                names: network.names.clone(),
                links: endpoint.spec.links.clone(),
            })
        });
        SandboxNames { networks: visible.collect() }
    }
}

fn name_record(sandbox: &SandboxRecord, endpoint: &EndpointRecord) -> NameRecord {
    let (ipv4, ipv6) = (endpoint.ipv4.map(|net| net.addr()), endpoint.ipv6.map(|net| net.addr()));
    NameRecord { names: sandbox.dns_names(endpoint), ipv4, ipv6 }
}
