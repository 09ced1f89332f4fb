//! Names of pools.
//!
//! Owns: the text form that Docker gives to a pool. Must never say whether such a pool exists.

use crate::Error;
use ipnet::IpNet;
use pontoon_types::Family;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Where a pool belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressSpace {
    /// The networks of this host.
    Local,
    /// The `null` driver, which has no addresses.
    Null,
}

impl fmt::Display for AddressSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "LocalDefault",
            Self::Null => "null",
        })
    }
}

/// A pool: a subnet, or a range of it. Written `LocalDefault/10.1.0.0/16` or `LocalDefault/10.1.0.0/16/10.1.2.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolId {
    /// Where it belongs.
    pub space: AddressSpace,
    /// The subnet, without host bits.
    pub subnet: IpNet,
    /// The range, without host bits.
    pub range: Option<IpNet>,
}

impl PoolId {
    /// A pool of this host.
    pub fn local(subnet: IpNet, range: Option<IpNet>) -> Self {
        Self { space: AddressSpace::Local, subnet, range }
    }

    /// IP version of the pool.
    pub fn family(&self) -> Family {
        Family::of_net(&self.subnet)
    }

    /// From where addresses are handed out: the range, or else the subnet.
    pub fn window(&self) -> IpNet {
        self.range.unwrap_or(self.subnet)
    }
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.space, self.subnet)?;
        self.range.map_or(Ok(()), |range| write!(f, "/{range}"))
    }
}

impl FromStr for PoolId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::PoolIdText(text.to_owned());
        let parts: Vec<&str> = text.split('/').collect();
        let net = |address: &str, length: &str| format!("{address}/{length}").parse::<IpNet>().map_err(|_| bad());
        let (space, subnet, range) = match parts.as_slice() {
            [space, address, length] => (space, net(address, length)?, None),
            [space, address, length, first, bits] => (space, net(address, length)?, Some(net(first, bits)?)),
            _ => return Err(bad()),
        };
        let space = match *space {
            "LocalDefault" => AddressSpace::Local,
            "null" => AddressSpace::Null,
            _ => return Err(bad()),
        };
        let canonical = subnet == subnet.trunc() && range.is_none_or(|range| range == range.trunc());
        let inside = range.is_none_or(|range| subnet.contains(&range));
        if canonical && inside { Ok(Self { space, subnet, range }) } else { Err(bad()) }
    }
}

impl Serialize for PoolId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PoolId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_id_survives_its_text_form() {
        for text in [
            "LocalDefault/172.18.0.0/16",
            "LocalDefault/10.1.0.0/16/10.1.2.0/24",
            "LocalDefault/fd00:1::/64/fd00:1::8000/113",
            "null/0.0.0.0/0",
        ] {
            assert_eq!(text.parse::<PoolId>().unwrap().to_string(), text);
            let json = format!("\"{text}\"");
            assert_eq!(serde_json::to_string(&serde_json::from_str::<PoolId>(&json).unwrap()).unwrap(), json);
        }
    }

    #[test]
    fn text_that_is_no_pool_id_is_refused() {
        for text in [
            "",
            "LocalDefault",
            "LocalDefault/10.0.0.0",
            "Elsewhere/10.0.0.0/8",
            "LocalDefault/10.0.0.1/8",
            "LocalDefault/10.0.0.0/8/11.0.0.0/24",
            "LocalDefault/10.0.0.0/8/fd00::/64",
            "LocalDefault/10.0.0.0/8/10.0.0.0/24/",
        ] {
            assert_eq!(text.parse::<PoolId>(), Err(Error::PoolIdText(text.to_owned())), "{text}");
        }
    }
}
