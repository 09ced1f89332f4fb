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
    /// What can be made out of a stored record that is not what this version expects: each field that can be read on
    /// its own, so that its name and its subnets stay taken and people recognise it. Never to be stored again.
    pub fn salvage(id: NetworkId, stored: &serde_json::Value) -> Self {
        let mut best = Self::blank(id);
        let Ok(serde_json::Value::Object(mut fields)) = serde_json::to_value(&best) else { return best };
        for (key, value) in stored.as_object().into_iter().flatten().filter(|(key, _)| *key != "id") {
            let Some(before) = fields.get(key).cloned() else { continue };
            fields.insert(key.clone(), value.clone());
            match serde_json::from_value(serde_json::Value::Object(fields.clone())) {
                Ok(better) => best = better,
                Err(_) => drop(fields.insert(key.clone(), before)),
            }
        }
        best
    }

    fn blank(id: NetworkId) -> Self {
        Self {
            id,
            name: id.short(),
            created: SystemTime::UNIX_EPOCH,
            driver: "unknown".into(),
            scope: Scope::Local,
            ipv4: true,
            ipv6: false,
            internal: false,
            attachable: false,
            ingress: false,
            config_only: false,
            config_from: None,
            ipam_driver: "default".into(),
            ipam_options: None,
            pools: Vec::new(),
            config_ipam: None,
            options: Options::new(),
            labels: BTreeMap::new(),
            predefined: false,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_of_a_record_is_salvaged_field_by_field() {
        let id = NetworkId::random();
        let stored = serde_json::json!({
            "id": "not an id", "name": "n", "driver": "bridge", "scope": {"new": "shape"}, "internal": true,
            "options": {"k": "v"}, "labels": 7, "of_a_later_version": [1],
            "pools": [{"subnet": "10.9.0.0/24", "range": null, "gateway": "10.9.0.1", "aux_addresses": {}, "requested": true}],
        });
        let record = NetworkRecord::salvage(id, &stored);
        assert_eq!((record.id, record.name.as_str(), record.driver.as_str()), (id, "n", "bridge"));
        assert_eq!((record.scope, record.internal, record.labels.len()), (Scope::Local, true, 0));
        assert_eq!(record.pools[0].subnet.to_string(), "10.9.0.0/24");
        assert_eq!(record.options["k"], "v");
        assert_eq!(NetworkRecord::salvage(id, &serde_json::Value::Null), NetworkRecord::blank(id));
    }
}
