//! Which published port leads where.
//!
//! Owns the mappings whose clients can be IPv6 ones, over TCP or UDP: no others ever come here.

use pontoon_types::{PortMapping, Protocol};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// A published run of ports by what clients see: protocol, address (unspecified for all), first port. Runs of one
/// protocol and address never overlap: the book of ports does not let them.
type Key = (Protocol, IpAddr, u16);

/// All mappings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    mappings: BTreeMap<Key, PortMapping>,
}

impl Table {
    /// Enters a mapping in the place of one for the same run; whether that changed anything.
    pub fn insert(&mut self, mapping: &PortMapping) -> bool {
        if !mapping.host_ip.is_ipv6() || mapping.protocol == Protocol::Sctp {
            return false;
        }
        let old = self.mappings.insert(key(mapping), mapping.clone());
        old.as_ref() != Some(mapping)
    }

    /// Takes exactly this mapping out; whether it was there. One that has replaced it stays.
    pub fn remove(&mut self, mapping: &PortMapping) -> bool {
        let there = self.mappings.get(&key(mapping)) == Some(mapping);
        there && self.mappings.remove(&key(mapping)).is_some()
    }

    /// Where packets to `destination` are to go, if it is a published port. A mapping of one address goes before one
    /// of all addresses, as in the rule set.
    pub fn target(&self, protocol: Protocol, destination: SocketAddr) -> Option<SocketAddr> {
        let any = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let find = |address| {
            let upto = (protocol, address, destination.port());
            let (_, mapping) = self.mappings.range((protocol, address, 0)..=upto).next_back()?;
            mapping.target(destination.port())
        };
        destination.is_ipv6().then(|| find(destination.ip()).or_else(|| find(any))).flatten()
    }
}

impl<'a> FromIterator<&'a PortMapping> for Table {
    fn from_iter<I: IntoIterator<Item = &'a PortMapping>>(mappings: I) -> Self {
        let mut table = Self::default();
        for mapping in mappings {
            table.insert(mapping);
        }
        table
    }
}

fn key(mapping: &PortMapping) -> Key {
    (mapping.protocol, mapping.host_ip, mapping.host.start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_types::PortRange;

    fn mapping(protocol: Protocol, host: &str, (start, end): (u16, u16), container: &str) -> PortMapping {
        let container: SocketAddr = container.parse().unwrap();
        PortMapping {
            protocol,
            host_ip: host.parse().unwrap(),
            host: PortRange { start, end },
            container_ip: container.ip(),
            container_start: container.port(),
        }
    }

    fn table() -> Table {
        [
            mapping(Protocol::Tcp, "::", (80, 80), "10.0.0.2:8080"),
            mapping(Protocol::Tcp, "::1", (80, 80), "10.0.0.3:8080"),
            mapping(Protocol::Tcp, "::", (8000, 8010), "[fd00::2]:1000"),
            mapping(Protocol::Udp, "::", (53, 53), "10.0.0.2:53"),
            mapping(Protocol::Tcp, "0.0.0.0", (443, 443), "10.0.0.2:443"),
            mapping(Protocol::Sctp, "::", (443, 443), "10.0.0.2:443"),
        ]
        .iter()
        .collect()
    }

    #[test]
    fn destinations_lead_to_their_targets() {
        let cases = [
            (Protocol::Tcp, "[2001:db8::2]:80", Some("10.0.0.2:8080")),
            (Protocol::Tcp, "[::1]:80", Some("10.0.0.3:8080")),
            (Protocol::Tcp, "[::1]:8003", Some("[fd00::2]:1003")),
            (Protocol::Tcp, "[::1]:8011", None),
            (Protocol::Tcp, "[::1]:7999", None),
            (Protocol::Udp, "[::1]:53", Some("10.0.0.2:53")),
            (Protocol::Udp, "[::1]:80", None),
            (Protocol::Tcp, "192.0.2.2:80", None),
            (Protocol::Tcp, "192.0.2.2:443", None),
            (Protocol::Sctp, "[::1]:443", None),
        ];
        for (protocol, destination, target) in cases {
            let found = table().target(protocol, destination.parse().unwrap());
            assert_eq!(found, target.map(|target| target.parse().unwrap()), "{protocol} {destination}");
        }
    }

    #[test]
    fn a_scoped_destination_is_the_address_on_any_link() {
        let scoped = SocketAddr::from(std::net::SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 0, 7));
        assert!(table().target(Protocol::Tcp, scoped).is_some());
    }

    #[test]
    fn only_what_is_there_is_removed() {
        let mut table = table();
        let old = mapping(Protocol::Tcp, "::", (80, 80), "10.0.0.2:8080");
        let new = mapping(Protocol::Tcp, "::", (80, 80), "10.0.0.9:8080");
        assert!(table.insert(&new));
        assert!(!table.insert(&new));
        assert!(!table.remove(&old), "replaced already");
        assert!(table.remove(&new));
        assert!(!table.remove(&new));
        assert_eq!(table.target(Protocol::Tcp, "[2001:db8::2]:80".parse().unwrap()), None);
    }
}
