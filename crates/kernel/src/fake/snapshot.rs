//! The host as a value, to be compared with itself at another time.

use super::model::{Flow, Model};
use super::namespace::Namespace;
use crate::nft::Table;
use crate::{Address, Link, LinkGroup, NetnsId, Reservation, Route};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Everything there is, without what only counts (the next index, rule set generations) and without links that wait
/// to be reaped: they are cut off, and when they go is the reaper's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostState {
    /// Namespaces, the host's first.
    pub namespaces: BTreeMap<NetnsId, NamespaceState>,
    /// Files that keep namespaces.
    pub files: BTreeMap<PathBuf, NetnsId>,
    /// Ports that we hold.
    pub ports: Vec<Reservation>,
    /// Tracked connections.
    pub flows: Vec<Flow>,
}

/// One namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceState {
    /// Links in use.
    pub links: Vec<Link>,
    /// Addresses, sorted.
    pub addresses: Vec<Address>,
    /// Routes, sorted.
    pub routes: Vec<Route>,
    /// Sysctls that differ from what they are at first.
    pub sysctls: BTreeMap<String, String>,
    /// Tables, ours and others'.
    pub tables: Vec<Table>,
}

impl Model {
    pub(super) fn state(&self) -> HostState {
        HostState {
            namespaces: self.namespaces.iter().map(|(id, namespace)| (*id, namespace.state())).collect(),
            files: self.files.clone(),
            ports: self.ports.held(),
            flows: self.flows.clone(),
        }
    }
}

impl Namespace {
    fn state(&self) -> NamespaceState {
        let in_use = self.devices.values().filter(|device| !LinkGroup::is_retired(device.link.group));
        let mut sysctls: BTreeMap<String, String> = self.settings.named().collect();
        for device in in_use.clone() {
            sysctls.extend(device.settings.named(device.link.name.as_str()));
        }
        let (mut addresses, mut routes) = (self.addresses.clone(), self.routes());
        addresses.sort();
        routes.sort();
        NamespaceState {
            links: in_use.map(|device| device.link.clone()).collect(),
            addresses,
            routes,
            sysctls,
            tables: self.table_ids.iter().filter_map(|id| Some(self.tables.observe(id)?.table)).collect(),
        }
    }
}
