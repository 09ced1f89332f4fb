//! Joining: address, link, routes, ports, names, files, in that order (sandbox.md section 3).

use super::gateway::Gateways;
use super::live::Live;
use super::outlets::{Opened, opened};
use super::record::EndpointRecord;
use super::{interface, linkname, routes, validate};
use crate::announcer::Announcement;
use crate::controller::Controller;
use crate::network::live::{Member, Network};
use crate::network::options;
use crate::{Error, Result};
use pontoon_ipam::PoolId;
use pontoon_kernel::{Netns, Op};
use pontoon_types::{EndpointId, EndpointSpec, Family, IpNet, LinkName, MacAddr, SandboxId};
use std::net::IpAddr;
use std::time::Duration;

/// What there was before an endpoint joined, to be put back.
pub(crate) struct Before {
    endpoint: EndpointRecord,
    gateways: Gateways,
    open: Opened,
    resolving: bool,
}

impl Controller {
    /// Joins the sandbox whose turn it is to `network`, all but its files. On failure it is as it was.
    pub(crate) fn attach(&self, live: &mut Live, network: &Network, spec: EndpointSpec) -> Result<Before> {
        validate::settings(&spec, Some(&network.record))?;
        validate::membership(&live.record, &network.record)?;
        validate::link_local(&spec)?;
        if let Some(why) = &network.broken {
            let name = network.record.name.clone();
            let cause = Box::new(Error::BrokenNetwork { name: name.clone(), why: why.clone() });
            return Err(Error::CreateEndpoint { endpoint: live.record.name.clone(), network: name, cause });
        }
        let driver = self.driver_of(network)?;
        let mut endpoint = self.lease(live, network, spec)?;
        let ns = live.ns();
        match driver.join(&network.record, &endpoint, &ns) {
            Ok(joined) => {
                // A next hop of a family in which the endpoint has no address leads nowhere.
                endpoint.gateway_v4 = joined.gateway_v4.filter(|_| endpoint.ipv4.is_some());
                endpoint.gateway_v6 = joined.gateway_v6.filter(|_| endpoint.ipv6.is_some());
            }
            Err(cause) => {
                self.retire_addresses(network, live.record.id, &endpoint);
                return Err(wrapped(&endpoint, cause));
            }
        }
        let (gateways, open) = (Gateways::of(&live.record.endpoints), opened(live));
        live.record.endpoints.push(endpoint.clone());
        let before = Before { endpoint, gateways, open, resolving: live.resolving };
        match self.bring_up(live, network, &before) {
            Ok(()) => Ok(before),
            Err(error) => Err(error.with_undo(self.take_back(live, network, &before))),
        }
    }

    /// Everything of joining that comes after the link is there.
    fn bring_up(&self, live: &mut Live, network: &Network, before: &Before) -> Result<()> {
        let endpoint = &before.endpoint;
        self.check_routes(live, endpoint)?;
        let (times, interval) = options::announcement(&network.record.options)?;
        let mut ops = Vec::new();
        if let Some(link) = &endpoint.link {
            ops = interface::configure(endpoint, link, live.record.has_ipv6, times > 0);
        }
        ops.extend(routes::change(before.gateways, &live.record.endpoints));
        self.program(&live.ns(), endpoint, &ops)?;
        if let Some(link) = &endpoint.host_link {
            self.kernel().settle(&Netns::Host, link).map_err(Error::kernel(format!("bring {link} up")))?;
        }
        self.rebalance_ports(live)?;
        self.register_names(live, network, endpoint);
        self.serve_names(live)?;
        self.announce_again(live.ns(), endpoint, times.saturating_sub(1), interval);
        Ok(())
    }

    /// Writes an endpoint that joined into the sandbox's files.
    pub(crate) fn write_files(&self, live: &mut Live, joined: &Before) -> Result<()> {
        self.add_hosts(&live.record, &joined.endpoint)?;
        self.refresh_resolv_conf(&mut live.record)
    }

    /// Takes an endpoint out again as if it had never joined. Goes on after a failure and tells them all.
    pub(crate) fn take_back(&self, live: &mut Live, network: &Network, before: &Before) -> Vec<Error> {
        let endpoint = &before.endpoint;
        let mut failures = self.reopen(live, &before.open);
        let mut note = |result: Result<()>| failures.extend(result.err());
        self.unregister_names(network, endpoint);
        let after = Gateways::of(&live.record.endpoints);
        live.record.endpoints.retain(|other| other.id != endpoint.id);
        note(self.set_routes(live, after));
        note(self.driver_of(network).and_then(|driver| driver.leave(&network.record, endpoint, &live.ns())));
        self.retire_addresses(network, live.record.id, endpoint);
        note(self.remove_hosts(&live.record, endpoint));
        note(self.refresh_resolv_conf(&mut live.record));
        note(if before.resolving { self.serve_names(live) } else { self.stop_names(live) });
        failures
    }

    /// The first announcement is the kernel's own, when the link comes up.
    fn announce_again(&self, ns: Netns, endpoint: &EndpointRecord, times: u8, interval: u64) {
        let Some(link) = endpoint.link.clone() else { return };
        let addresses = Family::BOTH.into_iter().filter_map(|family| Some(endpoint.address(family)?.addr())).collect();
        let interval = Duration::from_millis(interval);
        self.announcer().announce(endpoint.id, Announcement { ns, link, addresses, times, interval });
    }

    fn program(&self, ns: &Netns, endpoint: &EndpointRecord, ops: &[Op]) -> Result<()> {
        let interface = endpoint.link.as_ref().map(ToString::to_string).unwrap_or_default();
        let failed = |failed: pontoon_kernel::Failed| Error::AddInterface { interface, cause: failed.cause };
        self.kernel().apply(ns, ops).map_err(failed)
    }

    /// Addresses, a name for the link, and a place among the network's members.
    fn lease(&self, live: &Live, network: &Network, spec: EndpointSpec) -> Result<EndpointRecord> {
        let record = &network.record;
        let driver = self.driver_of(network)?;
        let has_links = !matches!(record.driver.as_str(), "host" | "null");
        let mut used: Vec<LinkName> =
            live.record.endpoints.iter().filter_map(|endpoint| endpoint.link.clone()).collect();
        if live.record.owner.is_some() && has_links {
            let there = self.kernel().observe(&live.ns()).map_err(Error::kernel("look at the sandbox's links"))?;
            used.extend(there.links.into_iter().map(|link| link.name));
        }
        let link = match has_links {
            true => Some(linkname::choose(&driver.link_plan(record, &spec.driver_opts)?, &used)?),
            false => None,
        };
        let id = EndpointId::random();
        let mac = has_links.then(|| spec.mac.unwrap_or_else(MacAddr::random));
        let mut endpoint = EndpointRecord {
            id,
            network: record.id,
            network_name: record.name.clone(),
            name: live.record.name.clone(),
            link,
            host_link: has_links.then(|| LinkName::of_endpoint(&id)),
            mac,
            ipv4: None,
            ipv6: None,
            gateway_v4: None,
            gateway_v6: None,
            internal: record.internal,
            spec,
        };
        network.enter(id, member(live, &endpoint))?;
        if let Err(error) = self.lease_addresses(live, network, &mut endpoint) {
            self.retire_addresses(network, live.record.id, &endpoint);
            return Err(error);
        }
        network.describe(id, member(live, &endpoint));
        Ok(endpoint)
    }

    fn lease_addresses(&self, live: &Live, network: &Network, endpoint: &mut EndpointRecord) -> Result<()> {
        if network.record.pools.is_empty() {
            return Ok(());
        }
        if network.record.ipv4 {
            let wanted = endpoint.spec.ipv4.map(validate::unmapped);
            endpoint.ipv4 = Some(self.lease_address(live, network, Family::V4, wanted)?);
        }
        if network.record.ipv6 && live.record.has_ipv6 && !validate::switches_ipv6_off(&endpoint.spec) {
            endpoint.ipv6 = Some(self.lease_address(live, network, Family::V6, endpoint.spec.ipv6)?);
        }
        Ok(())
    }

    fn lease_address(&self, live: &Live, network: &Network, family: Family, wanted: Option<IpAddr>) -> Result<IpNet> {
        let record = &network.record;
        if let Some(address) = self.flows().reclaim(record.id, live.record.id, family, wanted)
            && let Some(pool) = record.pools.iter().find(|pool| pool.subnet.contains(&address))
        {
            return Ok(IpNet::new(address, pool.subnet.prefix_len()).unwrap_or_else(|_| IpNet::from(address)));
        }
        let pools: Vec<PoolId> = record.pools_of(family).map(super::super::network::record::PoolRecord::id).collect();
        let shown = format!("{} ({})", record.name, record.id);
        let allocate = || self.ipam().allocate_any(&pools, wanted, &shown);
        match allocate() {
            // What is taken may only be waiting for its old flows to be forgotten.
            Err(pontoon_ipam::Error::AddressInUse { .. } | pontoon_ipam::Error::NetworkFull { .. })
                if self.flows().wait() =>
            {
                Ok(allocate()?.address)
            }
            other => Ok(other?.address),
        }
    }

    /// Gives back what `lease` took, once nothing that is tracked remembers the addresses.
    pub(crate) fn retire_addresses(&self, network: &Network, sandbox: SandboxId, endpoint: &EndpointRecord) {
        if !self.kernel().tracks_flows() {
            return self.unlease(network, endpoint);
        }
        let addresses = Family::BOTH.into_iter().filter_map(|family| endpoint.address(family)).filter_map(|address| {
            let pool = network.record.pools.iter().find(|pool| pool.subnet.contains(&address.addr()))?;
            Some((pool.id(), address.addr()))
        });
        self.flows().forget_and_release(network.record.id, sandbox, addresses.collect());
        network.exit(endpoint.id);
    }

    /// Gives back what `lease` took.
    pub(crate) fn unlease(&self, network: &Network, endpoint: &EndpointRecord) {
        let mut ipam = self.ipam();
        for address in Family::BOTH.into_iter().filter_map(|family| endpoint.address(family)) {
            for pool in network.record.pools.iter().filter(|pool| pool.subnet.contains(&address.addr())) {
                // A pool that is unknown has been given back with the network.
                let _ = ipam.release(&pool.id(), address.addr());
            }
        }
        drop(ipam);
        network.exit(endpoint.id);
    }

    /// An address must not fall on a route that the namespace has already.
    fn check_routes(&self, live: &Live, endpoint: &EndpointRecord) -> Result<()> {
        let own = |family| endpoint.address(family).map(|address| address.trunc());
        let conflict = |other: IpNet| {
            let net = own(Family::of_net(&other))?;
            let clash = other.prefix_len() > 0 && (net.contains(&other) || other.contains(&net));
            clash.then(|| Error::RouteConflict {
                address: endpoint.address(Family::of_net(&other)).map(|a| a.to_string()).unwrap_or_default(),
                route: other.to_string(),
            })
        };
        let others = live.record.endpoints.iter().filter(|other| other.id != endpoint.id);
        let known = others.flat_map(|other| Family::BOTH.into_iter().filter_map(|family| other.address(family)));
        let mut routes: Vec<IpNet> = known.map(|address| address.trunc()).collect();
        if live.record.owner.is_some() && endpoint.link.is_some() {
            let foreign = self.kernel().routes(&live.ns()).map_err(Error::kernel("read the sandbox's routes"))?;
            routes.extend(foreign.into_iter().map(|route| route.destination));
        }
        match routes.into_iter().find_map(conflict) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

pub(crate) fn member(live: &Live, endpoint: &EndpointRecord) -> Member {
    Member {
        sandbox: live.record.id,
        name: endpoint.name.clone(),
        mac: endpoint.mac,
        ipv4: endpoint.ipv4,
        ipv6: endpoint.ipv6,
    }
}

fn wrapped(endpoint: &EndpointRecord, cause: Error) -> Error {
    let (endpoint, network) = (endpoint.name.clone(), endpoint.network_name.clone());
    Error::CreateEndpoint { endpoint, network, cause: Box::new(cause) }
}
