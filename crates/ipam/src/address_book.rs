//! The addresses of one subnet.
//!
//! Owns: which addresses are leased or never given out. Must never know pools or networks: a
//! subnet shared by several ranges has one book.

use crate::Error;
use crate::interval_set::IntervalSet;
use crate::span::{self, Span};
use ipnet::IpNet;
use pontoon_types::Family;
use std::collections::BTreeMap;

/// How full a pool is, as network inspect shows it (Engine API 1.52).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// `IPsInUse`: every address of the subnet that is leased or never given out; saturating.
    pub in_use: u64,
    /// `DynamicIPsAvailable`: free addresses of the range, or of the subnet if there is none; saturating.
    pub dynamic_available: u64,
}

/// The book of one subnet.
#[derive(Clone, Debug)]
pub(crate) struct AddressBook {
    subnet: IpNet,
    /// Everything that cannot be given out: fixed and leased.
    used: IntervalSet,
    /// What some of the used addresses are, for whoever is refused them.
    roles: BTreeMap<u128, Box<str>>,
}

impl AddressBook {
    /// A book in which only the addresses that are never given out are used: network and broadcast address of IPv4
    /// up to /30, the subnet-router anycast address of IPv6.
    pub(crate) fn new(subnet: IpNet) -> Self {
        let mut book = Self { subnet, used: IntervalSet::default(), roles: BTreeMap::new() };
        for (number, _) in book.fixed().into_iter().flatten() {
            book.used.insert(Span::single(number));
        }
        book
    }

    /// The lowest free address of `window`.
    pub(crate) fn lowest_free(&self, window: Span) -> Option<u128> {
        self.used.lowest_free(window)
    }

    /// Leases the address.
    pub(crate) fn lease(&mut self, number: u128) -> Result<(), Error> {
        self.take(number)
    }

    /// Leases the address and remembers what for.
    pub(crate) fn lease_as(&mut self, number: u128, role: String) -> Result<(), Error> {
        self.take(number)?;
        self.roles.insert(number, role.into_boxed_str());
        Ok(())
    }

    /// Ends a lease. One that is not there is no error; fixed addresses stay used.
    pub(crate) fn release(&mut self, number: u128) {
        if !self.fixed().iter().flatten().any(|&(fixed, _)| fixed == number) {
            self.roles.remove(&number);
            self.used.remove(Span::single(number));
        }
    }

    /// How full the book is, seen from `window`.
    pub(crate) fn status(&self, window: Span) -> Status {
        let in_use = self.used.count_in(Span::of(&self.subnet));
        let free = window.size() - self.used.count_in(window);
        let saturate = |count| u64::try_from(count).unwrap_or(u64::MAX);
        Status { in_use: saturate(in_use), dynamic_available: saturate(free) }
    }

    fn take(&mut self, number: u128) -> Result<(), Error> {
        if self.used.contains(number) {
            let address = span::address(Family::of_net(&self.subnet), number);
            return Err(Error::AddressInUse { address, holder: self.holder(number) });
        }
        self.used.insert(Span::single(number));
        Ok(())
    }

    /// Addresses that are never given out, and why.
    fn fixed(&self) -> [Option<(u128, &'static str)>; 2] {
        let Span { first, last } = Span::of(&self.subnet);
        match self.subnet {
            IpNet::V6(_) => [Some((first, "the subnet-router anycast address of")), None],
            IpNet::V4(net) if net.prefix_len() <= 30 => {
                [Some((first, "the network address of")), Some((last, "the broadcast address of"))]
            }
            IpNet::V4(_) => [None, None],
        }
    }

    fn holder(&self, number: u128) -> Option<String> {
        let fixed = self.fixed().into_iter().flatten().find(|&(fixed, _)| fixed == number);
        if let Some((_, what)) = fixed {
            return Some(format!("{what} {}", self.subnet));
        }
        self.roles.get(&number).map(|role| role.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_types::Kind;

    fn book(subnet: &str) -> (AddressBook, Span) {
        let subnet: IpNet = subnet.parse().unwrap();
        (AddressBook::new(subnet), Span::of(&subnet))
    }

    #[test]
    fn addresses_with_a_meaning_of_their_own_are_never_given_out() {
        for (subnet, used, free) in [
            ("10.0.0.0/24", 2, 254),
            ("10.0.0.0/30", 2, 2),
            ("10.0.0.0/31", 0, 2),
            ("10.0.0.0/32", 0, 1),
            ("fd00::/64", 1, u64::MAX),
            ("fd00::/126", 1, 3),
            ("fd00::/128", 1, 0),
            ("::/0", 1, u64::MAX),
        ] {
            let (book, window) = book(subnet);
            assert_eq!(book.status(window), Status { in_use: used, dynamic_available: free }, "{subnet}");
        }
        let (mut book, window) = book("10.0.0.0/30");
        for (number, hint) in [
            (window.first, "10.0.0.0 is the network address of 10.0.0.0/30"),
            (window.last, "10.0.0.3 is the broadcast address of 10.0.0.0/30"),
        ] {
            book.release(number);
            let error = book.lease(number).unwrap_err();
            assert_eq!(error.to_string(), "Address already in use");
            assert_eq!(error.hint().unwrap(), hint);
        }
    }
}
