//! Sockets opened inside a namespace and used from anywhere, and port reservations at the host.

use crate::{Netns, Result};
use pontoon_types::{PortRange, Protocol};
use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// Host ports to be kept from everybody else, for one protocol and address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reservation {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Address; unspecified for all of its family. IPv6 never covers IPv4.
    pub address: IpAddr,
    /// Ports.
    pub ports: PortRange,
}

/// Ports held for us; dropping the value gives them back.
pub trait ReservedPorts: Send + Sync + Debug {
    /// What is held.
    fn reservation(&self) -> &Reservation;
}

/// Sockets.
pub trait Sockets {
    /// A UDP socket bound in `ns`, non-blocking.
    fn udp(&self, ns: &Netns, address: SocketAddr) -> Result<UdpSocket>;

    /// A TCP listener in `ns`, non-blocking, `SO_REUSEADDR`, IPv6 ones v6-only.
    fn tcp_listener(&self, ns: &Netns, address: SocketAddr) -> Result<TcpListener>;

    /// A TCP connection from `ns`, non-blocking afterwards. Blocks at most for `timeout`.
    fn tcp_connect(&self, ns: &Netns, address: SocketAddr, timeout: Duration) -> Result<TcpStream>;

    /// The destination a redirected TCP connection had first (`SO_ORIGINAL_DST`).
    fn tcp_original_destination(&self, stream: &TcpStream) -> Result<SocketAddr>;

    /// Takes ports of the host so that no other program can, and nothing is ever accepted on them.
    ///
    /// `Busy` when one of them is taken, with `address:port/proto` of the first such port in the error's `act`
    /// exactly as `failed to bind host port 0.0.0.0:80/tcp` and `address already in use` as its cause;
    /// `NotAvailable` when the address is not the host's. All or nothing.
    fn reserve(&self, reservation: &Reservation) -> Result<Box<dyn ReservedPorts>> {
        let mut held = self.reserve_all(std::slice::from_ref(reservation))?;
        held.pop().ok_or_else(|| crate::Error::new(crate::Kind::Other, "reserve host ports", "nothing was reserved"))
    }

    /// [`Sockets::reserve`] for several at once: all or none. The first that fails, in their order, gives the error.
    fn reserve_all(&self, reservations: &[Reservation]) -> Result<Vec<Box<dyn ReservedPorts>>>;
}
