//! Links of the model: making, changing, retiring, reaping.

use super::device::is_mtu;
use super::fault::refused;
use super::model::Model;
use super::namespace::Namespace;
use crate::{BridgeSpec, Kind, LinkGroup, LinkIndex, LinkKind, Netns, NetnsId, Result, VethSpec};
use pontoon_types::{LinkName, MacAddr};

impl Namespace {
    fn require_free(&self, name: &LinkName, act: &str) -> Result<()> {
        if self.index(name).is_some() { Err(refused(Kind::Exists, act)) } else { Ok(()) }
    }

    fn bridge(&self, name: &LinkName, act: &str) -> Result<LinkIndex> {
        let device = self.device(name).ok_or_else(|| refused(Kind::NotFound, act))?;
        match device.link.kind {
            LinkKind::Bridge => Ok(device.link.index),
            _ => Err(refused(Kind::NotSupported, act)),
        }
    }

    /// Makes a bridge that is down.
    pub fn create_bridge(&mut self, spec: &BridgeSpec) -> Result<()> {
        let act = format!("create bridge {}", spec.name);
        self.require_free(&spec.name, &act)?;
        check_mtu(spec.mtu, &act)?;
        let index = self.add_device(spec.name.clone(), LinkKind::Bridge);
        if let Some(device) = self.devices.get_mut(&index) {
            device.link.mac = Some(spec.mac);
            device.link.group = LinkGroup::Live.number();
            device.link.mtu = spec.mtu.unwrap_or(device.link.mtu);
        }
        if self.settings.has_ipv6() {
            self.set_sysctl(&format!("net/ipv6/conf/{}/accept_ra", spec.name), "0")?;
        }
        Ok(())
    }

    /// Changes a link that must be there.
    pub fn change(&mut self, name: &LinkName, act: String, change: impl FnOnce(&mut crate::Link)) -> Result<()> {
        let device = self.device_mut(name).ok_or_else(|| refused(Kind::NotFound, act))?;
        change(&mut device.link);
        Ok(())
    }

    /// Takes a link down or brings it up. Routes over a link that goes down are gone.
    pub fn set_up(&mut self, name: &LinkName, up: bool) -> Result<()> {
        let act = if up { format!("bring up {name}") } else { format!("take down {name}") };
        self.change(name, act, |link| link.up = up)?;
        if let Some(index) = self.index(name).filter(|_| !up) {
            self.added_routes.retain(|route| route.link != Some(index));
            self.forget_ipv6(index);
        }
        Ok(())
    }

    /// Sets the MTU.
    pub fn set_mtu(&mut self, name: &LinkName, mtu: u32) -> Result<()> {
        let act = format!("set the MTU of {name} to {mtu}");
        check_mtu(Some(mtu), &act)?;
        self.change(name, act, |link| link.mtu = mtu)
    }

    /// Sets the Ethernet address.
    pub fn set_mac(&mut self, name: &LinkName, mac: MacAddr) -> Result<()> {
        let act = format!("set the address of {name} to {mac}");
        let is_unicast = mac.0[0] & 1 == 0 && mac.0 != [0; 6];
        if !is_unicast {
            return Err(refused(Kind::NotAvailable, act));
        }
        self.change(name, act, |link| link.mac = Some(mac))
    }

    /// Makes a link a port of a bridge; a port that changes bridges loses its port flags.
    pub fn set_master(&mut self, name: &LinkName, bridge: &LinkName) -> Result<()> {
        let act = format!("attach {name} to bridge {bridge}");
        let bridge = self.bridge(bridge, &act)?;
        self.change(name, act, |link| {
            link.isolated &= link.master == Some(bridge);
            link.hairpin &= link.master == Some(bridge);
            link.master = Some(bridge);
        })
    }

    /// Sets the isolation of a bridge port.
    pub fn set_isolated(&mut self, name: &LinkName, isolated: bool) -> Result<()> {
        let act = format!("set port isolation of {name}");
        if self.device(name).is_some_and(|device| device.link.master.is_none()) {
            return Err(refused(Kind::NotSupported, act));
        }
        self.change(name, act, |link| link.isolated = isolated)
    }

    /// Sets the hairpin mode of a bridge port.
    pub fn set_hairpin(&mut self, name: &LinkName, hairpin: bool) -> Result<()> {
        let act = format!("set the hairpin mode of {name}");
        if self.device(name).is_some_and(|device| device.link.master.is_none()) {
            return Err(refused(Kind::NotSupported, act));
        }
        self.change(name, act, |link| link.hairpin = hairpin)
    }

    /// Renames a link; its sysctls go by the new name at once.
    pub fn rename(&mut self, name: &LinkName, to: &LinkName) -> Result<()> {
        let act = format!("rename {name} to {to}");
        if name != to {
            self.require_free(to, &act)?;
        }
        self.change(name, act, |link| link.name = to.clone())
    }

    /// Cuts a link off; a missing one is no error.
    pub fn retire(&mut self, name: &LinkName) -> Result<()> {
        let Some(index) = self.index(name) else { return Ok(()) };
        self.drop_addresses(index, |_| true);
        self.added_routes.retain(|route| route.link != Some(index));
        let free = (0..).filter_map(|attempt: u32| LinkName::new(format!("pon-{:x}.{attempt:x}", index.0)).ok());
        let free = free.take(16).find(|name| self.index(name).is_none());
        let free = free.ok_or_else(|| refused(Kind::Exists, format!("retire {name}")))?;
        self.change(name, format!("retire {name}"), |link| {
            link.name = free;
            link.master = None;
            link.isolated = false;
            link.hairpin = false;
            let bridge = link.kind == LinkKind::Bridge;
            link.group = if bridge { LinkGroup::RetiredBridge } else { LinkGroup::Retired }.number();
        })
    }
}

impl Model {
    /// Makes a pair: the end here up and in its bridge, the other down in its namespace.
    pub fn create_veth(&mut self, ns: &Netns, spec: &VethSpec) -> Result<()> {
        let act = format!("create link pair {} and {}", spec.host, spec.peer);
        let (here, there) = (self.id(ns)?, self.id(&spec.peer_ns)?);
        let namespace = self.namespace_mut(ns)?;
        namespace.bridge(&spec.bridge, &format!("{act}: find bridge {}", spec.bridge))?;
        namespace.require_free(&spec.host, &act)?;
        self.namespace(&spec.peer_ns)?.require_free(&spec.peer, &act)?;
        check_mtu(spec.mtu, &act)?;
        if here == there && spec.host == spec.peer {
            return Err(refused(Kind::Exists, act));
        }
        let peer = self.namespace_mut(&spec.peer_ns)?.add_device(spec.peer.clone(), LinkKind::Veth);
        let host = self.namespace_mut(ns)?.add_device(spec.host.clone(), LinkKind::Veth);
        self.pair((here, host), (there, peer));
        let outer = self.namespace_mut(ns)?;
        outer.set_master(&spec.host, &spec.bridge)?;
        outer.change(&spec.host, act.clone(), |link| {
            link.up = true;
            link.isolated = spec.isolated;
            link.hairpin = spec.hairpin;
            link.group = LinkGroup::Live.number();
            link.mtu = spec.mtu.unwrap_or(link.mtu);
        })?;
        self.namespace_mut(&spec.peer_ns)?.change(&spec.peer, act, |link| {
            link.mac = Some(spec.peer_mac);
            link.mtu = spec.mtu.unwrap_or(link.mtu);
        })
    }

    fn pair(&mut self, a: (NetnsId, LinkIndex), b: (NetnsId, LinkIndex)) {
        for (own, other) in [(a, b), (b, a)] {
            let namespace = self.namespaces.get_mut(&own.0);
            if let Some(device) = namespace.and_then(|namespace| namespace.devices.get_mut(&own.1)) {
                device.peer = Some(other);
            }
        }
    }

    /// Deletes at most so many links of a group in a namespace; tells how many.
    pub fn reap(&mut self, ns: &Netns, group: LinkGroup, most: usize) -> Result<usize> {
        let id = self.id(ns)?;
        let devices = self.namespace(ns)?.devices.values();
        let retired = devices.filter(|device| device.link.group == group.number()).take(most);
        let retired: Vec<LinkIndex> = retired.map(|device| device.link.index).collect();
        retired.iter().for_each(|index| self.delete_link(id, *index));
        Ok(retired.len())
    }
}

fn check_mtu(mtu: Option<u32>, act: &str) -> Result<()> {
    if mtu.is_none_or(is_mtu) { Ok(()) } else { Err(refused(Kind::Invalid, act)) }
}
