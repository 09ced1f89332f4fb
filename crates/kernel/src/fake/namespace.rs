//! One network namespace of the model: its links by index, and what is on them.

use super::device::Device;
use super::sysctl::{LinkSettings, Settings};
use crate::nft::{TableId, Tables};
use crate::{Address, LinkIndex, LinkKind, Route};
use pontoon_types::LinkName;
use std::collections::{BTreeMap, BTreeSet};

/// A namespace.
#[derive(Clone, Debug)]
pub(super) struct Namespace {
    /// Links by index.
    pub devices: BTreeMap<LinkIndex, Device>,
    /// Addresses in the order in which they were added.
    pub addresses: Vec<Address>,
    /// Routes that somebody added; those that come with addresses are told by [`Namespace::routes`].
    pub added_routes: Vec<Route>,
    /// Sysctls that are not of one link.
    pub settings: Settings,
    /// Rules.
    pub tables: Tables,
    /// Every table that was ever committed to.
    pub table_ids: BTreeSet<TableId>,
    last_index: u32,
}

impl Namespace {
    /// A new namespace: a loopback link, which is down.
    pub fn new(has_ipv6: bool) -> Self {
        let mut namespace = Self {
            devices: BTreeMap::new(),
            addresses: Vec::new(),
            added_routes: Vec::new(),
            settings: Settings::new(has_ipv6),
            tables: Tables::default(),
            table_ids: BTreeSet::new(),
            last_index: 0,
        };
        if let Ok(name) = LinkName::new("lo") {
            let lo = namespace.add_device(name, LinkKind::Loopback);
            if let Some(device) = namespace.devices.get_mut(&lo) {
                device.link.mtu = 65536;
            }
        }
        namespace
    }

    /// Adds a link that is down, with the next free index, and tells it. The name must be free.
    pub fn add_device(&mut self, name: LinkName, kind: LinkKind) -> LinkIndex {
        self.last_index += 1;
        let index = LinkIndex(self.last_index);
        let settings = LinkSettings::inherited(&self.settings);
        self.devices.insert(index, Device::new(index, name, kind, settings));
        index
    }

    /// The index of the link of that name.
    pub fn index(&self, name: &LinkName) -> Option<LinkIndex> {
        self.devices.values().find(|device| device.link.name == *name).map(|device| device.link.index)
    }

    /// The link of that name.
    pub fn device(&self, name: &LinkName) -> Option<&Device> {
        self.devices.values().find(|device| device.link.name == *name)
    }

    /// The link of that name, to be changed.
    pub fn device_mut(&mut self, name: &LinkName) -> Option<&mut Device> {
        self.devices.values_mut().find(|device| device.link.name == *name)
    }

    /// Whether a link is there and up.
    pub fn is_up(&self, index: LinkIndex) -> bool {
        self.devices.get(&index).is_some_and(|device| device.link.up)
    }

    /// Takes a link out with everything on it; ports of a bridge become free. Tells the link.
    pub fn remove_device(&mut self, index: LinkIndex) -> Option<Device> {
        let removed = self.devices.remove(&index)?;
        self.addresses.retain(|address| address.link != index);
        self.added_routes.retain(|route| route.link != Some(index));
        for device in self.devices.values_mut().filter(|device| device.link.master == Some(index)) {
            device.link.master = None;
            device.link.isolated = false;
            device.link.hairpin = false;
        }
        Some(removed)
    }
}
