//! Port maps: `{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}`, and our ranges `"20000-29999/tcp"`.
//!
//! Owns: the JSON shape and its way to bindings and back. Must never decide what is published.

use super::{EmptyObject, SpecError};
use pontoon_ports::{PortKey, parse_host_port};
use pontoon_types::{Address, Ordered, PortBinding, PortMapping, PortRange, Protocol};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// Port key to host bindings. Null or empty means one binding with nothing chosen.
pub type PortMap = Ordered<Option<Vec<HostBinding>>>;

/// Port keys, `{"80/tcp":{}}`.
pub type PortSet = Ordered<EmptyObject>;

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
    fn parse(text: &str) -> Result<Self, SpecError> {
        let (ports, protocol) = text.split_once('/').unwrap_or((text, ""));
        let Some((start, end)) = ports.split_once('-') else {
            let (port, protocol) = text.parse::<PortKey>()?.publishable()?;
            return Ok(Self(PortRange::single(port), protocol));
        };
        // Both ends through the same reader, so that what is wrong with them is told in the same words.
        let end_of = |port: &str| format!("{port}/{protocol}").parse::<PortKey>()?.publishable();
        let ((start, protocol), (end, _)) = (end_of(start)?, end_of(end)?);
        if start > end {
            return Err(SpecError::Port { text: format!("invalid port specification: \"{text}\""), hint: None });
        }
        Ok(Self(PortRange { start, end }, protocol))
    }
}

/// The bindings a map asks for, in its order. An IPv4-mapped address is IPv4; a zone is refused.
pub fn bindings_from_map(map: &PortMap) -> Result<Vec<PortBinding>, SpecError> {
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
