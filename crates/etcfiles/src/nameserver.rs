//! Name servers.
//!
//! Owns: addresses with the zone that link-local ones need. Must never be asked anything over the network.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The address of a name server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nameserver {
    /// The address.
    pub address: IpAddr,
    /// The link of an IPv6 link-local address (`fe80::1%eth0`).
    pub zone: Option<String>,
}

impl From<IpAddr> for Nameserver {
    fn from(address: IpAddr) -> Self {
        Self { address, zone: None }
    }
}

impl FromStr for Nameserver {
    type Err = ();

    /// As Go's `netip.ParseAddr`: IPv4, or IPv6 with an optional zone.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
        let address: IpAddr = address.parse().map_err(|_| ())?;
        match zone {
            Some(zone) if zone.is_empty() || address.is_ipv4() => Err(()),
            zone => Ok(Self { address, zone: zone.map(str::to_owned) }),
        }
    }
}

impl fmt::Display for Nameserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        self.zone.as_ref().map_or(Ok(()), |zone| write!(f, "%{zone}"))
    }
}

/// A name server that the sandbox's own resolver asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalServer {
    /// Its address.
    pub server: Nameserver,
    /// It is the host's and is asked from the host's namespace; else the user named it, and it is asked from the
    /// sandbox's own.
    pub from_host: bool,
}

impl fmt::Display for ExternalServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from_host { write!(f, "host({})", self.server) } else { write!(f, "{}", self.server) }
    }
}
