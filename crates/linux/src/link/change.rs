//! Requests about links.
//!
//! Existing links are meant by name inside the request itself (`IFLA_IFNAME` with index 0), so that the kernel, not
//! we, looks them up at the moment of the change.

use super::{RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK};
use crate::netlink::Request;
use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoBridgePort, InfoData, InfoKind, InfoPortData, InfoPortKind,
    InfoVeth, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage,
};
use pontoon_kernel::{BridgeSpec, LinkGroup, LinkIndex, VethSpec};
use pontoon_types::{LinkName, MacAddr};
use std::os::fd::{AsRawFd, BorrowedFd};

const IFLA_IFALIAS: u16 = 20;

fn message(attributes: Vec<LinkAttribute>) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes = attributes;
    message
}

fn called(name: &LinkName) -> LinkAttribute {
    LinkAttribute::IfName(name.as_str().to_owned())
}

fn with_flag_up(mut message: LinkMessage, up: bool) -> LinkMessage {
    message.header.change_mask = LinkFlags::Up;
    message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
    message
}

/// Changes one attribute of the link `name`.
fn set(name: &LinkName, attribute: LinkAttribute) -> Request {
    Request::new(RTM_SETLINK, 0, &message(vec![called(name), attribute]))
}

/// A new bridge, down.
pub(crate) fn bridge(spec: &BridgeSpec) -> Request {
    let mut attributes = vec![
        called(&spec.name),
        LinkAttribute::Address(spec.mac.0.to_vec()),
        LinkAttribute::Group(LinkGroup::Live.number()),
        LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]),
    ];
    attributes.extend(spec.mtu.map(LinkAttribute::Mtu));
    Request::new(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &message(attributes))
}

/// The requests that make a pair. The end here stays down until the second, which sets the port's flags before: not one
/// frame passes a port that is not isolated yet.
pub(crate) fn veth(spec: &VethSpec, bridge: LinkIndex, peer_ns: BorrowedFd<'_>) -> [Request; 2] {
    let mut peer = vec![
        called(&spec.peer),
        LinkAttribute::Address(spec.peer_mac.0.to_vec()),
        LinkAttribute::NetNsFd(peer_ns.as_raw_fd()),
    ];
    peer.extend(spec.mtu.map(LinkAttribute::Mtu));
    let mut here = vec![
        called(&spec.host),
        LinkAttribute::Controller(bridge.0),
        LinkAttribute::Group(LinkGroup::Live.number()),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(message(peer)))),
        ]),
    ];
    here.extend(spec.mtu.map(LinkAttribute::Mtu));
    let mut flags = Vec::new();
    flags.extend(spec.isolated.then_some(InfoBridgePort::Isolated(true)));
    flags.extend(spec.hairpin.then_some(InfoBridgePort::HairpinMode(true)));
    let create = Request::new(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &message(here));
    let mut attributes = vec![called(&spec.host)];
    attributes.extend((!flags.is_empty()).then(|| port(flags)));
    // The kernel applies port data before flags (`rtnl_changelink`).
    let raise = Request::new(RTM_NEWLINK, 0, &with_flag_up(message(attributes), true));
    [create, raise]
}

/// Has the kernel give the link no IPv6 address of its own when it comes up.
pub(crate) fn without_ipv6_address(name: &LinkName) -> Request {
    let none = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
    let family = LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![none])]);
    Request::new(RTM_SETLINK, 0, &message(vec![called(name), family]))
}

fn port(flags: Vec<InfoBridgePort>) -> LinkAttribute {
    LinkAttribute::LinkInfo(vec![
        LinkInfo::PortKind(InfoPortKind::Bridge),
        LinkInfo::PortData(InfoPortData::BridgePort(flags)),
    ])
}

/// Brings the link with that index up or down.
pub(crate) fn set_up(index: LinkIndex, up: bool) -> Request {
    let mut message = with_flag_up(message(Vec::new()), up);
    message.header.index = index.0;
    Request::new(RTM_SETLINK, 0, &message)
}

/// Brings a link up or down.
pub(crate) fn set_up_by_name(name: &LinkName, up: bool) -> Request {
    Request::new(RTM_SETLINK, 0, &with_flag_up(message(vec![called(name)]), up))
}

/// Sets the MTU.
pub(crate) fn set_mtu(name: &LinkName, mtu: u32) -> Request {
    set(name, LinkAttribute::Mtu(mtu))
}

/// Sets the Ethernet address.
pub(crate) fn set_mac(name: &LinkName, mac: MacAddr) -> Request {
    set(name, LinkAttribute::Address(mac.0.to_vec()))
}

/// Sets the alias; an empty one removes it (the kernel wants no terminator then, nor otherwise).
pub(crate) fn set_alias(name: &LinkName, alias: &str) -> Request {
    set(name, LinkAttribute::Other(DefaultNla::new(IFLA_IFALIAS, alias.as_bytes().to_vec())))
}

/// Sets the group.
pub(crate) fn set_group(name: &LinkName, group: LinkGroup) -> Request {
    set(name, LinkAttribute::Group(group.number()))
}

/// Makes a link a port of the bridge with that index.
pub(crate) fn set_master(name: &LinkName, bridge: LinkIndex) -> Request {
    set(name, LinkAttribute::Controller(bridge.0))
}

/// Sets port isolation.
pub(crate) fn set_isolated(name: &LinkName, isolated: bool) -> Request {
    Request::new(RTM_NEWLINK, 0, &message(vec![called(name), port(vec![InfoBridgePort::Isolated(isolated)])]))
}

/// Sets whether frames may leave by the bridge port they came in by.
pub(crate) fn set_hairpin(name: &LinkName, hairpin: bool) -> Request {
    Request::new(RTM_NEWLINK, 0, &message(vec![called(name), port(vec![InfoBridgePort::HairpinMode(hairpin)])]))
}

/// Renames the link with that index.
pub(crate) fn rename(index: LinkIndex, name: &LinkName) -> Request {
    let mut message = message(vec![called(name)]);
    message.header.index = index.0;
    Request::new(RTM_SETLINK, 0, &message)
}

/// Takes a link out of use: another name, out of its bridge, in a group of retired ones.
pub(crate) fn withdraw(index: LinkIndex, name: &LinkName, group: LinkGroup) -> Request {
    let group = LinkAttribute::Group(group.number());
    let mut message = message(vec![called(name), group, LinkAttribute::Controller(0)]);
    message.header.index = index.0;
    Request::new(RTM_SETLINK, 0, &message)
}

/// Deletes every link of a group that the kernel lets users delete.
pub(crate) fn delete_group(group: LinkGroup) -> Request {
    Request::new(RTM_DELLINK, 0, &message(vec![LinkAttribute::Group(group.number())]))
}

/// Deletes the link with that index.
pub(crate) fn delete(index: LinkIndex) -> Request {
    let mut message = message(Vec::new());
    message.header.index = index.0;
    Request::new(RTM_DELLINK, 0, &message)
}

/// Asks for one link.
pub(crate) fn get(name: &LinkName) -> Request {
    Request::new(RTM_GETLINK, 0, &message(vec![called(name), without_statistics()]))
}

/// Asks for all links.
pub(crate) fn list() -> Request {
    Request::new(RTM_GETLINK, 0, &message(vec![without_statistics()]))
}

/// Asks for all bridges. The kernel leaves out other links, whose listing is dear (each pair's other namespace is
/// looked up in a list).
pub(crate) fn list_bridges() -> Request {
    let kind = LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]);
    Request::new(RTM_GETLINK, 0, &message(vec![kind, without_statistics()]))
}

/// Every link with its counters.
pub(crate) fn count() -> Request {
    Request::new(RTM_GETLINK, 0, &message(Vec::new()))
}

/// Leaves out the counters, a third of the kernel's work.
fn without_statistics() -> LinkAttribute {
    LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats])
}
