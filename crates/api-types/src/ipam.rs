//! Address management of a network: asked for, reported, and its numbers.

use crate::{Address, Prefix, ShapeError};
use pontoon_types::{IpamSpec, PoolSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `IPAM` of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "network.IPAM", rename_all = "PascalCase", default)]
pub struct Ipam {
    /// IPAM driver; empty in a request means `default`.
    pub driver: String,
    /// Options for the driver; null when none were given, which is not the same as `{}`.
    pub options: Option<BTreeMap<String, String>>,
    /// Pools, IPv4 first; null for networks without addresses.
    pub config: Option<Vec<IpamConfig>>,
}

/// One pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "network.IPAMConfig", rename_all = "PascalCase", default)]
pub struct IpamConfig {
    /// The subnet.
    #[serde(skip_serializing_if = "Prefix::is_unset")]
    pub subnet: Prefix,
    /// The part of it that addresses are handed out from.
    #[serde(rename = "IPRange", skip_serializing_if = "Prefix::is_unset")]
    pub ip_range: Prefix,
    /// The gateway.
    #[serde(skip_serializing_if = "Address::is_unset")]
    pub gateway: Address,
    /// Addresses set aside, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub auxiliary_addresses: BTreeMap<String, Address>,
}

/// `Status.IPAM` of an inspected network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IpamStatus {
    /// By subnet; absent for networks without addresses of our own giving.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub subnets: BTreeMap<String, SubnetStatus>,
}

/// How full a subnet is. Both numbers stop at 2^64-1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubnetStatus {
    /// Addresses in use or set aside, network and broadcast address among them.
    #[serde(rename = "IPsInUse")]
    pub ips_in_use: u64,
    /// Free addresses in the range that is handed out.
    #[serde(rename = "DynamicIPsAvailable")]
    pub dynamic_ips_available: u64,
}

impl Ipam {
    /// What is asked for, in our own words.
    pub fn into_spec(self) -> Result<IpamSpec, ShapeError> {
        let pools = self.config.unwrap_or_default();
        Ok(IpamSpec {
            driver: Some(self.driver).filter(|driver| !driver.is_empty()),
            options: self.options,
            pools: pools.into_iter().map(IpamConfig::into_spec).collect::<Result<_, _>>()?,
        })
    }
}

impl IpamConfig {
    fn into_spec(self) -> Result<PoolSpec, ShapeError> {
        let outside = |what: String| {
            let text = match self.subnet.0 {
                Some(subnet) => format!("{what}: parent subnet {subnet} doesn't contain this address"),
                None => what,
            };
            ShapeError::NetworkConfig(text)
        };
        let mut aux_addresses = BTreeMap::new();
        for (name, address) in &self.auxiliary_addresses {
            let bad = || outside(format!("invalid auxiliary address {name}"));
            aux_addresses.insert(name.clone(), address.get().map_err(|_| bad())?.ok_or_else(bad)?);
        }
        let gateway = self.gateway.get().map_err(|_| outside(format!("invalid gateway {}", self.gateway)))?;
        Ok(PoolSpec { subnet: self.subnet.0, ip_range: self.ip_range.0, gateway, aux_addresses })
    }
}

impl From<&PoolSpec> for IpamConfig {
    fn from(pool: &PoolSpec) -> Self {
        let aux = pool.aux_addresses.iter();
        Self {
            subnet: pool.subnet.into(),
            ip_range: pool.ip_range.into(),
            gateway: pool.gateway.into(),
            auxiliary_addresses: aux.map(|(name, address)| (name.clone(), (*address).into())).collect(),
        }
    }
}
