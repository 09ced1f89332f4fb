//! The names of one network.

use pontoon_types::{EndpointId, Family};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};

/// One endpoint's names and addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameRecord {
    /// Names; the first owns the reverse entry.
    pub names: Vec<String>,
    /// IPv4 address.
    pub ipv4: Option<IpAddr>,
    /// IPv6 address.
    pub ipv6: Option<IpAddr>,
}

impl NameRecord {
    fn address(&self, family: Family) -> Option<IpAddr> {
        match family {
            Family::V4 => self.ipv4,
            Family::V6 => self.ipv6,
        }
    }
}

#[derive(Debug, Default)]
struct Book {
    records: HashMap<EndpointId, NameRecord>,
    by_name: HashMap<String, Vec<EndpointId>>,
    by_address: HashMap<IpAddr, Vec<EndpointId>>,
}

/// The names of one network. Changes cost the same however many there are; lookups hold a lock for a few nanoseconds.
#[derive(Debug, Default)]
pub struct NetworkNames(RwLock<Book>);

impl NetworkNames {
    /// Registers an endpoint, or replaces what it had.
    pub fn insert(&self, endpoint: EndpointId, record: NameRecord) {
        let mut book = self.0.write().unwrap_or_else(PoisonError::into_inner);
        book.remove(endpoint);
        for name in &record.names {
            let owners = book.by_name.entry(name.to_lowercase()).or_default();
            if !owners.contains(&endpoint) {
                owners.push(endpoint);
            }
        }
        for address in [record.ipv4, record.ipv6].into_iter().flatten() {
            book.by_address.entry(address).or_default().push(endpoint);
        }
        book.records.insert(endpoint, record);
    }

    /// Forgets an endpoint; unknown ones are ignored.
    pub fn remove(&self, endpoint: EndpointId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(endpoint);
    }

    /// Addresses of a name: `None` when nobody has it, empty when nobody who has it has that family.
    pub fn forward(&self, name: &str, family: Family) -> Option<Vec<IpAddr>> {
        let book = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let owners = match book.by_name.get(name) {
            Some(owners) => owners,
            None => book.by_name.get(&name.to_lowercase())?,
        };
        let mut addresses: Vec<IpAddr> = Vec::with_capacity(owners.len());
        for address in owners.iter().filter_map(|id| book.records.get(id)?.address(family)) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Some(addresses)
    }

    /// The first name of whoever has the address.
    pub fn reverse(&self, address: IpAddr) -> Option<String> {
        let book = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let owner = book.by_address.get(&address)?.first()?;
        book.records.get(owner)?.names.first().cloned()
    }
}

impl Book {
    fn remove(&mut self, endpoint: EndpointId) {
        let Some(record) = self.records.remove(&endpoint) else { return };
        for name in record.names {
            let name = name.to_lowercase();
            if let Some(owners) = self.by_name.get_mut(&name) {
                owners.retain(|owner| *owner != endpoint);
                if owners.is_empty() {
                    self.by_name.remove(&name);
                }
            }
        }
        for address in [record.ipv4, record.ipv6].into_iter().flatten() {
            if let Some(owners) = self.by_address.get_mut(&address) {
                owners.retain(|owner| *owner != endpoint);
                if owners.is_empty() {
                    self.by_address.remove(&address);
                }
            }
        }
    }
}
