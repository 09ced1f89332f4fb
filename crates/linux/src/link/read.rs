//! What the kernel says about links, addresses and routes.
//!
//! Reads only the attributes we want: a foreign link may carry ones that no library knows yet. Must never panic.

use crate::netlink::{Attribute, attributes};
use ipnet::IpNet;
use pontoon_kernel::{Address, Counters, Link, LinkIndex, LinkKind, Route, RouteTarget};
use pontoon_types::{LinkName, MacAddr};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

mod ifla {
    pub(super) const ADDRESS: u16 = 1;
    pub(super) const IFNAME: u16 = 3;
    pub(super) const MTU: u16 = 4;
    pub(super) const MASTER: u16 = 10;
    pub(super) const OPERSTATE: u16 = 16;
    pub(super) const LINKINFO: u16 = 18;
    pub(super) const IFALIAS: u16 = 20;
    pub(super) const STATS64: u16 = 23;
    pub(super) const GROUP: u16 = 27;
    pub(super) const CARRIER: u16 = 33;
    pub(super) const LINK_NETNSID: u16 = 37;
    /// Operational states (RFC 2863) of a link whose carrier went up but whose queues are not active yet.
    pub(super) const DOWN: u8 = 2;
    pub(super) const LOWER_DOWN: u8 = 3;
    pub(super) const INFO_KIND: u16 = 1;
    pub(super) const INFO_SLAVE_KIND: u16 = 4;
    pub(super) const INFO_SLAVE_DATA: u16 = 5;
    pub(super) const BRPORT_MODE: u16 = 4;
    pub(super) const BRPORT_ISOLATED: u16 = 33;
}

mod ifa {
    pub(super) const ADDRESS: u16 = 1;
    pub(super) const LOCAL: u16 = 2;
    pub(super) const PROTO: u16 = 11;
}

mod rta {
    pub(super) const DST: u16 = 1;
    pub(super) const OIF: u16 = 4;
    pub(super) const GATEWAY: u16 = 5;
    pub(super) const MULTIPATH: u16 = 9;
    pub(super) const TABLE: u16 = 15;
    pub(super) const VIA: u16 = 18;
    pub(super) const MAIN: u32 = 254;
    pub(super) const UNICAST: u8 = 1;
    pub(super) const CLONED: u32 = 0x200;
}

const IFF_UP: u32 = 1;
const ARPHRD_LOOPBACK: u16 = 772;

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// A link from the body of `RTM_NEWLINK`; `None` for other families' news (AF_BRIDGE), for malformed ones, and
/// for links whose name no rule or log could carry ([`LinkName`] is stricter than the kernel).
pub fn read_link(body: &[u8]) -> Option<Link> {
    if *body.first()? != libc::AF_UNSPEC as u8 {
        return None;
    }
    let hardware = u16::from_ne_bytes(body.get(2..4)?.try_into().ok()?);
    let (mut name, mut kind, mut mac, mut mtu, mut master, mut group, mut alias) = (None, None, None, 0, None, 0, None);
    let mut port = Port::default();
    for attribute in attributes(body.get(16..)?) {
        match attribute.kind {
            ifla::ADDRESS => mac = attribute.value.try_into().ok().map(MacAddr),
            ifla::IFNAME => name = attribute.text(),
            ifla::MTU => mtu = attribute.u32()?,
            ifla::MASTER => master = attribute.u32().filter(|&index| index != 0).map(LinkIndex),
            ifla::GROUP => group = attribute.u32()?,
            ifla::IFALIAS => alias = attribute.text().filter(|text| !text.is_empty()).map(str::to_owned),
            ifla::LINKINFO => (kind, port) = read_info(attribute),
            _ => {}
        }
    }
    Some(Link {
        index: LinkIndex(u32_at(body, 4)?),
        name: LinkName::new(name?).ok()?,
        kind: match kind {
            _ if hardware == ARPHRD_LOOPBACK => LinkKind::Loopback,
            Some("bridge") => LinkKind::Bridge,
            Some("veth") => LinkKind::Veth,
            other => LinkKind::Other(other.unwrap_or_default().to_owned()),
        },
        mac,
        mtu,
        up: u32_at(body, 8)? & IFF_UP != 0,
        master,
        isolated: port.isolated,
        hairpin: port.hairpin,
        group,
        alias,
    })
}

/// The number by which this namespace knows the one with the other end of a link; `None` when that is here. From the
/// body of `RTM_NEWLINK`.
pub fn read_other_end(body: &[u8]) -> Option<i32> {
    let number = attributes(body.get(16..)?).find(|attribute| attribute.kind == ifla::LINK_NETNSID)?.u32()?;
    Some(number.cast_signed())
}

/// A link's name and what went through it, from the body of `RTM_NEWLINK`.
pub fn read_counters(body: &[u8]) -> Option<(LinkName, Counters)> {
    let (mut name, mut counters) = (None, Counters::default());
    for attribute in attributes(body.get(16..)?) {
        match attribute.kind {
            ifla::IFNAME => name = attribute.text(),
            ifla::STATS64 => {
                // struct rtnl_link_stats64: pairs of received and sent.
                let at = |place: usize| -> u64 {
                    let bytes = attribute.value.get(place * 8..place * 8 + 8).and_then(|bytes| bytes.try_into().ok());
                    bytes.map_or(0, u64::from_ne_bytes)
                };
                counters = Counters {
                    rx_packets: at(0),
                    tx_packets: at(1),
                    rx_bytes: at(2),
                    tx_bytes: at(3),
                    rx_errors: at(4),
                    tx_errors: at(5),
                    rx_dropped: at(6),
                    tx_dropped: at(7),
                };
            }
            _ => {}
        }
    }
    Some((LinkName::new(name?).ok()?, counters))
}

/// Whether the kernel has acted on the carrier of a link: queues active if it is there. From the body of `RTM_NEWLINK`.
pub fn is_settled(body: &[u8]) -> Option<bool> {
    let (mut carrier, mut state) = (false, 0);
    for attribute in attributes(body.get(16..)?) {
        match attribute.kind {
            ifla::CARRIER => carrier = attribute.u8()? != 0,
            ifla::OPERSTATE => state = attribute.u8()?,
            _ => {}
        }
    }
    Some(!(carrier && matches!(state, ifla::DOWN | ifla::LOWER_DOWN)))
}

/// What a link is set to as a port of a bridge.
#[derive(Clone, Copy, Default)]
struct Port {
    isolated: bool,
    hairpin: bool,
}

/// Kind, and what it is set to as a port of a bridge.
fn read_info(info: Attribute<'_>) -> (Option<&str>, Port) {
    let (mut kind, mut of_bridge, mut port) = (None, false, Port::default());
    for attribute in info.nested() {
        match attribute.kind {
            ifla::INFO_KIND => kind = attribute.text(),
            ifla::INFO_SLAVE_KIND => of_bridge = attribute.text() == Some("bridge"),
            ifla::INFO_SLAVE_DATA => {
                let is_set =
                    |flag| attribute.nested().any(|f| f.kind == flag && f.u8().is_some_and(|value| value != 0));
                port = Port { isolated: is_set(ifla::BRPORT_ISOLATED), hairpin: is_set(ifla::BRPORT_MODE) };
            }
            _ => {}
        }
    }
    (kind, if of_bridge { port } else { Port::default() })
}

/// An address from the body of `RTM_NEWADDR`.
pub fn read_address(body: &[u8]) -> Option<Address> {
    let length = *body.get(1)?;
    let (mut local, mut address, mut protocol) = (None, None, 0);
    for attribute in attributes(body.get(8..)?) {
        match attribute.kind {
            ifa::LOCAL => local = attribute.address(),
            ifa::ADDRESS => address = attribute.address(),
            ifa::PROTO => protocol = attribute.value.first().copied().unwrap_or_default(),
            _ => {}
        }
    }
    // On a point-to-point link IFA_ADDRESS is the other side's.
    let net = IpNet::new(local.or(address)?, length).ok()?;
    Some(Address { link: LinkIndex(u32_at(body, 4)?), net, protocol })
}

/// Unicast routes of the main table from the body of `RTM_NEWROUTE`: none, one, or one for each next hop.
pub fn read_routes(body: &[u8]) -> Vec<Route> {
    read_route(body).unwrap_or_default()
}

fn read_route(body: &[u8]) -> Option<Vec<Route>> {
    let unspecified: IpAddr = match i32::from(*body.first()?) {
        libc::AF_INET => Ipv4Addr::UNSPECIFIED.into(),
        libc::AF_INET6 => Ipv6Addr::UNSPECIFIED.into(),
        _ => return None,
    };
    let (length, protocol, kind) = (*body.get(1)?, *body.get(5)?, *body.get(7)?);
    if kind != rta::UNICAST || u32_at(body, 8)? & rta::CLONED != 0 {
        return None;
    }
    let mut table = u32::from(*body.get(4)?);
    let mut destination = unspecified;
    let mut hops = Vec::new();
    let mut hop = Hop::default();
    for attribute in attributes(body.get(12..)?) {
        match attribute.kind {
            rta::DST => destination = attribute.address()?,
            rta::TABLE => table = attribute.u32()?,
            rta::MULTIPATH => hops = read_hops(attribute.value),
            _ => hop.learn(attribute),
        }
    }
    if table != rta::MAIN || destination.is_ipv4() != unspecified.is_ipv4() {
        return None;
    }
    if hops.is_empty() {
        hops.push(hop);
    }
    let destination = IpNet::new(destination, length).ok()?;
    Some(hops.into_iter().map(|hop| Route { destination, target: hop.target, link: hop.link, protocol }).collect())
}

/// Where one path of a route leads.
struct Hop {
    target: RouteTarget,
    link: Option<LinkIndex>,
}

impl Default for Hop {
    fn default() -> Self {
        Self { target: RouteTarget::OnLink, link: None }
    }
}

impl Hop {
    fn learn(&mut self, attribute: Attribute<'_>) {
        let via = match attribute.kind {
            rta::OIF => {
                self.link = attribute.u32().map(LinkIndex);
                None
            }
            rta::GATEWAY => attribute.address(),
            // struct rtvia: the family in two bytes, then the address.
            rta::VIA => attribute.value.get(2..).and_then(|value| Attribute { kind: 0, value }.address()),
            _ => None,
        };
        if let Some(gateway) = via {
            self.target = RouteTarget::Via(gateway);
        }
    }
}

/// The paths of a multipath route: each a `struct rtnexthop` (length, flags, weight, link) and attributes.
fn read_hops(mut bytes: &[u8]) -> Vec<Hop> {
    let mut hops = Vec::new();
    while let (Some(head), Some(index)) = (bytes.first_chunk::<2>(), u32_at(bytes, 4)) {
        let length = usize::from(u16::from_ne_bytes(*head));
        let Some(inner) = bytes.get(8..length) else { break };
        let mut hop = Hop { link: Some(LinkIndex(index)), ..Hop::default() };
        attributes(inner).for_each(|attribute| hop.learn(attribute));
        hops.push(hop);
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    hops
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::Attributes;
    use proptest::prelude::*;

    fn route_header(family: i32, length: u8, kind: u8) -> Vec<u8> {
        vec![family as u8, length, 0, 0, 254, 80, 0, kind, 0, 0, 0, 0]
    }

    #[test]
    fn a_route_without_destination_is_the_default_route() {
        let body = Attributes::after(&route_header(libc::AF_INET6, 0, 1))
            .with(rta::GATEWAY, &Ipv6Addr::LOCALHOST.octets())
            .with(rta::OIF, &3u32.to_ne_bytes())
            .into_bytes();
        let route = Route {
            destination: "::/0".parse().unwrap(),
            target: RouteTarget::Via(Ipv6Addr::LOCALHOST.into()),
            link: Some(LinkIndex(3)),
            protocol: Route::OURS,
        };
        assert_eq!(read_routes(&body), [route]);
    }

    #[test]
    fn every_path_of_a_multipath_route_is_a_route() {
        let hop = |link: u32, gateway: [u8; 4]| {
            let inner = Attributes::default().with(rta::GATEWAY, &gateway).into_bytes();
            let mut hop = (8 + inner.len() as u16).to_ne_bytes().to_vec();
            hop.extend([0, 0]);
            hop.extend(link.to_ne_bytes());
            hop.extend(inner);
            hop
        };
        let body = Attributes::after(&route_header(libc::AF_INET, 8, 1))
            .with(rta::DST, &[10, 0, 0, 0])
            .with(rta::MULTIPATH, &[hop(2, [192, 0, 2, 1]), hop(3, [192, 0, 2, 2])].concat())
            .into_bytes();
        let links: Vec<_> = read_routes(&body).into_iter().map(|route| route.link).collect();
        assert_eq!(links, [Some(LinkIndex(2)), Some(LinkIndex(3))]);
    }

    #[test]
    fn unreachable_routes_and_other_tables_are_left_out() {
        assert!(read_routes(&route_header(libc::AF_INET, 0, 7)).is_empty());
        let other = Attributes::after(&route_header(libc::AF_INET, 0, 1)).with(rta::TABLE, &255u32.to_ne_bytes());
        assert!(read_routes(&other.into_bytes()).is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (read_link(&bytes), read_address(&bytes), read_routes(&bytes));
        }

        #[test]
        fn any_attributes_behind_a_good_header_are_read_without_panic(
            list in proptest::collection::vec((0u16..40, proptest::collection::vec(any::<u8>(), 0..40)), 0..8)
        ) {
            let fill = |header: &[u8]| {
                list.iter().fold(Attributes::after(header), |all, (kind, value)| all.with(*kind, value)).into_bytes()
            };
            let _ = read_link(&fill(&[0; 16]));
            let _ = read_address(&fill(&[0; 8]));
            let _ = read_routes(&fill(&route_header(libc::AF_INET, 0, 1)));
        }
    }
}
