//! Port maps: `{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}`, and our ranges `"20000-29999/tcp"`.
//!
//! Owns: the JSON shape and its way to bindings and back. Must never decide what is published.

use crate::{Address, Ordered, ShapeError};
use pontoon_ports::{PortKey, parse_host_port};
use pontoon_types::{PortBinding, PortMapping, PortRange, Protocol};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// Port key to host bindings. Null or empty means one binding with nothing chosen.
pub type PortMap = Ordered<Option<Vec<HostBinding>>>;

/// One end of a published port at the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "network.PortBinding", rename_all = "PascalCase", default)]
pub struct HostBinding {
    /// Address of the host; unset leaves it to the network.
    pub host_ip: Address,
    /// Port, or range; empty or `0` means an ephemeral port.
    pub host_port: String,
}

/// Ports of a sandbox with their protocol, written `80/tcp` or `80-90/tcp`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(PortRange, Protocol);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

impl Key {
    /// One port is read as Docker does; a range is ours alone.
    fn parse(text: &str) -> Result<Self, ShapeError> {
        let (ports, protocol) = text.split_once('/').unwrap_or((text, ""));
        let Some((start, end)) = ports.split_once('-') else {
            let (port, protocol) = text.parse::<PortKey>()?.publishable()?;
            return Ok(Self(PortRange::single(port), protocol));
        };
        // Both ends through the same reader, so that what is wrong with them is told in the same words.
        let end_of = |port: &str| format!("{port}/{protocol}").parse::<PortKey>()?.publishable();
        let ((start, protocol), (end, _)) = (end_of(start)?, end_of(end)?);
        if start > end {
            return Err(ShapeError::Port { text: format!("invalid port specification: \"{text}\""), hint: None });
        }
        Ok(Self(PortRange { start, end }, protocol))
    }
}

/// The bindings a map asks for, in its order. An IPv4-mapped address is IPv4; a zone is refused.
pub fn bindings_from_map(map: &PortMap) -> Result<Vec<PortBinding>, ShapeError> {
    let mut bindings = Vec::new();
    for (text, hosts) in map.iter() {
        let Key(container, protocol) = Key::parse(text)?;
        let any = [HostBinding::default()];
        let hosts = hosts.as_deref().filter(|hosts| !hosts.is_empty()).unwrap_or(&any);
        for host in hosts {
            let host_ip = host.host_ip.get()?.map(|ip| ip.to_canonical());
            bindings.push(PortBinding { container, protocol, host_ip, host: parse_host_port(&host.host_port)? });
        }
    }
    Ok(bindings)
}

/// The map that asks for `bindings`.
pub fn map_from_bindings(bindings: &[PortBinding]) -> PortMap {
    gathered(bindings.iter().map(|binding| {
        let port = binding.host.map(|range| range.to_string()).unwrap_or_default();
        (Key(binding.container, binding.protocol), binding.host_ip, port)
    }))
}

/// What is published, in ascending order: the `Ports` of an inspected sandbox.
pub fn map_from_mappings(mappings: &[PortMapping]) -> PortMap {
    let mut mappings: Vec<&PortMapping> = mappings.iter().collect();
    mappings.sort_by_key(|m| (m.container_start, m.protocol, m.host.start, m.host_ip));
    gathered(
        mappings.into_iter().map(|mapping| {
            (Key(mapping.container(), mapping.protocol), Some(mapping.host_ip), mapping.host.to_string())
        }),
    )
}

fn gathered(ends: impl Iterator<Item = (Key, Option<IpAddr>, String)>) -> PortMap {
    let mut map: Vec<(String, Option<Vec<HostBinding>>)> = Vec::new();
    let mut places: BTreeMap<Key, usize> = BTreeMap::new();
    for (key, ip, host_port) in ends {
        let place = *places.entry(key).or_insert_with(|| {
            map.push((key.to_string(), Some(Vec::new())));
            map.len() - 1
        });
        map[place].1.get_or_insert_default().push(HostBinding { host_ip: ip.into(), host_port });
    }
    Ordered(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> PortMap {
        crate::decode(text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> String {
        bindings_from_map(&map(text)).unwrap_err().to_string()
    }

    #[test]
    fn a_map_survives_the_way_to_bindings_and_back() {
        let text = r#"{"443/tcp":[{"HostIp":"127.0.0.1","HostPort":"4443"}],"80/tcp":[{"HostIp":"","HostPort":"8000-8010"},{"HostIp":"::1","HostPort":""}],"20000-29999/udp":[{"HostIp":"","HostPort":"20000-29999"}]}"#;
        let bindings = bindings_from_map(&map(text)).unwrap();
        assert_eq!(bindings.len(), 4);
        assert_eq!(serde_json::to_string(&map_from_bindings(&bindings)).unwrap(), text);
    }

    #[test]
    fn null_and_the_empty_list_ask_for_one_ephemeral_port() {
        for text in [r#"{"80":null}"#, r#"{"80/tcp":[]}"#, r#"{"80/TCP":[{}]}"#, r#"{"80":[null]}"#] {
            let wanted =
                PortBinding { container: PortRange::single(80), protocol: Protocol::Tcp, host_ip: None, host: None };
            assert_eq!(bindings_from_map(&map(text)).unwrap(), [wanted], "{text}");
        }
    }

    #[test]
    fn what_is_no_port_is_told_in_dockers_words() {
        for (text, error) in [
            (r#"{"0/tcp":[]}"#, "invalid port specification: \"0/tcp\""),
            (r#"{"x/tcp":[]}"#, "invalid port 'x': invalid syntax"),
            (r#"{"70000":[]}"#, "invalid port '70000': value out of range"),
            (r#"{"80/tcp":[{"HostPort":"90-80"}]}"#, "invalid port specification: \"90-80\""),
            (r#"{"90-80/tcp":[]}"#, "invalid port specification: \"90-80/tcp\""),
            (r#"{"80-x/tcp":[]}"#, "invalid port 'x': invalid syntax"),
            (r#"{"80-/tcp":[]}"#, "invalid port '': value is empty"),
            (r#"{"80/icmp":[]}"#, "unknown protocol"),
        ] {
            assert_eq!(refused(text), error, "{text}");
        }
        let bad = crate::decode::<PortMap>(br#"{"80":[{"HostIp":"[::1]"}]}"#).unwrap_err().to_string();
        assert!(bad.starts_with("invalid JSON: ParseAddr(\"[::1]\"): "), "{bad}");
    }

    #[test]
    fn a_mapped_address_is_ipv4() {
        let bindings = bindings_from_map(&map(r#"{"80":[{"HostIp":"::ffff:127.0.0.1"}]}"#)).unwrap();
        assert_eq!(bindings[0].host_ip, Some("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn published_ports_are_shown_by_port_with_every_host_end() {
        let mapping = |ip: &str, host: u16| PortMapping {
            protocol: Protocol::Tcp,
            host_ip: ip.parse().unwrap(),
            host: PortRange { start: host, end: host + 1 },
            container_ip: "10.0.0.2".parse().unwrap(),
            container_start: 80,
        };
        let map = map_from_mappings(&[mapping("::", 8080), mapping("0.0.0.0", 8080)]);
        assert_eq!(
            serde_json::to_string(&map).unwrap(),
            r#"{"80-81/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080-8081"},{"HostIp":"::","HostPort":"8080-8081"}]}"#
        );
    }
}
