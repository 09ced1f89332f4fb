//! What one sandbox sees: its networks in order of preference, with its own link aliases.

use super::NetworkNames;
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
    /// Networks, best first.
    pub networks: Vec<VisibleNetwork>,
}

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its addresses, at least one.
    Found(Vec<IpAddr>),
    /// It exists, without an address of that family.
    NoData,
    /// It does not exist here.
    Unknown,
}

impl SandboxNames {
    /// Looks a name up: `a.b.c` in every network, then `a.b` in network `c`, then `a` in network `b.c`.
    pub fn forward(&self, name: &str, family: Family) -> Answer {
        let name = name.strip_suffix('.').unwrap_or(name);
        for network in &self.networks {
            if let Some(addresses) = network.forward(name, family) {
                return answer(addresses);
            }
        }
        for (at, _) in name.rmatch_indices('.') {
            let (host, suffix) = (&name[..at], &name[at + 1..]);
            for network in self.networks.iter().filter(|network| network.name == suffix) {
                if let Some(addresses) = network.forward(host, family) {
                    return answer(addresses);
                }
            }
        }
        Answer::Unknown
    }

    /// `name.network` of an address.
    pub fn reverse(&self, address: IpAddr) -> Option<String> {
        self.networks.iter().find_map(|network| Some(format!("{}.{}", network.names.reverse(address)?, network.name)))
    }
}

impl VisibleNetwork {
    fn forward(&self, name: &str, family: Family) -> Option<Vec<IpAddr>> {
        let target = self.links.iter().find(|link| link.alias == name);
        target.and_then(|link| self.names.forward(&link.target, family)).or_else(|| self.names.forward(name, family))
    }
}

fn answer(addresses: Vec<IpAddr>) -> Answer {
    if addresses.is_empty() { Answer::NoData } else { Answer::Found(addresses) }
}
