//! What is asked of whoever opens the sockets.
//!
//! Owns: the words for it. Must never know how ports are chosen.

use pontoon_types::{PortMapping, PortRange, Protocol};
use std::net::IpAddr;

/// A run of host ports on one address, to be held against every other program on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reservation {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Address of the host; unspecified means every address of its family (IPv6 without IPv4).
    pub host_ip: IpAddr,
    /// The ports.
    pub ports: PortRange,
}

impl Reservation {
    /// What a mapping holds at the host.
    pub fn of(mapping: &PortMapping) -> Self {
        Self { protocol: mapping.protocol, host_ip: mapping.host_ip, ports: mapping.host }
    }

    /// Whether the two cannot be held at the same time: same protocol, a port in common, and the same address or the
    /// unspecified one of its family.
    pub fn conflicts(&self, other: &Self) -> bool {
        let same_family = self.host_ip.is_ipv4() == other.host_ip.is_ipv4();
        let either_unspecified = self.host_ip.is_unspecified() || other.host_ip.is_unspecified();
        self.protocol == other.protocol
            && self.ports.overlaps(other.ports)
            && (self.host_ip == other.host_ip || (same_family && either_unspecified))
    }
}

/// Opens sockets on host ports.
pub trait Binder {
    /// What keeps the ports: dropping it gives them back.
    type Held;

    /// Takes all of `wanted` or nothing.
    fn bind(&self, wanted: &[Reservation]) -> Result<Self::Held, BindError>;
}

/// A port that could not be had.
#[derive(Debug)]
pub struct BindError {
    /// Which of the wanted reservations.
    pub which: usize,
    /// Which of its ports.
    pub port: u16,
    /// Why.
    pub fault: BindFault,
}

/// Why a port could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BindFault {
    /// Another program has it (`EADDRINUSE` from bind).
    #[error("address already in use")]
    InUse,
    /// Another program listens there (`EADDRINUSE` from listen).
    #[error("address already in use")]
    ListenInUse,
    /// The host does not have the address (`EADDRNOTAVAIL`).
    #[error("cannot assign requested address")]
    NotLocal,
    /// Not permitted, e.g. a port below 1024 without the capability (`EACCES`).
    #[error("permission denied")]
    Denied,
    /// Anything else.
    #[error(transparent)]
    Other(std::io::Error),
}

impl BindFault {
    /// Whether another port may do better.
    pub(crate) fn is_about_the_port(&self) -> bool {
        matches!(self, Self::InUse | Self::ListenInUse | Self::Denied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reservation(protocol: Protocol, host_ip: &str, ports: &str) -> Reservation {
        Reservation { protocol, host_ip: host_ip.parse().unwrap(), ports: ports.parse().unwrap() }
    }

    #[test]
    fn a_specific_address_conflicts_with_the_unspecified_one_of_its_family() {
        let all = reservation(Protocol::Tcp, "0.0.0.0", "80-90");
        for (protocol, host_ip, ports, conflicts) in [
            (Protocol::Tcp, "0.0.0.0", "90", true),
            (Protocol::Tcp, "127.0.0.1", "80", true),
            (Protocol::Tcp, "::", "80", false),
            (Protocol::Udp, "0.0.0.0", "80", false),
            (Protocol::Tcp, "127.0.0.1", "91-99", false),
        ] {
            let other = reservation(protocol, host_ip, ports);
            assert_eq!(all.conflicts(&other), conflicts, "{other:?}");
            assert_eq!(other.conflicts(&all), conflicts, "{other:?}");
        }
        let one = reservation(Protocol::Tcp, "127.0.0.1", "80");
        assert!(!one.conflicts(&reservation(Protocol::Tcp, "127.0.0.2", "80")));
    }
}
