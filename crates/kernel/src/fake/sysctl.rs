//! Sysctls of the model: which exist, what they are at first, and which of them move others.
//!
//! Only differences from the first values are kept. A setting that is not in the tables below does not exist.

use super::fault::refused;
use super::namespace::Namespace;
use crate::{Kind, Result};
use std::collections::BTreeMap;

/// Sysctls of one link: a key is what is left of `net/ipv4/conf/LINK/rp_filter` without its link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LinkSettings {
    changed: BTreeMap<(Area, String), String>,
}

/// Sysctls of a namespace.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    has_ipv6: bool,
    changed: BTreeMap<String, String>,
    /// What new links begin with: `net/ipv4/conf/default/…` and its like.
    default: LinkSettings,
    /// `net/ipv4/conf/all/…` and its like.
    all: LinkSettings,
}

/// Where a sysctl of a link is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Area {
    Conf4,
    Conf6,
    Neigh4,
    Neigh6,
}

/// A sysctl by where it is.
enum Key<'a> {
    OfLink(Area, &'a str, &'a str),
    OfNamespace(&'a str),
}

impl Area {
    /// Names and first values (kernel 6.18).
    fn table(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Conf4 => CONF4,
            Self::Conf6 => CONF6,
            Self::Neigh4 | Self::Neigh6 => NEIGH,
        }
    }

    fn first(self, name: &str) -> Option<&'static str> {
        self.table().iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    fn is_ipv6(self) -> bool {
        matches!(self, Self::Conf6 | Self::Neigh6)
    }

    fn path(self) -> &'static str {
        match self {
            Self::Conf4 => "net/ipv4/conf",
            Self::Conf6 => "net/ipv6/conf",
            Self::Neigh4 => "net/ipv4/neigh",
            Self::Neigh6 => "net/ipv6/neigh",
        }
    }
}

impl LinkSettings {
    /// What a new link begins with.
    pub fn inherited(namespace: &Settings) -> Self {
        namespace.default.clone()
    }

    /// Whether IPv6 is switched off on the link.
    pub fn is_ipv6_off(&self) -> bool {
        self.get(Area::Conf6, "disable_ipv6").is_some_and(|value| value != "0")
    }

    fn get(&self, area: Area, name: &str) -> Option<&str> {
        let first = area.first(name)?;
        Some(self.changed.get(&(area, name.to_owned())).map_or(first, String::as_str))
    }

    fn set(&mut self, area: Area, name: &str, value: &str) {
        let key = (area, name.to_owned());
        if area.first(name) == Some(value) {
            self.changed.remove(&key);
        } else {
            self.changed.insert(key, value.to_owned());
        }
    }

    /// The differences, under the full keys that they have for a link of that name.
    pub fn named<'a>(&'a self, link: &'a str) -> impl Iterator<Item = (String, String)> + 'a {
        self.changed.iter().map(move |((area, name), value)| (format!("{}/{link}/{name}", area.path()), value.clone()))
    }
}

impl Settings {
    /// First values, with or without IPv6 in the kernel.
    pub fn new(has_ipv6: bool) -> Self {
        let (default, all) = (LinkSettings::default(), LinkSettings::default());
        Self { has_ipv6, changed: BTreeMap::new(), default, all }
    }

    /// Whether the kernel has IPv6.
    pub fn has_ipv6(&self) -> bool {
        self.has_ipv6
    }

    /// The differences from the first values, under their full keys.
    pub fn named(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let own = self.changed.iter().map(|(key, value)| (key.clone(), value.clone()));
        own.chain(self.default.named("default")).chain(self.all.named("all"))
    }
}

impl Namespace {
    /// The value of a sysctl; `None` when there is none of that name.
    pub fn sysctl(&self, key: &str) -> Option<String> {
        match self.key(key)? {
            Key::OfLink(area, link, name) => self.settings_of(link)?.get(area, name).map(str::to_owned),
            Key::OfNamespace(key) => {
                let first = GLOBAL.iter().find(|(name, _)| *name == key)?.1;
                Some(self.settings.changed.get(key).cloned().unwrap_or_else(|| first.to_owned()))
            }
        }
    }

    /// Sets a sysctl. What moves with it is moved.
    pub fn set_sysctl(&mut self, key: &str, value: &str) -> Result<()> {
        let act = || format!("set sysctl {key} to {value:?}");
        if self.sysctl(key).is_none() {
            return Err(refused(Kind::NotFound, act()));
        }
        match self.key(key) {
            Some(Key::OfLink(area, link, name)) => self.set_of_link(area, link, name, value),
            Some(Key::OfNamespace("net/ipv4/ip_forward")) => self.set_of_link(Area::Conf4, "all", "forwarding", value),
            _ => {
                self.settings.changed.insert(key.to_owned(), value.to_owned());
            }
        }
        Ok(())
    }

    fn key<'a>(&self, key: &'a str) -> Option<Key<'a>> {
        for area in [Area::Conf4, Area::Conf6, Area::Neigh4, Area::Neigh6] {
            let rest = key.strip_prefix(area.path()).and_then(|rest| rest.strip_prefix('/'));
            if let Some((link, name)) = rest.and_then(|rest| rest.split_once('/')) {
                return (self.settings.has_ipv6 || !area.is_ipv6()).then_some(Key::OfLink(area, link, name));
            }
        }
        (self.settings.has_ipv6 || !key.starts_with("net/ipv6/")).then_some(Key::OfNamespace(key))
    }

    fn settings_of(&self, link: &str) -> Option<&LinkSettings> {
        match link {
            "all" => Some(&self.settings.all),
            "default" => Some(&self.settings.default),
            _ => self.devices.values().find(|device| device.link.name.as_str() == link).map(|device| &device.settings),
        }
    }

    fn set_of_link(&mut self, area: Area, link: &str, name: &str, value: &str) {
        let spreads = matches!((area, name), (_, "forwarding") | (Area::Conf6, "disable_ipv6"));
        let devices = self.devices.values_mut();
        match link {
            "default" => self.settings.default.set(area, name, value),
            "all" => {
                self.settings.all.set(area, name, value);
                if spreads {
                    self.settings.default.set(area, name, value);
                    devices.for_each(|device| device.settings.set(area, name, value));
                }
                if (area, name) == (Area::Conf4, "forwarding") {
                    self.settings.changed.insert("net/ipv4/ip_forward".into(), value.to_owned());
                }
            }
            _ => devices
                .filter(|device| device.link.name.as_str() == link)
                .for_each(|device| device.settings.set(area, name, value)),
        }
    }
}

const GLOBAL: &[(&str, &str)] = &[
    // The module is there, and both are off.
    ("net/bridge/bridge-nf-call-ip6tables", "0"),
    ("net/bridge/bridge-nf-call-iptables", "0"),
    ("net/core/somaxconn", "4096"),
    ("net/ipv4/icmp_echo_ignore_all", "0"),
    ("net/ipv4/ip_default_ttl", "64"),
    ("net/ipv4/ip_forward", "0"),
    ("net/ipv4/ip_local_port_range", "32768\t60999"),
    ("net/ipv4/ip_local_reserved_ports", ""),
    ("net/ipv4/ip_nonlocal_bind", "0"),
    ("net/ipv4/ip_unprivileged_port_start", "1024"),
    ("net/ipv4/ping_group_range", "1\t0"),
    ("net/ipv4/tcp_keepalive_time", "7200"),
    ("net/ipv4/tcp_syncookies", "1"),
    ("net/ipv6/bindv6only", "0"),
    ("net/ipv6/ip_nonlocal_bind", "0"),
    ("net/netfilter/nf_conntrack_acct", "0"),
    ("net/unix/max_dgram_qlen", "512"),
];

const CONF4: &[(&str, &str)] = &[
    ("accept_local", "0"),
    ("accept_redirects", "1"),
    ("accept_source_route", "1"),
    ("arp_accept", "0"),
    ("arp_announce", "0"),
    ("arp_filter", "0"),
    ("arp_ignore", "0"),
    ("arp_notify", "0"),
    ("forwarding", "0"),
    ("log_martians", "0"),
    ("promote_secondaries", "0"),
    ("proxy_arp", "0"),
    ("route_localnet", "0"),
    ("rp_filter", "0"),
    ("secure_redirects", "1"),
    ("send_redirects", "1"),
    ("src_valid_mark", "0"),
];

const CONF6: &[(&str, &str)] = &[
    ("accept_dad", "1"),
    ("accept_ra", "1"),
    ("accept_ra_defrtr", "1"),
    ("accept_ra_pinfo", "1"),
    ("accept_redirects", "1"),
    ("accept_source_route", "0"),
    ("addr_gen_mode", "0"),
    ("autoconf", "1"),
    ("dad_transmits", "1"),
    ("disable_ipv6", "0"),
    ("forwarding", "0"),
    ("hop_limit", "64"),
    ("keep_addr_on_down", "0"),
    ("mtu", "1500"),
    ("ndisc_notify", "0"),
    ("proxy_ndp", "0"),
    ("router_solicitations", "-1"),
    ("use_tempaddr", "0"),
];

const NEIGH: &[(&str, &str)] = &[
    ("app_solicit", "0"),
    ("base_reachable_time_ms", "30000"),
    ("delay_first_probe_time", "5"),
    ("gc_stale_time", "60"),
    ("mcast_solicit", "3"),
    ("retrans_time_ms", "1000"),
    ("ucast_solicit", "3"),
    ("unres_qlen_bytes", "212992"),
];
