//! What can go wrong with host ports, in Docker's words.
//!
//! Owns: every text of this crate that a client may see, its kind and its remedy. Must never carry HTTP statuses.

use crate::BindFault;
use pontoon_types::{ErrorKind, Kind, PortRange, Protocol};
use std::net::{IpAddr, SocketAddr};

/// A request for host ports that was refused, or could not be met.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port, or a run of ports, that is none.
    #[error("invalid port specification: \"{0}\"")]
    Specification(String),
    /// The port of a key such as `80/tcp` is no number from 0 to 65535.
    #[error("invalid port '{port}': {problem}")]
    Key {
        /// The text before the slash.
        port: String,
        /// In Go's words.
        problem: &'static str,
    },
    /// The key is empty.
    #[error("invalid port: value is empty")]
    EmptyKey,
    /// Not tcp, udp or sctp.
    #[error("unknown protocol")]
    Protocol(String),
    /// Text that is no address; the wording is Go's.
    #[error("ParseAddr(\"{0}\"): unable to parse IP")]
    HostIp(String),
    /// Several ports inside, and a different number at the host.
    #[error("invalid ranges specified for container and host ports: {container} and {host}")]
    Lengths {
        /// Ports in the sandbox.
        container: PortRange,
        /// Ports at the host.
        host: PortRange,
    },
    /// The kernel's list of reserved ports has another form than expected.
    #[error("malformed list of reserved ports {0:?}")]
    ReservedPorts(String),
    /// The kernel's range of ephemeral ports has another form than expected.
    #[error("malformed range of ephemeral ports {0:?}")]
    EphemeralRange(String),
    /// Somebody here has the port.
    #[error("Bind for {host_ip}:{port} failed: port is already allocated")]
    Allocated {
        /// The address on which it is held.
        host_ip: IpAddr,
        /// The port.
        port: u16,
        /// Transport protocol.
        protocol: Protocol,
        /// Who has it.
        holder: String,
    },
    /// No port of the range is free.
    #[error("all ports are allocated")]
    AllAllocated {
        /// The range.
        range: PortRange,
        /// Transport protocol.
        protocol: Protocol,
    },
    /// The host does not let us have the port.
    #[error("failed to bind host port {address}/{protocol}")]
    Bind {
        /// Address and port.
        address: SocketAddr,
        /// Transport protocol.
        protocol: Protocol,
        /// Why.
        #[source]
        fault: BindFault,
    },
    /// The host does not let us listen on the port.
    #[error("failed to listen on {protocol} socket")]
    Listen {
        /// Address and port.
        address: SocketAddr,
        /// Transport protocol.
        protocol: Protocol,
        /// Why.
        #[source]
        fault: BindFault,
    },
}

impl Error {
    /// The error for a port of `host_ip` that the host refused.
    pub(crate) fn refused(host_ip: IpAddr, port: u16, protocol: Protocol, fault: BindFault) -> Self {
        let address = SocketAddr::new(host_ip, port);
        match fault {
            BindFault::ListenInUse => Self::Listen { address, protocol, fault },
            fault => Self::Bind { address, protocol, fault },
        }
    }
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Allocated { .. } | Self::AllAllocated { .. } | Self::Listen { .. } => ErrorKind::Conflict,
            Self::Bind { fault, .. } => match fault {
                BindFault::InUse | BindFault::ListenInUse => ErrorKind::Conflict,
                BindFault::NotLocal => ErrorKind::Invalid,
                BindFault::Denied => ErrorKind::Forbidden,
                BindFault::Other(_) => ErrorKind::System,
            },
            Self::ReservedPorts(_) | Self::EphemeralRange(_) => ErrorKind::System,
            _ => ErrorKind::Invalid,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Allocated { port, protocol, holder, .. } => Some(format!("{port}/{protocol} is held by {holder}")),
            Self::AllAllocated { range, protocol } => Some(format!(
                "every {protocol} port of {range} is published already; free some or choose another range"
            )),
            Self::Protocol(name) => Some(format!("{name:?} is none of tcp, udp, sctp")),
            Self::Listen { address, .. } | Self::Bind { address, fault: BindFault::InUse, .. } => Some(format!(
                "another program on this host uses it; `ss -lnp 'sport = :{}'` shows which",
                address.port()
            )),
            Self::Bind { address, fault: BindFault::NotLocal, .. } => {
                Some(format!("{} is not an address of this host", address.ip()))
            }
            _ => None,
        }
    }
}
