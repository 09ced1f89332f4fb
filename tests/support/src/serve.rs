//! Servers that tell who they see.
//!
//! TCP: one line `NAME sees ADDRESS`, then every byte comes back. UDP: that line for each datagram, from the address it
//! was sent to. They end with the test.

use crate::ask::Transport::{self, Tcp, Udp};
use crate::place::Place;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, SockaddrStorage, recvmsg, sendmsg,
    setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;

/// What the server `name` tells the client it sees as `client`.
pub fn answer(name: &str, client: IpAddr) -> String {
    format!("{name} sees {client}")
}

/// Serves on both transports and families of `ports`, under the place's name.
pub fn serve_all(place: &Place, ports: &[u16]) {
    for port in ports {
        for transport in [Tcp, Udp] {
            serve(place, transport, &format!("0.0.0.0:{port}"));
            serve(place, transport, &format!("[::]:{port}"));
        }
    }
}

/// Serves at one address, under the place's name.
#[track_caller]
pub fn serve(place: &Place, transport: Transport, address: &str) {
    let wanted: SocketAddr = address.parse().unwrap();
    let bound = place.run(|| bound(transport, wanted));
    let socket = bound.unwrap_or_else(|error| panic!("{transport:?} {address} in {}: {error}", place.name()));
    let name = place.name().to_owned();
    match transport {
        Tcp => {
            socket.listen(64).unwrap();
            std::thread::spawn(move || serve_tcp(&socket, &name));
        }
        Udp => {
            std::thread::spawn(move || serve_udp(&socket.into(), &name));
        }
    }
}

fn bound(transport: Transport, address: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = match transport {
        Tcp => Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?,
        Udp => Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?,
    };
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn serve_tcp(listener: &Socket, name: &str) {
    while let Ok((stream, peer)) = listener.accept() {
        let Some(peer) = peer.as_socket() else { continue };
        let hello = answer(name, peer.ip());
        std::thread::spawn(move || echo(stream.into(), &hello));
    }
}

fn echo(mut stream: TcpStream, hello: &str) {
    let mut buffer = [0; 4096];
    let _ = stream.set_nodelay(true);
    let mut sent = stream.write_all(format!("{hello}\n").as_bytes());
    while sent.is_ok() {
        match stream.read(&mut buffer) {
            Ok(length) if length > 0 => sent = stream.write_all(&buffer[..length]),
            _ => break,
        }
    }
}

fn serve_udp(socket: &UdpSocket, name: &str) {
    if socket.local_addr().unwrap().is_ipv4() {
        setsockopt(socket, sockopt::Ipv4PacketInfo, &true).unwrap();
    } else {
        setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true).unwrap();
    }
    while reply(socket, name).is_ok() {}
}

/// Takes one datagram and answers from the address it was sent to, as a server on several addresses should.
fn reply(socket: &UdpSocket, name: &str) -> nix::Result<()> {
    let mut buffer = [0; 2048];
    let mut space = nix::cmsg_space!(nix::libc::in6_pktinfo, nix::libc::in_pktinfo);
    let mut parts = [io::IoSliceMut::new(&mut buffer)];
    let fd = socket.as_raw_fd();
    let received = recvmsg::<SockaddrStorage>(fd, &mut parts, Some(&mut space), MsgFlags::empty())?;
    let Some(from) = received.address else { return Ok(()) };
    let info = received.cmsgs()?.next();
    // An answer that cannot be sent is a lost datagram.
    let _ = match (info, from.as_sockaddr_in(), from.as_sockaddr_in6()) {
        (Some(ControlMessageOwned::Ipv4PacketInfo(mut info)), Some(from), _) => {
            info.ipi_spec_dst = info.ipi_addr;
            let (text, from): (String, SockaddrIn) = (answer(name, from.ip().into()), *from);
            let parts = [io::IoSlice::new(text.as_bytes())];
            sendmsg(fd, &parts, &[ControlMessage::Ipv4PacketInfo(&info)], MsgFlags::empty(), Some(&from))
        }
        (Some(ControlMessageOwned::Ipv6PacketInfo(info)), _, Some(from)) => {
            let (text, from): (String, SockaddrIn6) = (answer(name, from.ip().into()), *from);
            let parts = [io::IoSlice::new(text.as_bytes())];
            sendmsg(fd, &parts, &[ControlMessage::Ipv6PacketInfo(&info)], MsgFlags::empty(), Some(&from))
        }
        _ => Ok(0),
    };
    Ok(())
}
