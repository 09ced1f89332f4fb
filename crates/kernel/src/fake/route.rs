//! Routes of the model: those that come and go with addresses, and those that somebody added.

use super::fault::refused;
use super::namespace::Namespace;
use crate::{Error, Kind, LinkIndex, LinkKind, Result, Route, RouteTarget};
use ipnet::IpNet;
use pontoon_types::LinkName;
use std::net::IpAddr;

/// `RTPROT_KERNEL`: the route came with an address.
const OF_KERNEL: u8 = 2;

impl Namespace {
    /// The unicast routes of the main table: IPv4 first, in each family those of addresses first.
    pub fn routes(&self) -> Vec<Route> {
        let mut routes: Vec<Route> = Vec::new();
        for is_v4 in [true, false] {
            for route in self.connected().chain(self.added_routes.iter().cloned()) {
                if route.destination.addr().is_ipv4() == is_v4 && !routes.contains(&route) {
                    routes.push(route);
                }
            }
        }
        routes
    }

    /// Routes to the subnets of addresses. IPv4 has none for a host address or on the loopback link.
    fn connected(&self) -> impl Iterator<Item = Route> + '_ {
        self.addresses.iter().filter_map(|address| {
            let link = &self.devices.get(&address.link)?.link;
            let apart = address.net.addr().is_ipv4()
                && (address.net.prefix_len() == address.net.max_prefix_len() || link.kind == LinkKind::Loopback);
            (link.up && !apart).then(|| Route {
                destination: address.net.trunc(),
                target: RouteTarget::OnLink,
                link: Some(address.link),
                protocol: OF_KERNEL,
            })
        })
    }

    /// Adds a route of `protocol`, or replaces the added one of the same destination.
    pub fn set_route(
        &mut self,
        destination: IpNet,
        target: &RouteTarget,
        name: Option<&LinkName>,
        protocol: u8,
    ) -> Result<()> {
        let act = || match target {
            RouteTarget::Via(gateway) => format!("add route to {destination} via {gateway}"),
            RouteTarget::OnLink => format!("add route to {destination}"),
        };
        if destination.addr().is_ipv6() && !self.settings.has_ipv6() {
            return Err(refused(Kind::NotSupported, act()));
        }
        let named = name.map(|name| self.index(name).ok_or_else(|| refused(Kind::NotFound, act()))).transpose()?;
        if named.is_some_and(|index| !self.is_up(index)) {
            return Err(Error::new(Kind::Other, act(), "network is down"));
        }
        let link = match target {
            RouteTarget::OnLink => named.ok_or_else(|| refused(Kind::NotFound, act()))?,
            RouteTarget::Via(gateway) => self.link_to(*gateway, named).ok_or_else(|| refused(Kind::Other, act()))?,
        };
        let route = Route { destination: destination.trunc(), target: target.clone(), link: Some(link), protocol };
        // IPv4 replaces whoever added it; IPv6 keeps another's beside ours.
        let replaced = |there: &Route| {
            there.destination == route.destination && (there.protocol == protocol || route.destination.addr().is_ipv4())
        };
        self.added_routes.retain(|there| !replaced(there));
        self.added_routes.push(route);
        Ok(())
    }

    /// Removes the routes of `protocol` to a destination; there being none is no error.
    pub fn remove_route(&mut self, destination: IpNet, protocol: u8) {
        let destination = destination.trunc();
        self.added_routes.retain(|route| route.destination != destination || route.protocol != protocol);
    }

    /// The link on which a gateway is found, if it is one step away.
    fn link_to(&self, gateway: IpAddr, named: Option<LinkIndex>) -> Option<LinkIndex> {
        if matches!(gateway, IpAddr::V6(address) if address.is_unicast_link_local()) {
            return named;
        }
        let direct = |route: &Route| {
            route.target == RouteTarget::OnLink
                && route.destination.contains(&gateway)
                && (named.is_none() || route.link == named)
        };
        let routes = self.routes().into_iter().filter(direct);
        routes.max_by_key(|route| route.destination.prefix_len()).and_then(|route| route.link)
    }
}
