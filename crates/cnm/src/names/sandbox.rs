//! What one sandbox sees: its networks in order of preference, with its own link aliases.
//!
//! Owns: the order in which a name is looked for (dns.md section 4) and what an address is called (section 5).
//! A value that never changes; the sandbox gets another one when it joins or leaves.

use super::{Known, NetworkNames};
use pontoon_types::{Family, SandboxLink};
use std::net::IpAddr;
use std::sync::Arc;

/// A network as one sandbox sees it.
#[derive(Clone, Debug)]
pub struct VisibleNetwork {
    /// Its name; case matters.
    pub name: String,
    /// Its names.
    pub names: Arc<NetworkNames>,
    /// Private names of others there; case matters.
    pub links: Vec<SandboxLink>,
}

/// What a sandbox sees. Replaced as a whole when it joins or leaves.
#[derive(Clone, Debug, Default)]
pub struct SandboxNames {
    /// Networks, best first (sandbox.md section 4).
    pub networks: Vec<VisibleNetwork>,
}

/// What a sandbox is told of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its addresses, at least one, each once, in no particular order.
    Found(Vec<IpAddr>),
    /// It exists, without an address of that family.
    NoData,
    /// It does not exist here.
    Unknown,
}

impl SandboxNames {
    /// Looks a name up, with or without a trailing dot: for `a.b.c` these are tried in order, each first as an alias
    /// of a link, then as a name: `a.b.c` in every network, `a.b` in network `c`, `a` in network `b.c`. The first
    /// network that knows it decides.
    pub fn forward(&self, name: &str, family: Family) -> Answer {
        let mut found = Vec::new();
        match self.forward_into(name, family, &mut found) {
            Known::Found => Answer::Found(found),
            Known::NoData => Answer::NoData,
            Known::Unknown => Answer::Unknown,
        }
    }

    /// [`SandboxNames::forward`] for the resolver: addresses are appended to `found`, and a lower-case name costs no
    /// allocation.
    pub fn forward_into(&self, name: &str, family: Family, found: &mut Vec<IpAddr>) -> Known {
        let name = name.strip_suffix('.').unwrap_or(name);
        match self.candidate(name, None, family, found) {
            Known::Unknown => {}
            known => return known,
        }
        for (at, _) in name.rmatch_indices('.') {
            match self.candidate(&name[..at], Some(&name[at + 1..]), family, found) {
                Known::Unknown => {}
                known => return known,
            }
        }
        Known::Unknown
    }

    /// Whether a name exists here, whatever its addresses.
    pub fn knows(&self, name: &str) -> bool {
        self.forward_into(name, Family::V4, &mut Vec::new()) != Known::Unknown
    }

    /// `name.network` of whoever has `address` in the first network where somebody has.
    pub fn reverse(&self, address: IpAddr) -> Option<String> {
        self.networks.iter().find_map(|network| Some(format!("{}.{}", network.names.reverse(address)?, network.name)))
    }

    /// Notes that a server outside said that `name` has `address` ([`NetworkNames::heard_outside`]).
    pub fn heard_outside(&self, name: &str, address: IpAddr) {
        self.networks.iter().for_each(|network| network.names.heard_outside(name, address));
    }

    /// One name in one network, or in all.
    fn candidate(&self, name: &str, network: Option<&str>, family: Family, found: &mut Vec<IpAddr>) -> Known {
        if name.is_empty() {
            return Known::Unknown;
        }
        let chosen = || self.networks.iter().filter(|visible| network.is_none_or(|wanted| visible.name == wanted));
        for visible in chosen() {
            if let Some(target) = visible.target(name)
                && let known @ (Known::Found | Known::NoData) = visible.names.forward(target, family, found)
            {
                return known;
            }
        }
        // Where the name is an alias of ours, it is nothing else.
        for visible in chosen().filter(|visible| visible.target(name).is_none()) {
            if let known @ (Known::Found | Known::NoData) = visible.names.forward(name, family, found) {
                return known;
            }
        }
        Known::Unknown
    }
}

impl VisibleNetwork {
    /// What a link alias stands for.
    fn target(&self, alias: &str) -> Option<&str> {
        self.links.iter().find(|link| link.alias == alias).map(|link| link.target.as_str())
    }
}
