//! What users say about address pools.

use crate::Options;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both, in the order Docker treats them.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// The family of `address`.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The family of `subnet`.
    pub fn of_net(subnet: &IpNet) -> Self {
        Self::of(subnet.addr())
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// One entry of `IPAM.Config`, as given. Host bits of `subnet` and `ip_range` are kept, so that validation can name them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSpec {
    /// Subnet in CIDR form. `0.0.0.0/24` and `::/64` ask for any subnet of that size.
    pub subnet: Option<IpNet>,
    /// Part of the subnet from which addresses are handed out.
    pub ip_range: Option<IpNet>,
    /// Gateway address.
    pub gateway: Option<IpAddr>,
    /// Addresses set aside, by free-form name.
    pub aux_addresses: BTreeMap<String, IpAddr>,
}

/// `IPAM` of a network, as given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpamSpec {
    /// IPAM driver; `None` is `default`.
    pub driver: Option<String>,
    /// Options for the IPAM driver; `None` when the user gave none (the API tells the two apart).
    pub options: Option<Options>,
    /// Pools, of either family.
    pub pools: Vec<PoolSpec>,
}

/// A pool from which subnets of one size are cut (`default-address-pool`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressPool {
    /// The whole pool.
    pub base: IpNet,
    /// Prefix length of the subnets cut from it.
    pub size: u8,
}
