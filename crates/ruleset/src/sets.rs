//! The sets and maps of the host's table: the only part of it that changes.
//!
//! Owns: their names and types. Maps of exact keys are hash tables, so adding to them costs the same at any size;
//! only ranges live in interval maps.

use pontoon_kernel::nft::Field::{self, IfName, Ipv4, Ipv6, Port, Protocol};
use pontoon_kernel::nft::{Set, SetKind};

/// `br . br` for every bridge: traffic that comes and goes by the same bridge.
pub(crate) const SAME_BRIDGE: &str = "same_bridge";
/// Bridges whose endpoints must not talk to each other.
pub(crate) const NO_ICC: &str = "no_icc";
/// By the bridge a forwarded packet comes from.
pub(crate) const OUT_OF: &str = "out_of";
/// By the bridge a forwarded packet goes to.
pub(crate) const INTO: &str = "into";
/// Bridges without any way to or from the host.
pub(crate) const ISOLATED: &str = "isolated_bridges";
/// Bridges whose endpoints may publish ports.
pub(crate) const NAT: &str = "nat_bridges";
/// Bridges whose IPv4 traffic leaves with the host's address.
pub(crate) const MASQUERADE4: &str = "masquerade4";
/// Bridges whose IPv6 traffic leaves with the host's address.
pub(crate) const MASQUERADE6: &str = "masquerade6";
/// IPv4 ports on a specific address.
pub(crate) const DNAT4_ADDR: &str = "dnat4_addr";
/// IPv4 ports on every address.
pub(crate) const DNAT4_ANY: &str = "dnat4_any";
/// IPv4 ranges, same ports inside, on a specific address.
pub(crate) const RANGE4_ADDR: &str = "range4_addr";
/// IPv4 ranges, same ports inside, on every address.
pub(crate) const RANGE4_ANY: &str = "range4_any";
/// IPv6 ports on a specific address.
pub(crate) const DNAT6_ADDR: &str = "dnat6_addr";
/// IPv6 ports on every address.
pub(crate) const DNAT6_ANY: &str = "dnat6_any";
/// IPv6 ranges, same ports inside, on a specific address.
pub(crate) const RANGE6_ADDR: &str = "range6_addr";
/// IPv6 ranges, same ports inside, on every address.
pub(crate) const RANGE6_ANY: &str = "range6_any";
/// IPv6 ports on a specific address that the forwarder carries when the kernel cannot.
pub(crate) const FORWARD6_ADDR: &str = "forward6_addr";
/// The same on every address.
pub(crate) const FORWARD6_ANY: &str = "forward6_any";
/// Ranges of them on a specific address.
pub(crate) const FORWARD6_ADDR_RANGE: &str = "forward6_addr_range";
/// Ranges of them on every address.
pub(crate) const FORWARD6_ANY_RANGE: &str = "forward6_any_range";

/// Every set and map, empty.
pub(crate) fn all() -> Vec<Set> {
    let set = |name, key: &[Field]| Set::new(name, key, SetKind::Set);
    let map = |name, key: &[Field], data: &[Field]| Set::new(name, key, SetKind::Map(data.to_vec()));
    vec![
        set(SAME_BRIDGE, &[IfName, IfName]),
        set(NO_ICC, &[IfName]),
        Set::new(OUT_OF, &[IfName], SetKind::VerdictMap),
        Set::new(INTO, &[IfName], SetKind::VerdictMap),
        set(ISOLATED, &[IfName]),
        set(NAT, &[IfName]),
        set(MASQUERADE4, &[IfName]),
        set(MASQUERADE6, &[IfName]),
        map(DNAT4_ADDR, &[Ipv4, Protocol, Port], &[Ipv4, Port]),
        map(DNAT4_ANY, &[Protocol, Port], &[Ipv4, Port]),
        map(RANGE4_ADDR, &[Ipv4, Protocol, Port], &[Ipv4]).with_ranges(),
        map(RANGE4_ANY, &[Protocol, Port], &[Ipv4]).with_ranges(),
        map(DNAT6_ADDR, &[Ipv6, Protocol, Port], &[Ipv6, Port]),
        map(DNAT6_ANY, &[Protocol, Port], &[Ipv6, Port]),
        map(RANGE6_ADDR, &[Ipv6, Protocol, Port], &[Ipv6]).with_ranges(),
        map(RANGE6_ANY, &[Protocol, Port], &[Ipv6]).with_ranges(),
        set(FORWARD6_ADDR, &[Ipv6, Protocol, Port]),
        set(FORWARD6_ANY, &[Protocol, Port]),
        set(FORWARD6_ADDR_RANGE, &[Ipv6, Protocol, Port]).with_ranges(),
        set(FORWARD6_ANY_RANGE, &[Protocol, Port]).with_ranges(),
    ]
}
