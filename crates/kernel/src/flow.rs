//! Tracked connections.

use pontoon_types::Protocol;
use std::net::{IpAddr, SocketAddr};

/// Which tracked connections to forget.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FlowFilter {
    /// Those with this address anywhere: source or destination, original or reply direction.
    Address(IpAddr),
    /// Those to this port at the host (original destination); any host address when `address` is unspecified.
    HostPort {
        /// Transport protocol.
        protocol: Protocol,
        /// Address of the host, or unspecified; its family is the flows' family.
        address: IpAddr,
        /// First and last port.
        ports: pontoon_types::PortRange,
    },
}

/// One direction of a tracked connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Where packets of this direction come from.
    pub source: SocketAddr,
    /// Where they go.
    pub destination: SocketAddr,
}
