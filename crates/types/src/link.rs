//! Names of network links, checked as the kernel checks them (`dev_valid_name`).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A link name the kernel accepts: 1 to 15 bytes, no `/`, no `:`, no white space, not `.` or `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkName(String);

/// Text that the kernel would not take as a link name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid interface name {0:?}: 1 to 15 printable ASCII characters without '/', ':' or white space")]
pub struct LinkNameError(pub String);

impl LinkName {
    /// Checks `name`. Stricter than the kernel: only printable ASCII, so that rules and logs stay readable.
    pub fn new(name: impl Into<String>) -> Result<Self, LinkNameError> {
        let name = name.into();
        let plain = |c: u8| c.is_ascii_graphic() && !matches!(c, b'/' | b':' | b'%' | b'"' | b'\\');
        if (1..=15).contains(&name.len()) && name.bytes().all(plain) && name != "." && name != ".." {
            Ok(Self(name))
        } else {
            Err(LinkNameError(name))
        }
    }

    /// Docker's name for the bridge of a network: `br-` and the short id.
    pub fn of_network(id: &crate::NetworkId) -> Self {
        Self(format!("br-{}", id.short()))
    }

    /// Docker's form for the host's end of an endpoint's pair: `veth` and seven characters of the id.
    pub fn of_endpoint(id: &crate::EndpointId) -> Self {
        Self(format!("veth{}", &id.short()[..7]))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl FromStr for LinkName {
    type Err = LinkNameError;
    fn from_str(text: &str) -> Result<Self, LinkNameError> {
        Self::new(text)
    }
}

impl AsRef<str> for LinkName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for LinkName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LinkName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_made_of_ids_are_names() {
        for name in
            [LinkName::of_network(&crate::NetworkId::random()), LinkName::of_endpoint(&crate::EndpointId::random())]
        {
            assert_eq!(LinkName::new(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn names_the_kernel_refuses_are_refused() {
        for bad in ["", ".", "..", "a/b", "a:b", "a b", "0123456789abcdef", "x\n", "br\"", "%d", "\u{e9}"] {
            assert!(LinkName::new(bad).is_err(), "{bad:?}");
        }
        for good in ["eth0", "br-0123456789ab", "a", "...", "docker0"] {
            assert!(LinkName::new(good).is_ok(), "{good:?}");
        }
    }
}
