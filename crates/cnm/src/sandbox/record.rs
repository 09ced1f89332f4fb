//! A sandbox and its endpoints as they are kept while the machine runs.

use pontoon_kernel::{NetnsId, NetnsOwner};
use pontoon_types::{
    EndpointId, EndpointSpec, Family, IpNet, LinkName, MacAddr, NetworkId, PortMapping, SandboxId, SandboxSpec,
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::SystemTime;

/// One joined endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointRecord {
    /// Id.
    pub id: EndpointId,
    /// The network.
    pub network: NetworkId,
    /// The network's name, for ordering and for names.
    pub network_name: String,
    /// Endpoint name: the sandbox's.
    pub name: String,
    /// What was asked for.
    pub spec: EndpointSpec,
    /// Link name inside the sandbox; `None` on `host` and `none`.
    pub link: Option<LinkName>,
    /// Link name of the host's end.
    pub host_link: Option<LinkName>,
    /// Ethernet address of the link inside.
    pub mac: Option<MacAddr>,
    /// IPv4 address with the subnet's prefix length.
    pub ipv4: Option<IpNet>,
    /// IPv6 address with the subnet's prefix length.
    pub ipv6: Option<IpNet>,
    /// IPv4 next hop the network offers.
    pub gateway_v4: Option<IpAddr>,
    /// IPv6 next hop the network offers.
    pub gateway_v6: Option<IpAddr>,
    /// Whether the network is internal.
    pub internal: bool,
}

impl EndpointRecord {
    /// The endpoint's address of a family.
    pub fn address(&self, family: Family) -> Option<IpNet> {
        match family {
            Family::V4 => self.ipv4,
            Family::V6 => self.ipv6,
        }
    }

    /// The next hop of a family.
    pub fn gateway(&self, family: Family) -> Option<IpAddr> {
        match family {
            Family::V4 => self.gateway_v4,
            Family::V6 => self.gateway_v6,
        }
    }
}

/// The ports on which a sandbox's resolver listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsPorts {
    /// UDP port at 127.0.0.11.
    pub udp: u16,
    /// TCP port at 127.0.0.11.
    pub tcp: u16,
}

/// A sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxRecord {
    /// Id.
    pub id: SandboxId,
    /// Name.
    pub name: String,
    /// What was asked for; `networks` in it is what was asked at creation only.
    pub spec: SandboxSpec,
    /// When it was made.
    pub created: SystemTime,
    /// Where its namespace is mounted; the host's own for network `host`.
    pub netns_path: Option<PathBuf>,
    /// Which namespace that is; what is mounted there later may be another.
    pub netns_id: Option<NetnsId>,
    /// Whose namespace it is, when it was adopted.
    pub owner: Option<NetnsOwner>,
    /// Whether the namespace has IPv6 (`::1` on its loopback link).
    pub has_ipv6: bool,
    /// Endpoints in the order of joining.
    pub endpoints: Vec<EndpointRecord>,
    /// Published ports.
    pub mappings: Vec<PortMapping>,
    /// Resolver ports, once it serves.
    pub dns: Option<DnsPorts>,
    /// Digest of the resolv.conf last written by us.
    pub resolv_digest: Option<String>,
}

impl SandboxRecord {
    /// The endpoint in a network.
    pub fn endpoint_in(&self, network: NetworkId) -> Option<&EndpointRecord> {
        self.endpoints.iter().find(|endpoint| endpoint.network == network)
    }

    /// The names of one of its endpoints: its own, the aliases, the short id, the host name; each once.
    pub fn dns_names(&self, endpoint: &EndpointRecord) -> Vec<String> {
        let mut names = vec![endpoint.name.clone()];
        let others = endpoint.spec.aliases.iter().cloned().chain([self.id.short(), self.hostname()]);
        for name in others.filter(|name| !name.is_empty()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Whether it is a container's, whose own events tell of it and who alone may remove it.
    pub fn is_container(&self) -> bool {
        self.spec.id.is_some()
    }

    /// The endpoint's host name inside: the one asked for, else the short id.
    pub fn hostname(&self) -> String {
        if self.spec.hostname.is_empty() { self.id.short() } else { self.spec.hostname.clone() }
    }
}
