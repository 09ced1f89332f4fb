//! Names of a sandbox in its networks, and the resolver that serves what it sees of them.

use super::gateway;
use super::live::Live;
use super::record::{EndpointRecord, SandboxRecord};
use crate::controller::Controller;
use crate::network::live::Network;
use crate::{DnsPorts, Error, NameRecord, Result, SandboxNames, VisibleNetwork};
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
        if !live.resolving && (live.record.netns_path.is_none() || !self.has_names(&live.record)) {
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
        live.resolving = true;
        self.redirect_names(live, ports)
    }

    /// Leads 127.0.0.11:53 in the sandbox to the resolver's ports. Nothing is written when they are the old ones.
    fn redirect_names(&self, live: &mut Live, ports: DnsPorts) -> Result<()> {
        if live.record.dns == Some(ports) {
            return Ok(());
        }
        let wanted = pontoon_ruleset::dns_table(ports.udp, ports.tcp);
        let (ns, act) = (live.ns(), format!("lead names of sandbox {} to its resolver", live.record.name));
        let observed = match live.record.dns {
            Some(_) => self.kernel().table(&ns, &wanted.id).map_err(Error::kernel(act.clone()))?,
            None => None,
        };
        let transaction = pontoon_ruleset::plan(&wanted, observed.as_ref());
        self.kernel().commit(&ns, &transaction).map_err(Error::kernel(act))?;
        live.record.dns = Some(ports);
        Ok(())
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
    let mut names = vec![endpoint.name.clone()];
    let others = endpoint.spec.aliases.iter().cloned().chain([sandbox.id.short(), sandbox.hostname()]);
    for name in others.filter(|name| !name.is_empty()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let (ipv4, ipv6) = (endpoint.ipv4.map(|net| net.addr()), endpoint.ipv6.map(|net| net.addr()));
    NameRecord { names, ipv4, ipv6 }
}
