//! Addresses of the model, and what the kernel does with them when links go up and down.
//!
//! IPv4 addresses stay on a link that goes down; IPv6 ones do not (`keep_addr_on_down` is 0). A link with carrier has a
//! link-local IPv6 address by itself unless its IPv6 is switched off.

use super::fault::refused;
use super::model::Model;
use super::namespace::Namespace;
use crate::{Address, Kind, LinkGroup, LinkIndex, LinkKind, NetnsId, Result};
use ipnet::{IpNet, Ipv6Net};
use pontoon_types::{LinkName, MacAddr};
use std::net::{IpAddr, Ipv6Addr};

/// What the kernel marks its own addresses with (`IFAPROT_KERNEL_LO`, `IFAPROT_KERNEL_LL`).
const KERNEL_LOOPBACK: u8 = 1;
const KERNEL_LINK_LOCAL: u8 = 3;

impl Namespace {
    /// Adds an address, given by `protocol`; there already is no error, and changes nothing.
    pub fn add_address(&mut self, name: &LinkName, net: IpNet, protocol: u8) -> Result<()> {
        let act = || format!("add address {net} to {name}");
        let device = self.device(name).ok_or_else(|| refused(Kind::NotFound, act()))?;
        if net.addr().is_ipv6() {
            if !self.settings.has_ipv6() {
                return Err(refused(Kind::NotSupported, act()));
            }
            if device.settings.is_ipv6_off() {
                return Err(refused(Kind::Denied, act()));
            }
        }
        if net.addr().is_multicast() || net.addr().is_unspecified() {
            return Err(refused(Kind::Invalid, act()));
        }
        let link = device.link.index;
        let there = self.addresses_of(link).find(|address| address.addr() == net.addr());
        match there {
            Some(there) if there == net => Ok(()),
            // IPv6 knows an address once, whatever its prefix length; IPv4 takes both.
            Some(_) if net.addr().is_ipv6() => Err(refused(Kind::Exists, act())),
            _ => {
                self.addresses.push(Address { link, net, protocol });
                Ok(())
            }
        }
    }

    /// Removes an address; a missing one or a missing link is no error.
    pub fn remove_address(&mut self, name: &LinkName, net: IpNet) {
        if let Some(index) = self.index(name) {
            self.drop_addresses(index, |address| address == net);
        }
    }

    /// Drops the addresses of a link that `which` picks. With its last IPv4 address a link loses its IPv4 routes.
    pub fn drop_addresses(&mut self, index: LinkIndex, which: impl Fn(IpNet) -> bool) {
        let is_v4 = |net: IpNet| net.addr().is_ipv4();
        let had_v4 = self.addresses_of(index).any(is_v4);
        self.addresses.retain(|address| address.link != index || !which(address.net));
        if had_v4 && !self.addresses_of(index).any(is_v4) {
            self.added_routes.retain(|route| route.link != Some(index) || !is_v4(route.destination));
        }
    }

    /// The addresses on a link.
    pub fn addresses_of(&self, index: LinkIndex) -> impl Iterator<Item = IpNet> + '_ {
        self.addresses.iter().filter(move |address| address.link == index).map(|address| address.net)
    }

    /// Whether `address` is one of this namespace: on one of its links, or of its loopback.
    pub fn has_address(&self, address: IpAddr) -> bool {
        let loopback = matches!(address, IpAddr::V4(v4) if v4.is_loopback());
        loopback || self.addresses.iter().any(|there| there.net.addr() == address)
    }
}

impl Model {
    /// Gives and takes what links of a namespace have by themselves: after every change of carrier or settings.
    pub fn refresh(&mut self, id: NetnsId) {
        let Some(namespace) = self.namespaces.get(&id) else { return };
        let indexes: Vec<LinkIndex> = namespace.devices.keys().copied().collect();
        for index in indexes {
            let carrier = self.has_carrier(id, index);
            if let Some(namespace) = self.namespaces.get_mut(&id) {
                namespace.refresh(index, carrier);
            }
        }
    }

    /// Whether something is at the other end of a link that is up.
    fn has_carrier(&self, id: NetnsId, index: LinkIndex) -> bool {
        let Some(device) = self.namespaces.get(&id).and_then(|namespace| namespace.devices.get(&index)) else {
            return false;
        };
        let is_up = |id: NetnsId, index| self.namespaces.get(&id).is_some_and(|namespace| namespace.is_up(index));
        device.link.up
            && match &device.link.kind {
                LinkKind::Veth => device.peer.is_some_and(|(peer, index)| is_up(peer, index)),
                LinkKind::Bridge => self.ports(id, index).any(|port| self.has_carrier(id, port)),
                LinkKind::Loopback | LinkKind::Other(_) => true,
            }
    }

    fn ports(&self, id: NetnsId, bridge: LinkIndex) -> impl Iterator<Item = LinkIndex> + '_ {
        let devices = self.namespaces.get(&id).into_iter().flat_map(|namespace| namespace.devices.values());
        devices.filter(move |device| device.link.master == Some(bridge)).map(|device| device.link.index)
    }
}

impl Namespace {
    fn refresh(&mut self, index: LinkIndex, carrier: bool) {
        let Some(device) = self.devices.get(&index) else { return };
        let off = !self.settings.has_ipv6() || device.settings.is_ipv6_off();
        let (up, mac, kind) = (device.link.up, device.link.mac, device.link.kind.clone());
        // An address that was taken away does not come back before the link goes down and up again.
        let retired = LinkGroup::is_retired(device.link.group);
        if kind == LinkKind::Loopback {
            return self.refresh_loopback(index, up, off);
        }
        if off {
            self.forget_ipv6(index);
        } else if let Some(own) = mac.and_then(link_local).filter(|_| carrier && !retired)
            && !self.addresses_of(index).any(is_link_local)
        {
            self.addresses.push(Address { link: index, net: own, protocol: KERNEL_LINK_LOCAL });
        }
    }

    /// Drops the IPv6 addresses and routes of a link: its IPv6 is switched off, or it goes down.
    pub fn forget_ipv6(&mut self, index: LinkIndex) {
        self.drop_addresses(index, |net| net.addr().is_ipv6());
        self.added_routes.retain(|route| route.link != Some(index) || !route.destination.addr().is_ipv6());
    }

    fn refresh_loopback(&mut self, index: LinkIndex, up: bool, off: bool) {
        let own =
            [(IpNet::new([127, 0, 0, 1].into(), 8), up), (IpNet::new(Ipv6Addr::LOCALHOST.into(), 128), up && !off)];
        for (net, wanted) in own {
            let Ok(net) = net else { continue };
            let there = self.addresses_of(index).any(|address| address == net);
            match (wanted, there) {
                (true, false) => self.addresses.push(Address { link: index, net, protocol: KERNEL_LOOPBACK }),
                // Like every IPv4 address, 127.0.0.1 stays when its link goes down.
                (false, true) if net.addr().is_ipv6() => self.drop_addresses(index, |address| address == net),
                _ => {}
            }
        }
    }
}

fn is_link_local(net: IpNet) -> bool {
    matches!(net.addr(), IpAddr::V6(address) if address.is_unicast_link_local())
}

/// The address that the kernel makes of an Ethernet address (RFC 4291, appendix A).
fn link_local(mac: MacAddr) -> Option<IpNet> {
    let [a, b, c, d, e, f] = mac.0;
    let pair = |high, low| u16::from_be_bytes([high, low]);
    let address = Ipv6Addr::new(0xfe80, 0, 0, 0, pair(a ^ 2, b), pair(c, 0xff), pair(0xfe, d), pair(e, f));
    Ipv6Net::new(address, 64).ok().map(IpNet::V6)
}
