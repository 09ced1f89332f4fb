//! The addresses that one name has in one network, each with the number of endpoints that bring it.
//!
//! Owns: collapsing duplicates when names change, so that lookups, which are far more frequent, need not.

use pontoon_types::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of a name. Empty means that the name does not exist.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    ipv4: Vec<(Ipv4Addr, u32)>,
    ipv6: Vec<(Ipv6Addr, u32)>,
}

impl Addresses {
    /// One more endpoint brings `address`.
    pub(super) fn add(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => add(&mut self.ipv4, address),
            IpAddr::V6(address) => add(&mut self.ipv6, address),
        }
    }

    /// One endpoint less brings `address`.
    pub(super) fn remove(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => remove(&mut self.ipv4, address),
            IpAddr::V6(address) => remove(&mut self.ipv6, address),
        }
    }

    /// Whether nobody brings any address.
    pub(super) fn is_empty(&self) -> bool {
        self.ipv4.is_empty() && self.ipv6.is_empty()
    }

    /// Appends the addresses of a family.
    pub(super) fn append_to(&self, family: Family, found: &mut Vec<IpAddr>) {
        match family {
            Family::V4 => found.extend(self.ipv4.iter().map(|(address, _)| IpAddr::V4(*address))),
            Family::V6 => found.extend(self.ipv6.iter().map(|(address, _)| IpAddr::V6(*address))),
        }
    }
}

fn add<A: PartialEq>(list: &mut Vec<(A, u32)>, address: A) {
    match list.iter_mut().find(|(held, _)| *held == address) {
        Some((_, count)) => *count += 1,
        None => list.push((address, 1)),
    }
}

fn remove<A: PartialEq>(list: &mut Vec<(A, u32)>, address: A) {
    if let Some(at) = list.iter().position(|(held, _)| *held == address) {
        list[at].1 -= 1;
        if list[at].1 == 0 {
            list.swap_remove(at);
        }
    }
}
