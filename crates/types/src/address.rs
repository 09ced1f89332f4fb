//! Address, prefix and Ethernet address fields: `""` is unset, anything malformed is a decoding error in Go's words.
//!
//! Owns: the text forms at the API. Must never check a family or a range: that is the core's work.

use crate::MacAddr;
use crate::goaddr::{parse_address, parse_prefix};
use ipnet::IpNet;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

/// An address with a zone, in a field that has no use for one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid IPv6 address: {0}")]
pub struct ZoneError(pub String);

/// An IP address or nothing (Go's `netip.Addr`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    ip: Option<IpAddr>,
    zone: Option<String>,
}

impl Address {
    /// The address, `None` when unset. A zone (`fe80::1%eth0`) is no error to Go's decoder, but no field has a use for
    /// one: it is given back as the error, in full.
    pub fn get(&self) -> Result<Option<IpAddr>, ZoneError> {
        match (&self.ip, &self.zone) {
            (Some(_), Some(_)) => Err(ZoneError(self.to_string())),
            (ip, _) => Ok(*ip),
        }
    }

    /// The address without looking at a zone.
    pub fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// Whether there is none.
    pub fn is_unset(&self) -> bool {
        self.ip.is_none()
    }
}

impl From<Option<IpAddr>> for Address {
    fn from(ip: Option<IpAddr>) -> Self {
        Self { ip, zone: None }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        Some(ip).into()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ip) = self.ip else { return Ok(()) };
        write!(f, "{ip}")?;
        self.zone.as_ref().map_or(Ok(()), |zone| write!(f, "%{zone}"))
    }
}

/// A subnet or nothing (Go's `netip.Prefix`); host bits are kept as given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix(pub Option<IpNet>);

impl Prefix {
    /// Whether there is none.
    pub fn is_unset(&self) -> bool {
        self.0.is_none()
    }
}

impl From<Option<IpNet>> for Prefix {
    fn from(net: Option<IpNet>) -> Self {
        Self(net)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |net| write!(f, "{net}"))
    }
}

/// An Ethernet address or nothing (Docker's `HardwareAddr`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct HardwareAddress(pub Option<MacAddr>);

impl From<Option<MacAddr>> for HardwareAddress {
    fn from(mac: Option<MacAddr>) -> Self {
        Self(mac)
    }
}

impl fmt::Display for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |mac| write!(f, "{mac}"))
    }
}

/// A field that Go reads through `UnmarshalText`.
trait Textual: Default {
    /// Go's name of the type, seen in errors about wrong JSON types.
    const TYPE: &'static str;
    fn read(text: &str) -> Result<Self, String>;
}

impl Textual for Address {
    const TYPE: &'static str = "netip.Addr";
    fn read(text: &str) -> Result<Self, String> {
        parse_address(text).map(|(ip, zone)| Self { ip: Some(ip), zone })
    }
}

impl Textual for Prefix {
    const TYPE: &'static str = "netip.Prefix";
    fn read(text: &str) -> Result<Self, String> {
        parse_prefix(text).map(|net| Self(Some(net)))
    }
}

impl Textual for HardwareAddress {
    const TYPE: &'static str = "network.HardwareAddr";
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map(|mac| Self(Some(mac))).map_err(|error: crate::MacError| error.to_string())
    }
}

struct Text<T>(PhantomData<T>);

impl<'de, T: Textual> Visitor<'de> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::TYPE)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
        let text = String::deserialize(inner)?;
        if text.is_empty() { Ok(T::default()) } else { T::read(&text).map_err(D::Error::custom) }
    }
}

macro_rules! textual {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_newtype_struct(<Self as Textual>::TYPE, Text(PhantomData))
            }
        }
    };
}

textual!(Address);
textual!(Prefix);
textual!(HardwareAddress);
