//! Published ports: what is asked for (a binding) and what came of it (a mapping).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Transport protocols whose ports can be published. Ordered as Docker sorts them: tcp, udp, sctp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP, number 6.
    Tcp,
    /// UDP, number 17.
    Udp,
    /// SCTP, number 132.
    Sctp,
}

impl Protocol {
    /// The number in the IP header.
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

/// Text that names no port, range or protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// Not a number, out of range, or a reversed range.
    #[error("invalid port specification: \"{0}\"")]
    Port(String),
    /// Not tcp, udp or sctp.
    #[error("unknown protocol \"{0}\"")]
    Protocol(String),
}

impl FromStr for Protocol {
    type Err = PortError;
    /// Case does not matter, as in Docker.
    fn from_str(text: &str) -> Result<Self, PortError> {
        match text.to_ascii_lowercase().as_str() {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            "sctp" => Ok(Self::Sctp),
            _ => Err(PortError::Protocol(text.to_owned())),
        }
    }
}

/// A run of ports, both ends included; `start <= end`, neither is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortRange {
    /// First port.
    pub start: u16,
    /// Last port.
    pub end: u16,
}

impl PortRange {
    /// One port.
    pub fn single(port: u16) -> Self {
        Self { start: port, end: port }
    }

    /// How many ports the run has.
    pub fn count(self) -> u32 {
        u32::from(self.end) - u32::from(self.start) + 1
    }

    /// Whether `port` is in the run.
    pub fn contains(self, port: u16) -> bool {
        (self.start..=self.end).contains(&port)
    }

    /// Whether the two runs share a port.
    pub fn overlaps(self, other: Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start == self.end { write!(f, "{}", self.start) } else { write!(f, "{}-{}", self.start, self.end) }
    }
}

impl FromStr for PortRange {
    type Err = PortError;
    /// `80` or `80-90`; 0 and reversed ranges are refused.
    fn from_str(text: &str) -> Result<Self, PortError> {
        let bad = || PortError::Port(text.to_owned());
        let port = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
            digits.then(|| part.parse::<u16>().ok()).flatten().filter(|&p| p != 0).ok_or_else(bad)
        };
        let (start, end) = match text.split_once('-') {
            Some((start, end)) => (port(start)?, port(end)?),
            None => (port(text)?, port(text)?),
        };
        if start <= end { Ok(Self { start, end }) } else { Err(bad()) }
    }
}

/// What a user asks for: make `container` ports reachable at the host.
///
/// When `container` is a run of several ports, `host` must be `None` or a run of the same length, and ports map
/// one to one in order. When `container` is one port and `host` a longer run, any free port of the run is taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortBinding {
    /// Port or run of ports inside the sandbox.
    pub container: PortRange,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Address of the host to listen on; `None` leaves it to the network's default.
    pub host_ip: Option<IpAddr>,
    /// Port or run at the host; `None` means an ephemeral port.
    pub host: Option<PortRange>,
}

/// What is published: a run of host ports, translated one to one to a run of the same length in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortMapping {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Address of the host; unspecified means every address of its family.
    pub host_ip: IpAddr,
    /// Ports at the host.
    pub host: PortRange,
    /// The sandbox's address. Of the other family than `host_ip` only for IPv6 to IPv4, which the forwarder carries.
    pub container_ip: IpAddr,
    /// First port in the sandbox; the run is as long as `host`.
    pub container_start: u16,
}

impl PortMapping {
    /// Ports in the sandbox.
    pub fn container(&self) -> PortRange {
        let length = self.host.end - self.host.start;
        PortRange { start: self.container_start, end: self.container_start.saturating_add(length) }
    }

    /// Whether every host port maps to the same number inside.
    pub fn is_identical(&self) -> bool {
        self.host.start == self.container_start
    }

    /// Whether the kernel cannot translate this mapping (IPv6 outside, IPv4 inside).
    pub fn needs_forwarder(&self) -> bool {
        self.host_ip.is_ipv6() && self.container_ip.is_ipv4()
    }

    /// The inside address for a host port of the run.
    pub fn target(&self, host_port: u16) -> Option<SocketAddr> {
        self.host
            .contains(host_port)
            .then(|| SocketAddr::new(self.container_ip, self.container_start + (host_port - self.host.start)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_written() {
        assert_eq!("80".parse(), Ok(PortRange::single(80)));
        assert_eq!("80-90".parse(), Ok(PortRange { start: 80, end: 90 }));
        for bad in ["", "0", "-", "90-80", "80-", "+80", "65536", "a", "0-5", "8 0"] {
            assert!(bad.parse::<PortRange>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_mapping_translates_ports_in_order() {
        let mapping = PortMapping {
            protocol: Protocol::Tcp,
            host_ip: "0.0.0.0".parse().unwrap(),
            host: PortRange { start: 8000, end: 8010 },
            container_ip: "10.0.0.2".parse().unwrap(),
            container_start: 80,
        };
        assert_eq!(mapping.target(8003), Some("10.0.0.2:83".parse().unwrap()));
        assert_eq!(mapping.target(7999), None);
        assert_eq!(mapping.container(), PortRange { start: 80, end: 90 });
    }
}
