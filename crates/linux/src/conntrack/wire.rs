//! ctnetlink messages (linux/netfilter/nfnetlink_conntrack.h).
//!
//! Must never panic on what is read.

use crate::netlink::{Attribute, Attributes, Request, attributes};
use pontoon_kernel::FlowKey;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const SUBSYSTEM: u16 = 1 << 8;
const NEW: u16 = SUBSYSTEM;
const GET: u16 = SUBSYSTEM | 1;
const DELETE: u16 = SUBSYSTEM | 2;

mod cta {
    pub(super) const TUPLE_ORIG: u16 = 1;
    pub(super) const TUPLE_REPLY: u16 = 2;
    pub(super) const ID: u16 = 12;
    pub(super) const ZONE: u16 = 18;
    pub(super) const FILTER: u16 = 25;
    pub(super) const FILTER_ORIG_FLAGS: u16 = 1;
    pub(super) const FILTER_REPLY_FLAGS: u16 = 2;
    pub(super) const TUPLE_IP: u16 = 1;
    pub(super) const TUPLE_PROTO: u16 = 2;
    pub(super) const IP_V4_SRC: u16 = 1;
    pub(super) const IP_V4_DST: u16 = 2;
    pub(super) const IP_V6_SRC: u16 = 3;
    pub(super) const IP_V6_DST: u16 = 4;
    pub(super) const PROTO_NUM: u16 = 1;
    pub(super) const PROTO_SRC_PORT: u16 = 2;
    pub(super) const PROTO_DST_PORT: u16 = 3;
}

/// One direction, as far as its protocol has these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tuple {
    /// Source address.
    pub source: Option<IpAddr>,
    /// Destination address.
    pub destination: Option<IpAddr>,
    /// Number of the transport protocol.
    pub protocol: Option<u8>,
    /// Source port.
    pub source_port: Option<u16>,
    /// Destination port.
    pub destination_port: Option<u16>,
}

/// A tracked connection, with what is needed to name it to the kernel again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow<'a> {
    /// The original direction.
    pub original: Tuple,
    /// The reply direction.
    pub reply: Tuple,
    pub(super) family: u8,
    pub(super) tuple: &'a [u8],
    pub(super) id: Option<&'a [u8]>,
    pub(super) zone: Option<&'a [u8]>,
}

/// Whether a frame of this type carries a flow.
pub(super) fn is_flow(kind: u16) -> bool {
    kind == NEW
}

/// A flow from the body of a conntrack message; `None` when it is too short to have a header.
pub fn read_flow(body: &[u8]) -> Option<Flow<'_>> {
    let mut flow = Flow { family: *body.first()?, ..Flow::default() };
    for attribute in attributes(body.get(4..)?) {
        match attribute.kind {
            cta::TUPLE_ORIG => (flow.tuple, flow.original) = (attribute.value, read_tuple(attribute)),
            cta::TUPLE_REPLY => flow.reply = read_tuple(attribute),
            cta::ID => flow.id = Some(attribute.value),
            cta::ZONE => flow.zone = Some(attribute.value),
            _ => {}
        }
    }
    Some(flow)
}

fn read_tuple(attribute: Attribute<'_>) -> Tuple {
    let mut tuple = Tuple::default();
    for part in attribute.nested() {
        for field in part.nested() {
            match (part.kind, field.kind) {
                (cta::TUPLE_IP, cta::IP_V4_SRC | cta::IP_V6_SRC) => tuple.source = field.address(),
                (cta::TUPLE_IP, cta::IP_V4_DST | cta::IP_V6_DST) => tuple.destination = field.address(),
                (cta::TUPLE_PROTO, cta::PROTO_NUM) => tuple.protocol = field.u8(),
                (cta::TUPLE_PROTO, cta::PROTO_SRC_PORT) => tuple.source_port = field.port(),
                (cta::TUPLE_PROTO, cta::PROTO_DST_PORT) => tuple.destination_port = field.port(),
                _ => {}
            }
        }
    }
    tuple
}

/// `struct nfgenmsg` of that family.
fn header(family: u8) -> [u8; 4] {
    [family, 0, 0, 0]
}

/// Asks for all flows of a family.
pub(super) fn list(family: u8) -> Request {
    Request { kind: GET, flags: 0, body: header(family).to_vec() }
}

/// Deletes `flow`, and only it: its id changes with every connection. `None` for one without a tuple or id.
pub(super) fn delete(flow: Flow<'_>) -> Option<Request> {
    if flow.tuple.is_empty() {
        return None;
    }
    let mut body = Attributes::after(&header(flow.family))
        .nest(cta::TUPLE_ORIG, Attributes::after(flow.tuple))
        .with(cta::ID, flow.id?);
    if let Some(zone) = flow.zone {
        body = body.with(cta::ZONE, zone);
    }
    Some(Request { kind: DELETE, flags: 0, body: body.into_bytes() })
}

/// A place where a flow has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// In the reply direction, not the original one.
    reply: bool,
    /// The source, not the destination.
    source: bool,
}

/// All four.
pub(super) const PLACES: [Place; 4] = [
    Place { reply: false, source: true },
    Place { reply: false, source: false },
    Place { reply: true, source: true },
    Place { reply: true, source: false },
];

/// The bits of `CTA_FILTER_*_FLAGS`: which parts of the tuple count.
mod counts {
    pub(super) const SOURCE: u32 = 1;
    pub(super) const DESTINATION: u32 = 1 << 1;
    pub(super) const PROTOCOL: u32 = 1 << 3;
    pub(super) const DESTINATION_PORT: u32 = 1 << 5;
}

/// Has the kernel itself delete all flows with `address` there (since 6.8; `EINVAL` before, and nothing is deleted).
pub(super) fn flush_address(address: Ipv4Addr, place: Place) -> Request {
    let flags = if place.source { counts::SOURCE } else { counts::DESTINATION };
    let address = IpAddr::V4(address);
    let tuple = Attributes::default().nest(cta::TUPLE_IP, one_address(Attributes::default(), address, place.source));
    flush(address, place.reply, flags, tuple)
}

/// Has the kernel itself delete all flows to that port of the host.
pub(super) fn flush_port(protocol: u8, address: IpAddr, port: u16) -> Request {
    let ports = Attributes::default().with(cta::PROTO_NUM, &[protocol]).with(cta::PROTO_DST_PORT, &port.to_be_bytes());
    let mut flags = counts::PROTOCOL | counts::DESTINATION_PORT;
    let mut tuple = Attributes::default();
    if !address.is_unspecified() {
        flags |= counts::DESTINATION;
        tuple = tuple.nest(cta::TUPLE_IP, one_address(Attributes::default(), address, false));
    }
    flush(address, false, flags, tuple.nest(cta::TUPLE_PROTO, ports))
}

fn flush(address: IpAddr, reply: bool, flags: u32, tuple: Attributes) -> Request {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let (kind, which) =
        if reply { (cta::TUPLE_REPLY, cta::FILTER_REPLY_FLAGS) } else { (cta::TUPLE_ORIG, cta::FILTER_ORIG_FLAGS) };
    // When flushing, the kernel minds the family only if the version is not 0.
    let body = Attributes::after(&[family as u8, 1, 0, 0])
        .nest(kind, tuple)
        .nest(cta::FILTER, Attributes::default().with(which, &flags.to_ne_bytes()));
    Request { kind: DELETE, flags: 0, body: body.into_bytes() }
}

/// Asks for the flow with that reply direction.
pub(super) fn find(reply: &FlowKey) -> Request {
    let family = if reply.source.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let protocol = Attributes::default()
        .with(cta::PROTO_NUM, &[reply.protocol.number()])
        .with(cta::PROTO_SRC_PORT, &reply.source.port().to_be_bytes())
        .with(cta::PROTO_DST_PORT, &reply.destination.port().to_be_bytes());
    let tuple = Attributes::default()
        .nest(cta::TUPLE_IP, addresses(reply.source, reply.destination))
        .nest(cta::TUPLE_PROTO, protocol);
    let body = Attributes::after(&header(family as u8)).nest(cta::TUPLE_REPLY, tuple);
    Request { kind: GET, flags: 0, body: body.into_bytes() }
}

fn addresses(source: SocketAddr, destination: SocketAddr) -> Attributes {
    one_address(one_address(Attributes::default(), source.ip(), true), destination.ip(), false)
}

fn one_address(all: Attributes, address: IpAddr, source: bool) -> Attributes {
    match address {
        IpAddr::V4(address) => all.with(if source { cta::IP_V4_SRC } else { cta::IP_V4_DST }, &address.octets()),
        IpAddr::V6(address) => all.with(if source { cta::IP_V6_SRC } else { cta::IP_V6_DST }, &address.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_types::Protocol;
    use proptest::prelude::*;

    #[test]
    fn a_tuple_survives_writing_and_reading() {
        for (source, destination) in [("10.0.0.2:53", "10.0.0.9:4000"), ("[fd00::2]:53", "[fd00::9]:4000")] {
            let key = FlowKey {
                protocol: Protocol::Udp,
                source: source.parse().unwrap(),
                destination: destination.parse().unwrap(),
            };
            let request = find(&key);
            let reply = read_flow(&request.body).unwrap().reply;
            assert_eq!(reply.source, Some(key.source.ip()));
            assert_eq!(reply.destination, Some(key.destination.ip()));
            assert_eq!((reply.source_port, reply.destination_port), (Some(53), Some(4000)));
            assert_eq!(reply.protocol, Some(17));
        }
    }

    #[test]
    fn a_flow_without_an_id_is_never_deleted() {
        let body = Attributes::after(&header(2))
            .nest(cta::TUPLE_ORIG, Attributes::default().with(cta::TUPLE_IP, &[0; 4]))
            .into_bytes();
        assert!(read_flow(&body).and_then(delete).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_flow(&bytes).and_then(delete);
        }
    }
}
