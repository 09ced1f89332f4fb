//! Runs of addresses as plain numbers.
//!
//! Owns: turning addresses and subnets of either family into `u128` and back. Must never know who uses them.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use pontoon_types::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A run of addresses of one family, both ends included; `first <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: u128,
    pub(crate) last: u128,
}

impl Span {
    /// The one address `number`.
    pub(crate) fn single(number: u128) -> Self {
        Self { first: number, last: number }
    }

    /// Every address of `net`; host bits are ignored.
    pub(crate) fn of(net: &IpNet) -> Self {
        Self { first: number(net.network()), last: number(net.broadcast()) }
    }

    /// How many addresses the run has; the whole IPv6 space saturates.
    pub(crate) fn size(self) -> u128 {
        (self.last - self.first).saturating_add(1)
    }
}

/// `address` as a number.
pub(crate) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The address of `family` with that number; bits beyond the family's width are dropped.
pub(crate) fn address(family: Family, number: u128) -> IpAddr {
    match family {
        #[allow(clippy::cast_possible_truncation, reason = "numbers of IPv4 spans fit in 32 bits")]
        Family::V4 => IpAddr::V4(Ipv4Addr::from_bits(number as u32)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(number)),
    }
}

/// Width of an address of `family` in bits.
pub(crate) fn width(family: Family) -> u8 {
    match family {
        Family::V4 => 32,
        Family::V6 => 128,
    }
}

/// The subnet of `family` with that first address and prefix length; a length beyond the width is cut to it.
pub(crate) fn net(family: Family, first: u128, length: u8) -> IpNet {
    let length = length.min(width(family));
    match address(family, first) {
        IpAddr::V4(v4) => Ipv4Net::new(v4, length).map(|net| IpNet::V4(net.trunc())),
        IpAddr::V6(v6) => Ipv6Net::new(v6, length).map(|net| IpNet::V6(net.trunc())),
    }
    .unwrap_or_else(|_| IpNet::from(address(family, first)))
}

/// How many addresses a subnet of that prefix length has, minus one (so that `/0` of IPv6 fits).
pub(crate) fn size_minus_one(family: Family, length: u8) -> u128 {
    let free = u32::from(width(family).saturating_sub(length));
    u128::MAX.checked_shr(128 - free).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_survive_being_numbers() {
        for text in ["0.0.0.0/0", "10.0.0.0/8", "192.0.2.7/32", "::/0", "fd00::/8", "2001:db8::1/128"] {
            let subnet: IpNet = text.parse().unwrap();
            let (family, span) = (Family::of_net(&subnet), Span::of(&subnet));
            assert_eq!(net(family, span.first, subnet.prefix_len()), subnet);
            assert_eq!(span.last - span.first, size_minus_one(family, subnet.prefix_len()));
        }
    }

    #[test]
    fn the_whole_of_ipv6_does_not_overflow() {
        assert_eq!(Span::of(&"::/0".parse().unwrap()).size(), u128::MAX);
        assert_eq!(Span::of(&"10.0.0.0/8".parse().unwrap()).size(), 1 << 24);
    }
}
