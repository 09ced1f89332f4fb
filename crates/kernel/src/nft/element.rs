//! Elements of sets and maps.
//!
//! Owns: typed keys and data. Must not know which set means what.

use super::Verdict;
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A set's name; borrowed where it is one of our own.
pub type SetName = Cow<'static, str>;

/// The value of one field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A link's name.
    Name(String),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address.
    Ipv6(Ipv6Addr),
    /// A transport protocol's number.
    Protocol(u8),
    /// A port.
    Port(u16),
    /// Bytes of a field of another kind.
    Other(Vec<u8>),
}

impl From<IpAddr> for Value {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::Ipv4(address),
            IpAddr::V6(address) => Self::Ipv6(address),
        }
    }
}

/// A key: one value for each field, or the first and last of a range in each field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The values, or the first ones.
    pub start: Vec<Value>,
    /// The last ones of a range, included.
    pub end: Option<Vec<Value>>,
}

impl Key {
    /// An exact key.
    pub fn exact(values: impl Into<Vec<Value>>) -> Self {
        Self { start: values.into(), end: None }
    }

    /// A range; the same as [`Key::exact`] when both ends are equal.
    pub fn range(start: impl Into<Vec<Value>>, end: impl Into<Vec<Value>>) -> Self {
        let (start, end) = (start.into(), end.into());
        let end = (start != end).then_some(end);
        Self { start, end }
    }

    /// Whether some key lies in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let last = |key: &Self| key.end.clone().unwrap_or_else(|| key.start.clone());
        let (mine, theirs) = (last(self), last(other));
        self.start.len() == other.start.len()
            && self.start.iter().zip(&theirs).all(|(first, last)| first <= last)
            && other.start.iter().zip(&mine).all(|(first, last)| first <= last)
    }
}

/// What a map gives for a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Data {
    /// Values.
    Values(Vec<Value>),
    /// A verdict.
    Verdict(Verdict),
}

/// An element and the set it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element {
    /// The set or map.
    pub set: SetName,
    /// Its key.
    pub key: Key,
    /// Its data, in maps.
    pub data: Option<Data>,
}
