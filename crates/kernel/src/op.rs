//! What we have the kernel do to links, addresses, routes and sysctls, as values.

use crate::{Error, Netns, RouteTarget};
use ipnet::IpNet;
use pontoon_types::{LinkName, MacAddr};

/// The link groups (`IFLA_GROUP`) that mark our links in every namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkGroup {
    /// In use.
    Live,
    /// Cut off already, waiting to be deleted together.
    Retired,
    /// The same of a bridge; they are deleted one at a time.
    RetiredBridge,
}

impl LinkGroup {
    /// The number in the kernel: `pon` and one more byte, unlikely to be anyone else's.
    pub fn number(self) -> u32 {
        match self {
            Self::Live => 0x706f_6e01,
            Self::Retired => 0x706f_6e02,
            Self::RetiredBridge => 0x706f_6e03,
        }
    }

    /// Whether a link of the group with that number only waits to be deleted.
    pub fn is_retired(number: u32) -> bool {
        [Self::Retired, Self::RetiredBridge].iter().any(|group| group.number() == number)
    }
}

/// A bridge to be made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BridgeSpec {
    /// Name.
    pub name: LinkName,
    /// Ethernet address.
    pub mac: MacAddr,
    /// MTU; `None` leaves the kernel's.
    pub mtu: Option<u32>,
}

/// A pair to be made: one end a port of a bridge here, the other already inside another namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VethSpec {
    /// Name of the end here.
    pub host: LinkName,
    /// The bridge the end here becomes a port of; it is brought up.
    pub bridge: LinkName,
    /// Ports with this flag reach the bridge itself but not each other.
    pub isolated: bool,
    /// Send frames back out of the port they came in by (a container reaching itself through its published port).
    pub hairpin: bool,
    /// The namespace of the other end.
    pub peer_ns: Netns,
    /// Name of the other end, final from the start; it stays down until told otherwise.
    pub peer: LinkName,
    /// Ethernet address of the other end.
    pub peer_mac: MacAddr,
    /// MTU of both ends; `None` leaves the kernel's.
    pub mtu: Option<u32>,
}

/// One thing to do in one namespace. Links are named by name: what we do to them must not depend on what was read before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Make a bridge, down, in group [`LinkGroup::Live`], no router advertisements accepted before it can come up
    /// (`net.ipv6.conf.BR.accept_ra=0`; CVE-2020-13401). Fails with `Exists` when there is a link of that name.
    CreateBridge(BridgeSpec),
    /// Make a pair, host end in group [`LinkGroup::Live`]. `Exists` when either name is taken.
    CreateVeth(VethSpec),
    /// Bring a link up.
    Up(LinkName),
    /// Take a link down.
    Down(LinkName),
    /// Set the MTU.
    SetMtu(LinkName, u32),
    /// Set the Ethernet address (the link must be down or allow it live).
    SetMac(LinkName, MacAddr),
    /// Set the alias; an empty text removes it.
    SetAlias(LinkName, String),
    /// Put a link into a group.
    SetGroup(LinkName, LinkGroup),
    /// Make a link a port of a bridge.
    SetMaster(LinkName, LinkName),
    /// Set bridge port isolation.
    SetIsolated(LinkName, bool),
    /// Set whether frames may leave by the bridge port they came in by.
    SetHairpin(LinkName, bool),
    /// Rename a link (allowed while up since kernel 6.2).
    Rename(LinkName, LinkName),
    /// Add an address, without duplicate address detection. Already there is no error.
    AddAddress(LinkName, IpNet),
    /// Remove an address. Already gone is no error, nor is a missing link.
    RemoveAddress(LinkName, IpNet),
    /// Add or replace a route of ours; the link may be left open where the gateway tells it.
    SetRoute {
        /// Destination.
        destination: IpNet,
        /// Next hop.
        target: RouteTarget,
        /// Outgoing link.
        link: Option<LinkName>,
    },
    /// Remove a route of ours to that destination. Already gone is no error.
    RemoveRoute(IpNet),
    /// Write a sysctl, e.g. `net/ipv4/conf/br0/route_localnet`; not written when the value is the same already.
    SetSysctl(String, String),
    /// Cut a link off without deleting it: down, addresses removed, out of its bridge, renamed to a free name, group
    /// [`LinkGroup::Retired`] or, for a bridge, [`LinkGroup::RetiredBridge`]. Its old name is free at once;
    /// [`crate::Kernel::reap`] or [`crate::Kernel::reap_bridge`] deletes it. A missing link is no error.
    Retire(LinkName),
}

/// A list of operations that stopped.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Failed {
    /// How many had been done.
    pub done: usize,
    /// Why the next one failed.
    #[source]
    pub cause: Error,
}
