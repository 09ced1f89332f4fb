//! The names of one network: who has which name, and who has which address.
//!
//! Owns: registration, and the two lookups that the resolver makes millions of times. A change costs the same however
//! many endpoints there are, and replaces what an endpoint had in one step: no lookup ever sees it half done.
//! Must never know of sandboxes, links between them or DNS messages.

use super::addresses::Addresses;
use pontoon_types::{EndpointId, Family};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// One endpoint's names and addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameRecord {
    /// Names; the first owns the reverse entry. Case does not matter for lookups, and is kept for the reverse entry.
    pub names: Vec<String>,
    /// IPv4 address.
    pub ipv4: Option<IpAddr>,
    /// IPv6 address.
    pub ipv6: Option<IpAddr>,
}

impl NameRecord {
    fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<> {
        [self.ipv4, self.ipv6].into_iter().flatten()
    }
}

/// What a network, or a sandbox, knows of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It has addresses of the family that was asked for.
    Found,
    /// It exists, without an address of that family.
    NoData,
    /// It does not exist here.
    Unknown,
}

/// The names of one network. Lookups hold a shared lock for some tens of nanoseconds.
#[derive(Debug, Default)]
pub struct NetworkNames(RwLock<Book>);

#[derive(Debug, Default)]
struct Book {
    records: HashMap<EndpointId, NameRecord>,
    by_name: HashMap<Box<str>, Addresses>,
    by_address: HashMap<IpAddr, Vec<Owner>>,
}

/// Who has an address. Addresses are shared only for moments; the one who came first is asked.
#[derive(Debug)]
struct Owner {
    endpoint: EndpointId,
    /// The outside world gave this very name the same address: the reverse lookup is left to it.
    known_outside: bool,
}

impl NetworkNames {
    /// Registers an endpoint, or replaces what it had (renaming is this, too).
    ///
    /// An endpoint without any address has no names: Docker answers for none either.
    pub fn insert(&self, endpoint: EndpointId, record: NameRecord) {
        let mut book = self.write();
        book.remove_names(endpoint);
        book.keep_only_addresses(endpoint, &record);
        book.add(endpoint, record);
    }

    /// Forgets an endpoint; unknown ones are ignored.
    pub fn remove(&self, endpoint: EndpointId) {
        let mut book = self.write();
        book.remove_names(endpoint);
        book.keep_only_addresses(endpoint, &NameRecord::default());
        book.records.remove(&endpoint);
    }

    /// How many endpoints are registered.
    pub fn len(&self) -> usize {
        self.read().records.len()
    }

    /// Whether no endpoint is registered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the addresses that `name` has in `family` to `found`, each once, in no particular order.
    ///
    /// Case does not matter. Nothing is allocated when `name` is lower-case ASCII and `found` has room.
    pub fn forward(&self, name: &str, family: Family, found: &mut Vec<IpAddr>) -> Known {
        if name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
            self.forward_folded(name, family, found)
        } else {
            self.forward_folded(&name.to_lowercase(), family, found)
        }
    }

    fn forward_folded(&self, name: &str, family: Family, found: &mut Vec<IpAddr>) -> Known {
        let book = self.read();
        let Some(addresses) = book.by_name.get(name) else { return Known::Unknown };
        let before = found.len();
        addresses.append_to(family, found);
        if found.len() == before { Known::NoData } else { Known::Found }
    }

    /// The first name of the endpoint that has `address`, as it was registered.
    pub fn reverse(&self, address: IpAddr) -> Option<String> {
        let book = self.read();
        let owner = book.by_address.get(&address)?.first()?;
        if owner.known_outside {
            return None;
        }
        book.records.get(&owner.endpoint)?.names.first().cloned()
    }

    /// Notes that a server outside said that `name` has `address`: if that is just what is registered here, reverse
    /// lookups of the address are left to servers outside from now on, as in Docker.
    pub fn heard_outside(&self, name: &str, address: IpAddr) {
        let name = name.strip_suffix('.').unwrap_or(name);
        if !self.read().is_first_name(name, address) {
            return;
        }
        let mut book = self.write();
        if book.is_first_name(name, address)
            && let Some(owner) = book.by_address.get_mut(&address).and_then(|owners| owners.first_mut())
        {
            owner.known_outside = true;
        }
    }

    // A panic while the lock is held cannot leave the book half changed: none of its steps can panic.
    fn read(&self) -> RwLockReadGuard<'_, Book> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Book> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn add(&mut self, endpoint: EndpointId, record: NameRecord) {
        for address in record.addresses() {
            for name in folded(&record) {
                self.by_name.entry(name).or_default().add(address);
            }
            let owners = self.by_address.entry(address).or_default();
            match owners.iter_mut().find(|owner| owner.endpoint == endpoint) {
                Some(owner) => owner.known_outside = false,
                None => owners.push(Owner { endpoint, known_outside: false }),
            }
        }
        self.records.insert(endpoint, record);
    }

    fn remove_names(&mut self, endpoint: EndpointId) {
        let Some(record) = self.records.get(&endpoint) else { return };
        for name in folded(record) {
            if let Some(addresses) = self.by_name.get_mut(&name) {
                record.addresses().for_each(|address| addresses.remove(address));
                if addresses.is_empty() {
                    self.by_name.remove(&name);
                }
            }
        }
    }

    /// Lets go of the endpoint's addresses that `next` has not; those that stay keep their place before later owners.
    fn keep_only_addresses(&mut self, endpoint: EndpointId, next: &NameRecord) {
        let Some(record) = self.records.get(&endpoint) else { return };
        let gone = record.addresses().filter(|address| !next.addresses().any(|kept| kept == *address));
        for address in gone {
            if let Some(owners) = self.by_address.get_mut(&address) {
                owners.retain(|owner| owner.endpoint != endpoint);
                if owners.is_empty() {
                    self.by_address.remove(&address);
                }
            }
        }
    }

    fn is_first_name(&self, name: &str, address: IpAddr) -> bool {
        let owner = self.by_address.get(&address).and_then(|owners| owners.first());
        let record = owner.and_then(|owner| self.records.get(&owner.endpoint));
        record.and_then(|record| record.names.first()).is_some_and(|first| first == name)
    }
}

/// The record's names as they are looked up, each once.
fn folded(record: &NameRecord) -> Vec<Box<str>> {
    let mut names: Vec<Box<str>> = Vec::with_capacity(record.names.len());
    for name in &record.names {
        let name = name.to_lowercase().into_boxed_str();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
