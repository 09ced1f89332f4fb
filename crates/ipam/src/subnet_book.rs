//! The subnets of one address family.
//!
//! Owns: which subnets are in use by whom, which of them overlap, and the search for a free one. Must never know
//! default pools or Docker's texts other than through the error it returns.

use crate::Error;
use crate::address_book::AddressBook;
use crate::interval_set::IntervalSet;
use crate::span::{self, Span};
use ipnet::IpNet;
use pontoon_types::Family;
use std::collections::BTreeMap;

/// A subnet in use.
#[derive(Clone, Debug)]
struct Subnet {
    addresses: AddressBook,
    /// The users by their range; `None` uses the whole subnet.
    users: BTreeMap<Option<IpNet>, String>,
}

/// The book of one family.
#[derive(Clone, Debug)]
pub(crate) struct SubnetBook {
    family: Family,
    /// By first address, then prefix length: of nested subnets the outer one comes first.
    subnets: BTreeMap<(u128, u8), Subnet>,
    /// What all subnets cover together.
    covered: IntervalSet,
}

impl SubnetBook {
    /// A book without subnets.
    pub(crate) fn new(family: Family) -> Self {
        Self { family, subnets: BTreeMap::new(), covered: IntervalSet::default() }
    }

    /// Fails if `wanted` shares addresses with any subnet in use.
    pub(crate) fn check_apart(&self, wanted: IpNet) -> Result<(), Error> {
        match self.overlapping(&wanted) {
            Some((other, network)) => Err(Error::PoolOverlap { wanted, other, network }),
            None => Ok(()),
        }
    }

    /// Makes `owner` a user of the subnet. Fails only if the same subnet with the same range has a user already.
    pub(crate) fn insert(&mut self, subnet: IpNet, range: Option<IpNet>, owner: &str) -> Result<(), Error> {
        let entry = self
            .subnets
            .entry(key(&subnet))
            .or_insert_with(|| Subnet { addresses: AddressBook::new(subnet), users: BTreeMap::new() });
        if let Some(network) = entry.users.get(&range) {
            let wanted = range.unwrap_or(subnet);
            return Err(Error::PoolOverlap { wanted, other: wanted, network: network.clone() });
        }
        entry.users.insert(range, owner.to_owned());
        self.covered.insert(Span::of(&subnet));
        Ok(())
    }

    /// Takes a user out; the subnet goes with its last one. Tells whether there was such a user.
    pub(crate) fn remove(&mut self, subnet: IpNet, range: Option<IpNet>) -> bool {
        let Some(entry) = self.subnets.get_mut(&key(&subnet)) else { return false };
        let found = entry.users.remove(&range).is_some();
        if entry.users.is_empty() {
            self.subnets.remove(&key(&subnet));
            self.uncover(&subnet);
        }
        found
    }

    /// The addresses of the subnet, if that subnet with that range is in use.
    pub(crate) fn addresses(&self, subnet: &IpNet, range: Option<&IpNet>) -> Option<&AddressBook> {
        let entry = self.subnets.get(&key(subnet))?;
        entry.users.contains_key(&range.copied()).then_some(&entry.addresses)
    }

    /// As [`SubnetBook::addresses`], to change them.
    pub(crate) fn addresses_mut(&mut self, subnet: &IpNet, range: Option<&IpNet>) -> Option<&mut AddressBook> {
        let entry = self.subnets.get_mut(&key(subnet))?;
        entry.users.contains_key(&range.copied()).then_some(&mut entry.addresses)
    }

    /// The lowest aligned subnet of `length` bits inside `pool` that shares no address with a subnet in use nor with
    /// `reserved`.
    pub(crate) fn lowest_free(&self, pool: &IpNet, length: u8, reserved: &IntervalSet) -> Option<IpNet> {
        let pool = Span::of(pool);
        let mask = span::size_minus_one(self.family, length);
        let mut first = pool.first;
        loop {
            let last = first.checked_add(mask).filter(|&last| last <= pool.last)?;
            let candidate = Span { first, last };
            let taken = self.covered.last_of_overlap(candidate).max(reserved.last_of_overlap(candidate));
            let Some(taken) = taken else { return Some(span::net(self.family, first, length)) };
            first = taken.checked_add(1)?.checked_add(mask)? & !mask;
        }
    }

    fn overlapping(&self, wanted: &IpNet) -> Option<(IpNet, String)> {
        let span = Span::of(wanted);
        // Either something begins inside, or an outer subnet of one of the shorter lengths holds all of it.
        let inside = self.subnets.range((span.first, 0)..=(span.last, u8::MAX)).next();
        let outer = || {
            (0..wanted.prefix_len()).rev().find_map(|length| {
                let outer = span::net(self.family, span.first & !span::size_minus_one(self.family, length), length);
                self.subnets.get_key_value(&key(&outer))
            })
        };
        let (&(first, length), subnet) = inside.or_else(outer)?;
        let network = subnet.users.values().next().cloned().unwrap_or_default();
        Some((span::net(self.family, first, length), network))
    }

    fn uncover(&mut self, subnet: &IpNet) {
        let span = Span::of(subnet);
        self.covered.remove(span);
        let again: Vec<Span> = if let Some((outer, _)) = self.outermost(subnet) {
            vec![Span::of(&outer)]
        } else {
            let inner = self.subnets.range((span.first, 0)..=(span.last, u8::MAX));
            inner.map(|(&(first, length), _)| Span::of(&span::net(self.family, first, length))).collect()
        };
        again.into_iter().for_each(|span| self.covered.insert(span));
    }

    fn outermost(&self, subnet: &IpNet) -> Option<(IpNet, &Subnet)> {
        let first = Span::of(subnet).first;
        (0..subnet.prefix_len()).find_map(|length| {
            let outer = span::net(self.family, first & !span::size_minus_one(self.family, length), length);
            self.subnets.get(&key(&outer)).map(|entry| (outer, entry))
        })
    }
}

fn key(subnet: &IpNet) -> (u128, u8) {
    (Span::of(subnet).first, subnet.prefix_len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn apart(a: &IpNet, b: &IpNet) -> bool {
        !a.contains(&b.network()) && !b.contains(&a.network())
    }

    #[test]
    fn any_nesting_counts_as_overlap() {
        let mut book = SubnetBook::new(Family::V4);
        book.insert(net("10.1.2.0/24"), None, "x").unwrap();
        for wanted in ["10.1.2.0/24", "10.1.0.0/16", "10.1.2.128/25", "10.1.2.0/30", "10.1.2.255/32", "0.0.0.0/1"] {
            let error = book.check_apart(net(wanted)).unwrap_err();
            let expected = Error::PoolOverlap { wanted: net(wanted), other: net("10.1.2.0/24"), network: "x".into() };
            assert_eq!(error, expected);
        }
        for wanted in ["10.1.3.0/24", "10.1.1.255/32", "10.0.0.0/16", "128.0.0.0/1"] {
            assert_eq!(book.check_apart(net(wanted)), Ok(()));
        }
    }

    #[test]
    fn the_very_end_of_the_address_space_can_be_used_up() {
        let mut book = SubnetBook::new(Family::V6);
        let pool = net("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127");
        for expected in ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"] {
            let found = book.lowest_free(&pool, 128, &IntervalSet::default()).unwrap();
            assert_eq!(found, net(expected));
            book.insert(found, None, "x").unwrap();
        }
        assert_eq!(book.lowest_free(&pool, 128, &IntervalSet::default()), None);
    }

    /// Subnets of a small space, so that they meet often.
    fn subnet() -> impl Strategy<Value = IpNet> {
        (0u32..64, 26u8..=32).prop_map(|(host, length)| {
            IpNet::V4(ipnet::Ipv4Net::new((0x0a00_0000 + host).into(), length).unwrap().trunc())
        })
    }

    proptest! {
        #[test]
        fn a_found_subnet_is_the_lowest_one_that_is_apart_from_all_in_use(
            used in prop::collection::vec(subnet(), 0..20),
            gone in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
            length in 26u8..=32,
        ) {
            let mut book = SubnetBook::new(Family::V4);
            // Each with a range of its own, so that nested ones are allowed.
            let mut users: Vec<(IpNet, Option<IpNet>)> = Vec::new();
            for (i, net) in used.iter().enumerate() {
                let range = Some(IpNet::from(span::address(Family::V4, i as u128)));
                book.insert(*net, range, "x").unwrap();
                users.push((*net, range));
            }
            for index in gone {
                if !users.is_empty() {
                    let (net, range) = users.swap_remove(index.index(users.len()));
                    prop_assert!(book.remove(net, range));
                    prop_assert!(!book.remove(net, range));
                }
            }
            let pool = net("10.0.0.0/26");
            let free = |candidate: &IpNet| users.iter().all(|(net, _)| apart(candidate, net));
            let expected = pool.subnets(length).unwrap().find(free);
            prop_assert_eq!(book.lowest_free(&pool, length, &IntervalSet::default()), expected);
            for candidate in pool.subnets(length).unwrap() {
                prop_assert_eq!(book.check_apart(candidate).is_ok(), free(&candidate));
            }
        }
    }
}
