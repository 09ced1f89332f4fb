//! The addresses of one subnet.
//!
//! Owns: which addresses are leased, kept for an owner, or never given out. Must never know pools or networks: a
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
    /// `IPsInUse`: every address of the subnet that is leased, kept or never given out; saturating.
    pub in_use: u64,
    /// `DynamicIPsAvailable`: free addresses of the range, or of the subnet if there is none; saturating.
    pub dynamic_available: u64,
}

/// An address that stays with its owner whether it is leased or not.
#[derive(Clone, Debug)]
struct Kept {
    owner: Box<str>,
    leased: bool,
}

/// The book of one subnet.
#[derive(Clone, Debug)]
pub(crate) struct AddressBook {
    subnet: IpNet,
    /// Everything that cannot be given out: fixed, leased and kept.
    used: IntervalSet,
    kept: BTreeMap<u128, Kept>,
    /// What some of the used addresses are, for whoever is refused them.
    roles: BTreeMap<u128, Box<str>>,
}

impl AddressBook {
    /// A book in which only the addresses that are never given out are used: network and broadcast address of IPv4
    /// up to /30, the subnet-router anycast address of IPv6.
    pub(crate) fn new(subnet: IpNet) -> Self {
        let mut book = Self { subnet, used: IntervalSet::default(), kept: BTreeMap::new(), roles: BTreeMap::new() };
        for (number, _) in book.fixed().into_iter().flatten() {
            book.used.insert(Span::single(number));
        }
        book
    }

    /// The lowest free address of `window`.
    pub(crate) fn lowest_free(&self, window: Span) -> Option<u128> {
        self.used.lowest_free(window)
    }

    /// Leases the address. With an owner, it stays kept for that owner when the lease ends; an address that is kept
    /// for an owner can be leased by that owner only.
    pub(crate) fn lease(&mut self, number: u128, owner: Option<&str>) -> Result<(), Error> {
        if let Some(kept) = self.kept.get_mut(&number)
            && owner == Some(&kept.owner)
            && !kept.leased
        {
            kept.leased = true;
            return Ok(());
        }
        self.take(number)?;
        if let Some(owner) = owner {
            self.kept.insert(number, Kept { owner: owner.into(), leased: true });
        }
        Ok(())
    }

    /// Leases the address and remembers what for.
    pub(crate) fn lease_as(&mut self, number: u128, role: String) -> Result<(), Error> {
        self.take(number)?;
        self.roles.insert(number, role.into_boxed_str());
        Ok(())
    }

    /// Ends a lease. One that is not there is no error; fixed and kept addresses stay used.
    pub(crate) fn release(&mut self, number: u128) {
        match self.kept.get_mut(&number) {
            Some(kept) => kept.leased = false,
            None => self.free(number),
        }
    }

    /// Keeps a free address for `owner` without a lease; repeating it changes nothing.
    pub(crate) fn keep(&mut self, number: u128, owner: &str) -> Result<(), Error> {
        if self.kept.get(&number).is_some_and(|kept| *kept.owner == *owner) {
            return Ok(());
        }
        self.take(number)?;
        self.kept.insert(number, Kept { owner: owner.into(), leased: false });
        Ok(())
    }

    /// Stops keeping the address for `owner`: it is free once it is not leased. Nothing happens if it was not kept.
    pub(crate) fn forget(&mut self, number: u128, owner: &str) {
        if let Some(kept) = self.kept.get(&number)
            && *kept.owner == *owner
        {
            let leased = kept.leased;
            self.kept.remove(&number);
            if !leased {
                self.free(number);
            }
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

    fn free(&mut self, number: u128) {
        if !self.fixed().iter().flatten().any(|&(fixed, _)| fixed == number) {
            self.roles.remove(&number);
            self.used.remove(Span::single(number));
        }
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
        let kept = self.kept.get(&number).map(|kept| format!("kept for {}", kept.owner));
        kept.or_else(|| self.roles.get(&number).map(|role| role.to_string()))
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
            let error = book.lease(number, None).unwrap_err();
            assert_eq!(error.to_string(), "Address already in use");
            assert_eq!(error.hint().unwrap(), hint);
        }
    }

    #[test]
    fn a_kept_address_waits_for_its_owner() {
        let (mut book, _) = book("fd00::/64");
        let number = Span::of(&"fd00::7/128".parse().unwrap()).first;
        book.lease(number, Some("web")).unwrap();
        assert!(book.lease(number, Some("web")).is_err(), "leased twice");
        book.release(number);
        assert!(book.lease(number, None).is_err());
        assert_eq!(book.lease(number, Some("db")).unwrap_err().hint().unwrap(), "fd00::7 is kept for web");
        assert!(book.keep(number, "db").is_err());
        book.keep(number, "web").unwrap();
        book.lease(number, Some("web")).unwrap();
        book.forget(number, "db");
        book.forget(number, "web");
        assert!(book.lease(number, Some("web")).is_err(), "forgetting does not end the lease");
        book.release(number);
        book.lease(number, None).unwrap();
    }

    #[test]
    fn an_address_kept_without_a_lease_is_free_once_forgotten() {
        let (mut book, _) = book("10.0.0.0/24");
        let number = Span::of(&"10.0.0.9/32".parse().unwrap()).first;
        book.keep(number, "web").unwrap();
        book.forget(number, "web");
        book.lease(number, None).unwrap();
        assert!(book.keep(number, "web").is_err(), "an ordinary lease cannot be kept by somebody else");
    }
}
