//! Sets and maps.
//!
//! Owns: their definitions and elements. Must not know what the rules use them for.

use super::{Data, Element, Key, Value, Verdict};
use std::collections::BTreeMap;
use std::fmt;

/// What one field of a key or of a map's data holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// A link's name, padded with zeros to 16 bytes.
    IfName,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A transport protocol's number, one byte.
    Protocol,
    /// A port, two bytes.
    Port,
    /// Something else, by `nft`'s type number.
    Other(u8),
}

impl Field {
    /// Bytes of a value, without padding; `None` when not known.
    pub fn len(self) -> Option<usize> {
        match self {
            Self::IfName | Self::Ipv6 => Some(16),
            Self::Ipv4 => Some(4),
            Self::Protocol => Some(1),
            Self::Port => Some(2),
            Self::Other(_) => None,
        }
    }

    /// Always `false`: no field is without bytes.
    pub fn is_empty(self) -> bool {
        false
    }

    /// Whether `value` is of this kind.
    pub fn holds(self, value: &Value) -> bool {
        matches!(
            (self, value),
            (Self::IfName, Value::Name(_))
                | (Self::Ipv4, Value::Ipv4(_))
                | (Self::Ipv6, Value::Ipv6(_))
                | (Self::Protocol, Value::Protocol(_))
                | (Self::Port, Value::Port(_))
                | (Self::Other(_), Value::Other(_))
        )
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IfName => "ifname",
            Self::Ipv4 => "ipv4_addr",
            Self::Ipv6 => "ipv6_addr",
            Self::Protocol => "inet_proto",
            Self::Port => "inet_service",
            Self::Other(number) => return write!(f, "type-{number}"),
        })
    }
}

/// What a set's elements carry beside their key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SetKind {
    /// Nothing: a set.
    Set,
    /// Values of these fields: a map.
    Map(Vec<Field>),
    /// A verdict: a verdict map.
    VerdictMap,
}

/// A set or map with its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Name.
    pub name: String,
    /// Fields of the key.
    pub key: Vec<Field>,
    /// What elements carry.
    pub kind: SetKind,
    /// Keys may be ranges. Sets without it are hash tables: adding to them costs the same at any size.
    pub interval: bool,
    /// Elements.
    pub elements: BTreeMap<Key, Option<Data>>,
}

impl Set {
    /// An empty set or map of exact keys.
    pub fn new(name: impl Into<String>, key: &[Field], kind: SetKind) -> Self {
        Self { name: name.into(), key: key.to_vec(), kind, interval: false, elements: BTreeMap::new() }
    }

    /// The same, with keys that may be ranges. The key must have two fields or more: the kernel keeps ranges of a single
    /// field in another way, which nothing here needs.
    pub fn with_ranges(self) -> Self {
        Self { interval: true, ..self }
    }

    /// Whether the two are defined alike; elements are not looked at.
    pub fn same_definition(&self, other: &Self) -> bool {
        self.name == other.name && self.key == other.key && self.kind == other.kind && self.interval == other.interval
    }

    /// The elements, each with this set's name.
    pub fn elements(&self) -> impl Iterator<Item = Element> + '_ {
        self.elements.iter().map(|(key, data)| Element {
            set: self.name.clone().into(),
            key: key.clone(),
            data: data.clone(),
        })
    }

    /// Whether `key` and `data` are of the kinds this set holds.
    pub fn fits(&self, key: &Key, data: Option<&Data>) -> bool {
        let fits = |fields: &[Field], values: &[Value]| {
            fields.len() == values.len() && fields.iter().zip(values).all(|(field, value)| field.holds(value))
        };
        let key_fits =
            fits(&self.key, &key.start) && key.end.as_ref().is_none_or(|end| self.interval && fits(&self.key, end));
        let data_fits = match (&self.kind, data) {
            (SetKind::Set, None) | (SetKind::VerdictMap, Some(Data::Verdict(_))) => true,
            (SetKind::Map(fields), Some(Data::Values(values))) => fits(fields, values),
            _ => false,
        };
        key_fits && data_fits
    }

    /// The chains that verdicts in this map lead to.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.elements.values().filter_map(|data| match data {
            Some(Data::Verdict(Verdict::Jump(chain) | Verdict::Goto(chain))) => Some(chain.as_str()),
            _ => None,
        })
    }
}
