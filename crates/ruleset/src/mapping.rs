//! A published port, or run of ports, in the rule set.
//!
//! Owns: which maps a mapping is in. A run that keeps its numbers is one element whatever its length; one that shifts
//! them is an element for each port, because the kernel's maps cannot add to a port.

use crate::sets;
use crate::{Error, Result};
use pontoon_kernel::nft::{Data, Element, Key, SetName, Value};
use pontoon_types::{PortMapping, Protocol};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The elements of one mapping.
///
/// IPv4 to IPv4: translated by the kernel. IPv6 to IPv6: translated by the kernel, and carried by the forwarder for
/// sources that the kernel cannot route back (link-local ones and `::1`). IPv6 to IPv4: carried by the forwarder.
/// Fails for IPv4 to IPv6, and for SCTP from IPv6 to IPv4 or on `::1`, which nothing carries.
pub fn mapping_elements(mapping: &PortMapping) -> Result<Vec<Element>> {
    let carried = matches!(mapping.protocol, Protocol::Tcp | Protocol::Udp);
    match (mapping.host_ip, mapping.container_ip) {
        (IpAddr::V4(_), IpAddr::V4(_)) => Ok(translated(mapping, MAPS4)),
        // Nothing to or from ::1 can be translated: see the rules of `publish6`.
        (IpAddr::V6(host), inside) if inside.is_ipv4() || host == Ipv6Addr::LOCALHOST => match carried {
            true => Ok(vec![forwarded(mapping)]),
            false => Err(Error::Protocol(mapping.clone())),
        },
        (IpAddr::V6(_), _) => {
            let mut elements = translated(mapping, MAPS6);
            elements.extend(carried.then(|| forwarded(mapping)));
            Ok(elements)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) => Err(Error::Family(mapping.clone())),
    }
}

/// The four maps or sets of one kind: by exact port or range, on one address or on every one.
struct Maps {
    port_addr: &'static str,
    port_any: &'static str,
    range_addr: &'static str,
    range_any: &'static str,
}

const MAPS4: Maps = Maps {
    port_addr: sets::DNAT4_ADDR,
    port_any: sets::DNAT4_ANY,
    range_addr: sets::RANGE4_ADDR,
    range_any: sets::RANGE4_ANY,
};

const MAPS6: Maps = Maps {
    port_addr: sets::DNAT6_ADDR,
    port_any: sets::DNAT6_ANY,
    range_addr: sets::RANGE6_ADDR,
    range_any: sets::RANGE6_ANY,
};

const FORWARDED: Maps = Maps {
    port_addr: sets::FORWARD6_ADDR,
    port_any: sets::FORWARD6_ANY,
    range_addr: sets::FORWARD6_ADDR_RANGE,
    range_any: sets::FORWARD6_ANY_RANGE,
};

impl Maps {
    fn ports(&self, mapping: &PortMapping) -> SetName {
        (if mapping.host_ip.is_unspecified() { self.port_any } else { self.port_addr }).into()
    }

    fn ranges(&self, mapping: &PortMapping) -> SetName {
        (if mapping.host_ip.is_unspecified() { self.range_any } else { self.range_addr }).into()
    }
}

fn translated(mapping: &PortMapping, maps: Maps) -> Vec<Element> {
    if mapping.is_identical() && mapping.host.count() > 1 {
        let data = Some(Data::Values(vec![mapping.container_ip.into()]));
        return vec![Element { set: maps.ranges(mapping), key: run(mapping), data }];
    }
    let element = |port: u16, to: SocketAddr| Element {
        set: maps.ports(mapping),
        key: Key::exact(key(mapping, port)),
        data: Some(Data::Values(vec![to.ip().into(), Value::Port(to.port())])),
    };
    let ports = mapping.host.start..=mapping.host.end;
    ports.filter_map(|port| Some(element(port, mapping.target(port)?))).collect()
}

fn forwarded(mapping: &PortMapping) -> Element {
    let set = if mapping.host.count() > 1 { FORWARDED.ranges(mapping) } else { FORWARDED.ports(mapping) };
    Element { set, key: run(mapping), data: None }
}

fn run(mapping: &PortMapping) -> Key {
    Key::range(key(mapping, mapping.host.start), key(mapping, mapping.host.end))
}

fn key(mapping: &PortMapping, port: u16) -> Vec<Value> {
    let address = (!mapping.host_ip.is_unspecified()).then(|| mapping.host_ip.into());
    address.into_iter().chain([Value::Protocol(mapping.protocol.number()), Value::Port(port)]).collect()
}
