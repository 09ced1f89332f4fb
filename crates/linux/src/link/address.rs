//! Requests about addresses.

use super::{RTM_DELADDR, RTM_GETADDR, RTM_NEWADDR};
use crate::netlink::Request;
use ipnet::IpNet;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressProtocol};
use pontoon_kernel::{Address, LinkIndex};

fn message(link: LinkIndex, net: &IpNet) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(net);
    message.header.prefix_len = net.prefix_len();
    message.header.index = link.0;
    message.attributes = vec![AddressAttribute::Local(net.addr()), AddressAttribute::Address(net.addr())];
    message
}

/// The family of an address or a subnet in rtnetlink's words.
pub(super) fn family(net: &IpNet) -> AddressFamily {
    if net.addr().is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

/// A new address without duplicate address detection, with a broadcast address as Docker sets it, marked as ours.
pub(crate) fn add(link: LinkIndex, net: &IpNet) -> Request {
    let mut message = message(link, net);
    message.attributes.push(AddressAttribute::Protocol(AddressProtocol::from(Address::OURS)));
    match net {
        IpNet::V4(net) if net.prefix_len() < 31 => {
            message.attributes.push(AddressAttribute::Broadcast(net.broadcast()));
        }
        IpNet::V4(_) => {}
        IpNet::V6(_) => message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad)),
    }
    Request::new(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &message)
}

/// No longer that address.
pub(crate) fn remove(link: LinkIndex, net: &IpNet) -> Request {
    Request::new(RTM_DELADDR, 0, &message(link, net))
}

/// All addresses, of one link where the kernel filters (strict sockets), else of all: the answer says which.
pub(crate) fn list(link: Option<LinkIndex>) -> Request {
    let mut message = AddressMessage::default();
    message.header.index = link.map_or(0, |link| link.0);
    Request::new(RTM_GETADDR, 0, &message)
}
