//! Filters of the list of containers that are about networking (containers-networking.md section 4). Pure.

use super::{Container, Error};
use pontoon_types::PortRange;

/// `publish` or `expose`: `port[-end][/protocol]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortFilter {
    ports: PortRange,
    protocol: String,
}

impl PortFilter {
    /// Reads the value of the filter called `key`.
    pub fn parse(key: &'static str, value: &str) -> Result<Self, Error> {
        if value.contains(':') {
            return Err(Error::PortFilter { key, value: value.to_owned() });
        }
        let (ports, protocol) = value.split_once('/').unwrap_or((value, ""));
        let protocol = if protocol.is_empty() { "tcp" } else { protocol };
        let ports = ports.parse().map_err(|_| Error::PortFilterNumber { key, value: value.to_owned() })?;
        Ok(Self { ports, protocol: protocol.to_lowercase() })
    }

    /// Whether the container asks for such a port to be published.
    pub fn is_published(&self, container: &Container<'_>) -> bool {
        container.host.port_bindings.iter().flat_map(|map| map.iter()).any(|(key, _)| self.meets(key))
    }

    /// Whether the container exposes such a port.
    pub fn is_exposed(&self, container: &Container<'_>) -> bool {
        container.config.exposed_ports.iter().flat_map(|set| set.iter()).any(|(key, _)| self.meets(key))
    }

    fn meets(&self, key: &str) -> bool {
        let (ports, protocol) = key.split_once('/').unwrap_or((key, "tcp"));
        protocol == self.protocol && ports.parse::<PortRange>().is_ok_and(|ports| ports.overlaps(self.ports))
    }
}

/// Whether the container is, or is to be, in a network that `value` names: by its name, or the beginning of its id.
pub fn is_in_network(container: &Container<'_>, value: &str) -> bool {
    let of = |(name, endpoint): (&String, &super::Endpoint)| {
        name == value || !value.is_empty() && endpoint.settings.network_id.starts_with(value)
    };
    container.endpoints.iter().any(of)
}
