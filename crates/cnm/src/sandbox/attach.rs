//! Joining: address, link, routes, ports, names, files, in that order (sandbox.md section 3).

use super::gateway::Gateways;
use super::live::Live;
use super::record::EndpointRecord;
use super::{interface, linkname, routes, validate};
use crate::controller::Controller;
use crate::network::live::{Member, Network};
use crate::network::options;
use crate::{Error, Result};
use pontoon_ipam::{AddressRequest, PoolId};
use pontoon_kernel::{Netns, Op};
use pontoon_types::{EndpointId, EndpointSpec, Family, IpNet, LinkName, MacAddr};
use std::net::IpAddr;

impl Controller {
    /// Joins the sandbox whose turn it is to `network`. On failure it is as it was.
    pub(crate) fn attach(&self, live: &mut Live, network: &Network, spec: EndpointSpec) -> Result<()> {
        validate::settings(&spec, &network.record)?;
        validate::membership(&live.record, &network.record)?;
        validate::link_local(&spec)?;
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
                self.unlease(network, &endpoint);
                return Err(wrapped(&endpoint, cause));
            }
        }
        let before = Gateways::of(&live.record.endpoints);
        live.record.endpoints.push(endpoint.clone());
        self.bring_up(live, network, &endpoint, before).map_err(|error| {
            let undone = self.detach(live, network);
            error.with_undo(undone)
        })
    }

    /// Everything of joining that comes after the link is there.
    fn bring_up(&self, live: &mut Live, network: &Network, endpoint: &EndpointRecord, before: Gateways) -> Result<()> {
        self.check_routes(live, endpoint)?;
        let announce = options::announcement(&network.record.options)?.0 > 0;
        let mut ops = Vec::new();
        if let Some(link) = &endpoint.link {
            ops = interface::configure(endpoint, link, live.record.has_ipv6, announce);
        }
        ops.extend(routes::change(before, &live.record.endpoints));
        self.program(&live.ns(), endpoint, &ops)?;
        if let Some(link) = &endpoint.host_link {
            self.kernel().settle(&Netns::Host, link).map_err(Error::kernel(format!("bring {link} up")))?;
        }
        self.rebalance_ports(live)?;
        self.register_names(live, network, endpoint);
        self.add_hosts(&live.record, endpoint)?;
        self.refresh_resolv_conf(&mut live.record)?;
        self.serve_names(live)
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
        let used: Vec<LinkName> = live.record.endpoints.iter().filter_map(|endpoint| endpoint.link.clone()).collect();
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
            self.unlease(network, &endpoint);
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
            endpoint.ipv4 =
                Some(self.lease_address(network, Family::V4, endpoint.spec.ipv4.map(validate::unmapped))?);
        }
        if network.record.ipv6 && live.record.has_ipv6 {
            endpoint.ipv6 = Some(self.lease_address(network, Family::V6, endpoint.spec.ipv6)?);
        }
        Ok(())
    }

    fn lease_address(&self, network: &Network, family: Family, wanted: Option<IpAddr>) -> Result<IpNet> {
        let record = &network.record;
        let pools: Vec<PoolId> = record.pools_of(family).map(super::super::network::record::PoolRecord::id).collect();
        let request = AddressRequest { wanted, keep_for: None };
        let shown = format!("{} ({})", record.name, record.id);
        let allocate = || self.ipam().allocate_any(&pools, &request, &shown);
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
    pub(crate) fn retire_addresses(&self, network: &Network, endpoint: &EndpointRecord) {
        if !self.kernel().tracks_flows() {
            return self.unlease(network, endpoint);
        }
        let addresses = Family::BOTH.into_iter().filter_map(|family| endpoint.address(family)).filter_map(|address| {
            let pool = network.record.pools.iter().find(|pool| pool.subnet.contains(&address.addr()))?;
            Some((pool.id(), address.addr()))
        });
        self.flows().forget_and_release(network.record.id, addresses.collect());
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
