//! What the kernel has: links, addresses, routes.

use ipnet::IpNet;
use pontoon_types::{LinkName, MacAddr};
use std::net::IpAddr;

/// A link's number in its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkIndex(pub u32);

/// Kinds of links that matter here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// The loopback link.
    Loopback,
    /// A bridge.
    Bridge,
    /// One end of a pair.
    Veth,
    /// Any other kind, by the kernel's name (`macvlan`, `vxlan`, empty for hardware).
    Other(String),
}

/// What went through a link since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the kernel's own names")]
pub struct Counters {
    pub rx_bytes: u64,
    pub rx_packets: u64,
    pub rx_errors: u64,
    pub rx_dropped: u64,
    pub tx_bytes: u64,
    pub tx_packets: u64,
    pub tx_errors: u64,
    pub tx_dropped: u64,
}

/// A link as observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Number.
    pub index: LinkIndex,
    /// Name.
    pub name: LinkName,
    /// Kind.
    pub kind: LinkKind,
    /// Ethernet address, if it has one of six bytes.
    pub mac: Option<MacAddr>,
    /// MTU in bytes.
    pub mtu: u32,
    /// Administratively up.
    pub up: bool,
    /// The bridge it is a port of.
    pub master: Option<LinkIndex>,
    /// Bridge port isolation (`IFLA_BRPORT_ISOLATED`).
    pub isolated: bool,
    /// Frames may leave by the bridge port they came in by (`IFLA_BRPORT_MODE`).
    pub hairpin: bool,
    /// Its group (`IFLA_GROUP`); see [`crate::LinkGroup`].
    pub group: u32,
    /// Alias text, if set.
    pub alias: Option<String>,
}

/// An address on a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The link.
    pub link: LinkIndex,
    /// Address with prefix length.
    pub net: IpNet,
    /// Who gave it (`IFA_PROTO`, since Linux 5.18); ours is [`Address::OURS`].
    pub protocol: u8,
}

impl Address {
    /// The mark by which we know addresses that we gave. Older kernels do not keep it, and show 0.
    pub const OURS: u8 = Route::OURS;
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteTarget {
    /// Directly on the link.
    OnLink,
    /// By way of a gateway.
    Via(IpAddr),
}

/// A route of the main table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// Destination; `0.0.0.0/0` or `::/0` for the default route.
    pub destination: IpNet,
    /// Next hop.
    pub target: RouteTarget,
    /// Outgoing link, if one is named.
    pub link: Option<LinkIndex>,
    /// Route protocol; ours is [`Route::OURS`].
    pub protocol: u8,
}

impl Route {
    /// The route protocol by which we know our own routes (`rtm_protocol`; 3 to 254 are free for such use).
    pub const OURS: u8 = 80;
}

/// A permanent neighbour entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Neighbour {
    /// The link.
    pub link: LinkIndex,
    /// Protocol address.
    pub address: IpAddr,
    /// Ethernet address.
    pub mac: MacAddr,
}

/// A namespace as observed at one moment. Lists are in the kernel's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Links.
    pub links: Vec<Link>,
    /// Addresses, without the automatic link-local ones being left out.
    pub addresses: Vec<Address>,
    /// Unicast routes of the main table.
    pub routes: Vec<Route>,
}

impl Observed {
    /// The link of that name.
    pub fn link(&self, name: &LinkName) -> Option<&Link> {
        self.links.iter().find(|link| link.name == *name)
    }

    /// Addresses on the link with that index.
    pub fn addresses_of(&self, index: LinkIndex) -> impl Iterator<Item = &Address> {
        self.addresses.iter().filter(move |address| address.link == index)
    }
}
