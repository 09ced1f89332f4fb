//! Requests about routes of the main table. Ours carry the protocol [`Route::OURS`].

use super::address::family;
use super::{RTM_DELROUTE, RTM_GETROUTE, RTM_NEWROUTE};
use crate::netlink::Request;
use ipnet::IpNet;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RouteProtocol, RouteScope, RouteType, RouteVia,
};
use pontoon_kernel::{LinkIndex, Route, RouteTarget};
use std::net::IpAddr;

const MAIN: u8 = 254;

fn message(destination: &IpNet) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family(destination);
    message.header.destination_prefix_length = destination.prefix_len();
    message.header.table = MAIN;
    message.header.protocol = RouteProtocol::from(Route::OURS);
    if destination.prefix_len() > 0 {
        message.attributes.push(RouteAttribute::Destination(RouteAddress::from(destination.network())));
    }
    message
}

/// Adds the route, or replaces the one of the same destination and metric.
pub(crate) fn set(destination: &IpNet, target: &RouteTarget, link: Option<LinkIndex>) -> Request {
    let mut message = message(destination);
    message.header.kind = RouteType::Unicast;
    match target {
        RouteTarget::Via(gateway) => {
            message.header.scope = RouteScope::Universe;
            message.attributes.push(via(destination, *gateway));
        }
        RouteTarget::OnLink => message.header.scope = RouteScope::Link,
    }
    message.attributes.extend(link.map(|link| RouteAttribute::Oif(link.0)));
    Request::new(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &message)
}

fn via(destination: &IpNet, gateway: IpAddr) -> RouteAttribute {
    match (destination, gateway) {
        // An IPv4 route by way of an IPv6 neighbour (RFC 5549; kernel 5.2).
        (IpNet::V4(_), IpAddr::V6(gateway)) => RouteAttribute::Via(RouteVia::Inet6(gateway)),
        _ => RouteAttribute::Gateway(gateway.into()),
    }
}

/// Removes a route of ours to that destination; of several the first, or exactly the one with `only`'s next hop.
pub(crate) fn remove(destination: &IpNet, only: Option<&Route>) -> Request {
    let mut message = message(destination);
    message.header.scope = RouteScope::NoWhere;
    if let Some(route) = only {
        if let RouteTarget::Via(gateway) = route.target {
            message.attributes.push(via(destination, gateway));
        }
        message.attributes.extend(route.link.map(|link| RouteAttribute::Oif(link.0)));
    }
    Request::new(RTM_DELROUTE, 0, &message)
}

/// The main table of one family.
pub(crate) fn list(family: AddressFamily) -> Request {
    let mut message = RouteMessage::default();
    message.header.address_family = family;
    message.attributes = vec![RouteAttribute::Table(u32::from(MAIN))];
    Request::new(RTM_GETROUTE, 0, &message)
}
