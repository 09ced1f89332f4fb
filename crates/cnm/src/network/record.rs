//! A network as it is kept: everything decided when it was made, nothing that changes afterwards.

use pontoon_types::{Family, IpNet, IpamSpec, NetworkId, Options, Scope};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::SystemTime;

/// One subnet of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRecord {
    /// The subnet, without host bits.
    pub subnet: IpNet,
    /// Part of it from which addresses are handed out.
    pub range: Option<IpNet>,
    /// Gateway address, if one is set aside.
    pub gateway: Option<IpAddr>,
    /// Addresses set aside by name.
    pub aux_addresses: BTreeMap<String, IpAddr>,
    /// Whether the user named the subnet (else it came from a default pool).
    pub requested: bool,
}

impl PoolRecord {
    /// The family of the subnet.
    pub fn family(&self) -> Family {
        Family::of_net(&self.subnet)
    }
}

/// A network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRecord {
    /// Id.
    pub id: NetworkId,
    /// Name.
    pub name: String,
    /// When it was made.
    pub created: SystemTime,
    /// Driver name; `null` for configuration-only networks.
    pub driver: String,
    /// Scope.
    pub scope: Scope,
    /// IPv4 enabled.
    pub ipv4: bool,
    /// IPv6 enabled.
    pub ipv6: bool,
    /// No traffic across the border.
    pub internal: bool,
    /// Attachable (kept and shown; local networks always are).
    pub attachable: bool,
    /// Ingress.
    pub ingress: bool,
    /// Configuration only.
    pub config_only: bool,
    /// Name of the configuration network it follows.
    pub config_from: Option<String>,
    /// IPAM driver.
    pub ipam_driver: String,
    /// IPAM options as given; `None` when none were.
    pub ipam_options: Option<Options>,
    /// Allocated subnets: IPv4 first.
    pub pools: Vec<PoolRecord>,
    /// Address settings as given, kept by a configuration-only network for those that follow it.
    pub config_ipam: Option<IpamSpec>,
    /// Driver options with merged defaults.
    pub options: Options,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// One of `bridge`, `host`, `none`, which cannot be removed.
    pub predefined: bool,
}

impl NetworkRecord {
    /// Subnets of one family.
    pub fn pools_of(&self, family: Family) -> impl Iterator<Item = &PoolRecord> {
        self.pools.iter().filter(move |pool| pool.family() == family)
    }

    /// The first subnet of a family: the only one for bridge networks.
    pub fn pool(&self, family: Family) -> Option<&PoolRecord> {
        self.pools_of(family).next()
    }

    /// Whether the family is enabled.
    pub fn has(&self, family: Family) -> bool {
        match family {
            Family::V4 => self.ipv4,
            Family::V6 => self.ipv6,
        }
    }

    /// Whether names are served on it: every network but the predefined ones.
    pub fn has_names(&self) -> bool {
        !self.predefined && !self.config_only
    }
}
