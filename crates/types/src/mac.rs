//! Ethernet addresses.

use crate::NetworkId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A 48-bit Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

/// Text that is no 48-bit Ethernet address. The wording is Go's, which clients see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("address {0}: invalid MAC address")]
pub struct MacError(pub String);

impl MacAddr {
    /// The address of a network's own link: always the same for one network, so that neighbours who remember it find the
    /// link again after it was made anew. Locally administered, unicast.
    pub fn of_network(id: &NetworkId) -> Self {
        let mut bytes = id.tail();
        bytes[0] = bytes[0] & 0xfe | 0x02;
        Self(bytes)
    }

    /// A random address: locally administered, unicast.
    pub fn random() -> Self {
        let mut bytes = [0u8; 6];
        // As for ids: without getrandom(2) there is nothing sensible left to do.
        if getrandom::fill(&mut bytes).is_err() {
            std::process::abort();
        }
        bytes[0] = bytes[0] & 0xfe | 0x02;
        Self(bytes)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for MacAddr {
    type Err = MacError;

    /// Accepts what Go's `net.ParseMAC` does for 48 bits: `02:42:…`, `02-42-…`, `0242.ac11.0002`.
    fn from_str(text: &str) -> Result<Self, MacError> {
        let bad = || MacError(text.to_owned());
        let (separator, width) = match text.as_bytes().get(2) {
            Some(b':') => (':', 2),
            Some(b'-') => ('-', 2),
            _ => ('.', 4),
        };
        let groups: Vec<&str> = text.split(separator).collect();
        if groups.len() * width != 12
            || groups.iter().any(|g| g.len() != width || !g.bytes().all(|c| c.is_ascii_hexdigit()))
        {
            return Err(bad());
        }
        let digits = groups.concat();
        let mut bytes = [0u8; 6];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for MacAddr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MacAddr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_go_are_understood() {
        let mac = MacAddr([2, 0x42, 0xac, 0x11, 0, 2]);
        for text in ["02:42:ac:11:00:02", "02-42-AC-11-00-02", "0242.ac11.0002"] {
            assert_eq!(text.parse(), Ok(mac));
        }
        for bad in ["", "02:42", "02:42:ac:11:00:zz", "02:42:ac:11:00:02:03:04", "2:42:ac:11:00:02", "é:é"] {
            assert!(bad.parse::<MacAddr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_networks_address_is_its_own_and_always_the_same() {
        let (one, other) = (NetworkId::random(), NetworkId::random());
        let address = MacAddr::of_network(&one);
        assert_eq!(address, MacAddr::of_network(&one));
        assert_ne!(address, MacAddr::of_network(&other));
        assert_eq!(address.0[0] & 3, 2, "local and unicast");
    }

    #[test]
    fn a_random_address_is_local_and_unicast() {
        for _ in 0..200 {
            assert_eq!(MacAddr::random().0[0] & 3, 2);
        }
    }
}
