//! Where bindings lead, and what the host allows.
//!
//! Owns: the facts that decide which mappings a binding becomes. Must never find them out: the caller does.

use crate::{Error, PortSet};
use pontoon_types::PortRange;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The ports from which ephemeral ones are chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EphemeralPorts {
    /// The range (`net.ipv4.ip_local_port_range`, read once at daemon start).
    pub range: PortRange,
    /// Ports in it that are left alone (`net.ipv4.ip_local_reserved_ports`).
    pub reserved: PortSet,
}

impl Default for EphemeralPorts {
    /// Docker's fallback where the kernel does not tell: 49153 to 65535.
    fn default() -> Self {
        Self { range: PortRange { start: 49_153, end: 65_535 }, reserved: PortSet::default() }
    }
}

impl EphemeralPorts {
    /// From the two sysctls as the kernel prints them, e.g. `32768\t60999` and `8080,9000-9100`.
    pub fn parse(range: &str, reserved: &str) -> Result<Self, Error> {
        let bad = || Error::EphemeralRange(range.to_owned());
        let ends = range.split_ascii_whitespace().map(str::parse).collect::<Result<Vec<u16>, _>>();
        match ends.map_err(|_| bad())?.as_slice() {
            &[start, end] if 0 < start && start <= end => {
                Ok(Self { range: PortRange { start, end }, reserved: reserved.parse()? })
            }
            _ => Err(bad()),
        }
    }
}

/// What an endpoint and its host are, for the sake of publishing.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// IPv4 address inside.
    pub container_v4: Option<Ipv4Addr>,
    /// IPv6 address inside.
    pub container_v6: Option<Ipv6Addr>,
    /// Where to listen when a binding names no address; `None` and `0.0.0.0` mean every address of both families.
    pub default_host_ip: Option<IpAddr>,
    /// Whether the host can listen on `[::1]`.
    pub host_has_v6: bool,
    /// The endpoint is its sandbox's IPv4 gateway.
    pub is_v4_gateway: bool,
    /// The endpoint is its sandbox's IPv6 gateway, or its IPv4 gateway while no endpoint is the IPv6 gateway.
    pub is_v6_gateway: bool,
    /// IPv6 at the host may lead to IPv4 inside, through the forwarder.
    pub forwarder: bool,
    /// Ephemeral ports of the host.
    pub ephemeral: &'a EphemeralPorts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_range_is_read() {
        let ports = EphemeralPorts::parse("32768\t60999\n", "8080").unwrap();
        assert_eq!(ports.range, PortRange { start: 32_768, end: 60_999 });
        assert!(ports.reserved.contains(8080));
        for bad in ["", "32768", "0 100", "9 8", "1 2 3", "1 70000", "a b"] {
            assert!(matches!(EphemeralPorts::parse(bad, ""), Err(Error::EphemeralRange(_))), "{bad}");
        }
        assert!(matches!(EphemeralPorts::parse("1 9", "x"), Err(Error::ReservedPorts(_))));
    }
}
