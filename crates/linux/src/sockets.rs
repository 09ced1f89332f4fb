//! Sockets opened inside a namespace.
//!
//! A socket belongs for good to the namespace it was opened in: only the opening happens there.

use crate::errno::failed;
use crate::host::Linux;
use crate::reserve;
use pontoon_kernel::{Error, Kind, Netns, Reservation, ReservedPorts, Result, Sockets};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// Connections that wait for `accept`; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

impl Sockets for Linux {
    fn udp(&self, ns: &Netns, address: SocketAddr) -> Result<UdpSocket> {
        let open = || -> io::Result<UdpSocket> {
            let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
            socket.bind(&address.into())?;
            socket.set_nonblocking(true)?;
            Ok(socket.into())
        };
        self.within(ns, open)?.map_err(|error| failed(format!("bind {address}/udp"), &error))
    }

    fn tcp_listener(&self, ns: &Netns, address: SocketAddr) -> Result<TcpListener> {
        let open = || -> io::Result<TcpListener> {
            let socket = socket(address, Type::STREAM, Protocol::TCP)?;
            socket.set_reuse_address(true)?;
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            socket.set_nonblocking(true)?;
            Ok(socket.into())
        };
        self.within(ns, open)?.map_err(|error| failed(format!("listen on {address}/tcp"), &error))
    }

    fn tcp_connect(&self, ns: &Netns, address: SocketAddr, timeout: Duration) -> Result<TcpStream> {
        let act = || format!("connect to {address}/tcp");
        let domain = Domain::for_address(address);
        let opened = self.within(ns, || Socket::new(domain, Type::STREAM, Some(Protocol::TCP)))?;
        // Waiting for the other side happens outside the namespace.
        let connect = |socket: Socket| {
            socket.connect_timeout(&address.into(), timeout)?;
            socket.set_nonblocking(true)?;
            Ok(socket.into())
        };
        opened.and_then(connect).map_err(|error| failed(act(), &error))
    }

    fn tcp_original_destination(&self, stream: &TcpStream) -> Result<SocketAddr> {
        let act = "look up the original destination";
        let socket = socket2::SockRef::from(stream);
        let v6 = stream.local_addr().map_err(|error| failed(act, &error))?.is_ipv6();
        let original = if v6 { socket.original_dst_v6() } else { socket.original_dst_v4() };
        let address = original.map_err(|error| failed(act, &error))?;
        address.as_socket().ok_or_else(|| Error::new(Kind::Other, act, "the kernel answered with no address"))
    }

    fn reserve_all(&self, reservations: &[Reservation]) -> Result<Vec<Box<dyn ReservedPorts>>> {
        reserve::reserve_all(self, reservations)
    }
}

/// A socket of the address's family; an IPv6 one never takes IPv4 along.
fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}
