//! Datagrams with the address they were sent to, which is the address that answers must come from.
//!
//! The rule set's redirect has changed that address already, and connection tracking changes answers back: so what
//! matters here is the address after the redirect, which `IPV6_PKTINFO` tells (RFC 3542).

use nix::libc::{in6_addr, in6_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, sendmsg, setsockopt, sockopt,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::AsRawFd;
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// The largest payload of a datagram: 65,527 bytes over IPv6 (65,507 over IPv4).
pub(crate) const LARGEST: usize = 65_527;

/// Between whom datagrams travel: a client and the local address it reaches us at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Path {
    /// The client.
    pub client: SocketAddrV6,
    /// Our address.
    pub local: Ipv6Addr,
    /// The link, where addresses mean nothing without one; else 0.
    pub link: u32,
}

/// Makes the socket tell the addresses that datagrams were sent to.
pub(crate) fn prepare(socket: &std::net::UdpSocket) -> io::Result<()> {
    setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?;
    socket.set_nonblocking(true)
}

/// The next datagram: its length and whence it came. `WouldBlock` when there is none.
pub(crate) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, Option<Path>)> {
    socket.try_io(Interest::READABLE, || {
        let mut space = nix::cmsg_space!(in6_pktinfo);
        let mut slices = [IoSliceMut::new(buffer)];
        let message = recvmsg::<SockaddrIn6>(socket.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::empty())?;
        let info = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::Ipv6PacketInfo(info) => Some(info),
            _ => None,
        });
        let path = message.address.zip(info).map(|(client, info)| path(client.into(), &info));
        Ok((message.bytes, path))
    })
}

fn path(client: SocketAddrV6, info: &in6_pktinfo) -> Path {
    let local = Ipv6Addr::from(info.ipi6_addr.s6_addr);
    let scoped = client.ip().is_unicast_link_local() || local.is_unicast_link_local();
    Path { client, local, link: if scoped { info.ipi6_ifindex } else { 0 } }
}

/// Sends `bytes` to the client of `path` from our address in it.
pub(crate) fn answer(socket: &UdpSocket, bytes: &[u8], path: &Path) -> io::Result<()> {
    let info = in6_pktinfo { ipi6_addr: in6_addr { s6_addr: path.local.octets() }, ipi6_ifindex: path.link as _ };
    socket.try_io(Interest::WRITABLE, || {
        let to = SockaddrIn6::from(path.client);
        let control = [ControlMessage::Ipv6PacketInfo(&info)];
        sendmsg(socket.as_raw_fd(), &[IoSlice::new(bytes)], &control, MsgFlags::empty(), Some(&to))?;
        Ok(())
    })
}
