//! Port texts of Docker's API.
//!
//! Owns: reading port keys, `HostPort` and `HostIp`, with Docker's complaints. Must never decide what is published.

use crate::Error;
use pontoon_types::{PortBinding, PortRange, Protocol};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A port key as in `ExposedPorts` and `PortBindings`: `80`, `80/tcp`, `80/UDP`.
///
/// Any protocol is accepted here, as Docker does for exposed ports; publishing takes tcp, udp and sctp only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortKey {
    /// The port; 0 can be exposed, but not published.
    pub port: u16,
    /// The protocol in lower case; `tcp` when none was given.
    pub protocol: String,
}

impl PortKey {
    /// What of it can be published. Fails for port 0 and other protocols.
    pub fn publishable(&self) -> Result<(u16, Protocol), Error> {
        let protocol = self.protocol.parse().map_err(|_| Error::Protocol(self.protocol.clone()))?;
        if self.port == 0 { Err(Error::Specification(self.to_string())) } else { Ok((self.port, protocol)) }
    }
}

impl fmt::Display for PortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.port, self.protocol)
    }
}

impl FromStr for PortKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::EmptyKey);
        }
        let (port, protocol) = text.split_once('/').unwrap_or((text, ""));
        let problem = |problem| Error::Key { port: port.to_owned(), problem };
        if port.is_empty() {
            return Err(problem("value is empty"));
        }
        if !port.bytes().all(|c| c.is_ascii_digit()) {
            return Err(problem("invalid syntax"));
        }
        let number = port.parse().map_err(|_| problem("value out of range"))?;
        let protocol = if protocol.is_empty() { "tcp".to_owned() } else { protocol.to_lowercase() };
        Ok(Self { port: number, protocol })
    }
}

/// Reads `HostPort`: `8080`, `8080-8090`; `None` for empty and `0`, which mean an ephemeral port. A protocol after a
/// slash is ignored, as in Docker.
pub fn parse_host_port(text: &str) -> Result<Option<PortRange>, Error> {
    let (ports, _) = text.split_once('/').unwrap_or((text, ""));
    if ports.is_empty() && text.is_empty() || ports == "0" || ports == "0-0" {
        return Ok(None);
    }
    ports.parse().map(Some).map_err(|_| Error::Specification(text.to_owned()))
}

/// Reads `HostIp`: IPv4, or IPv6 without brackets; `None` for empty. IPv4-mapped IPv6 is IPv4.
pub fn parse_host_ip(text: &str) -> Result<Option<IpAddr>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let address = text.parse::<IpAddr>().map_err(|_| Error::HostIp(text.to_owned()))?;
    Ok(Some(address.to_canonical()))
}

/// Reads one entry of `PortBindings`: its key, `HostIp` and `HostPort`.
pub fn parse_binding(key: &str, host_ip: &str, host_port: &str) -> Result<PortBinding, Error> {
    let (port, protocol) = key.parse::<PortKey>()?.publishable()?;
    Ok(PortBinding {
        container: PortRange::single(port),
        protocol,
        host_ip: parse_host_ip(host_ip)?,
        host: parse_host_port(host_port)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn port_keys_are_read_as_docker_reads_them() {
        for (text, expected) in [
            ("80", "80/tcp"),
            ("80/", "80/tcp"),
            ("80/UDP", "80/udp"),
            ("080/tcp", "80/tcp"),
            ("65535/sctp", "65535/sctp"),
            ("0/tcp", "0/tcp"),
            ("80/quic", "80/quic"),
        ] {
            assert_eq!(text.parse::<PortKey>().unwrap().to_string(), expected);
        }
        for (text, problem) in [
            ("", "invalid port: value is empty"),
            ("/tcp", "invalid port '': value is empty"),
            ("65536/tcp", "invalid port '65536': value out of range"),
            ("99999999999999999999", "invalid port '99999999999999999999': value out of range"),
            ("80-90/tcp", "invalid port '80-90': invalid syntax"),
            ("+80", "invalid port '+80': invalid syntax"),
            ("http", "invalid port 'http': invalid syntax"),
        ] {
            assert_eq!(text.parse::<PortKey>().unwrap_err().to_string(), problem);
        }
    }

    #[test]
    fn only_real_ports_of_known_protocols_can_be_published() {
        let fail = |key| parse_binding(key, "", "").unwrap_err().to_string();
        assert_eq!(fail("0/tcp"), "invalid port specification: \"0/tcp\"");
        assert_eq!(fail("0"), "invalid port specification: \"0/tcp\"");
        assert_eq!(fail("80/quic"), "unknown protocol");
    }

    #[test]
    fn host_ports_are_read_as_docker_reads_them() {
        for (text, expected) in [
            ("", None),
            ("0", None),
            ("0/tcp", None),
            ("0-0", None),
            ("8080", Some("8080")),
            ("8080/udp", Some("8080")),
            ("8080-8090", Some("8080-8090")),
            ("8080-8090/tcp", Some("8080-8090")),
        ] {
            assert_eq!(parse_host_port(text).unwrap(), expected.map(|range| range.parse().unwrap()), "{text}");
        }
        for bad in ["8090-8080", "a", "-1", "0-10", "65536", "80-", "/tcp", " 80", "80-90-100"] {
            let error = parse_host_port(bad).unwrap_err();
            assert_eq!(error.to_string(), format!("invalid port specification: \"{bad}\""));
        }
    }

    #[test]
    fn host_addresses_are_read_as_docker_reads_them() {
        for (text, expected) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::ffff:192.0.2.1", "192.0.2.1")] {
            assert_eq!(parse_host_ip(text).unwrap().unwrap().to_string(), expected);
        }
        assert_eq!(parse_host_ip("").unwrap(), None);
        for bad in ["[::1]", "localhost", "1.2.3", "01.2.3.4", "fe80::1%eth0"] {
            let error = parse_host_ip(bad).unwrap_err();
            assert_eq!(error.to_string(), format!("ParseAddr(\"{bad}\"): unable to parse IP"));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(key in ".*", ip in ".*", port in ".*") {
            let _ = parse_binding(&key, &ip, &port);
            let _ = parse_host_ip(&ip);
            let _ = parse_host_port(&port);
        }
    }
}
