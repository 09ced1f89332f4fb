//! Servers that tell who they see, and clients that tell what they were told.

use super::Namespace;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long something that should arrive may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long is waited for something that should not arrive.
const SILENCE: Duration = Duration::from_millis(300);

/// Transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

pub use Transport::{Tcp, Udp};

/// Starts a server that answers everybody with `NAME sees ADDRESS` until the process ends.
pub fn serve(namespace: &Namespace, name: &'static str, transport: Transport, address: &str) {
    let address: SocketAddr = address.parse().unwrap();
    let socket = namespace.run(|| bound(transport, address).unwrap());
    match transport {
        Tcp => {
            socket.listen(16).unwrap();
            std::thread::spawn(move || serve_tcp(&socket, name));
        }
        Udp => {
            std::thread::spawn(move || serve_udp(socket.into(), name));
        }
    }
}

fn serve_tcp(listener: &Socket, name: &str) {
    while let Ok((stream, peer)) = listener.accept() {
        let peer = peer.as_socket().map(|peer| peer.ip());
        let mut stream: TcpStream = stream.into();
        let _ = stream.write_all(answer(name, peer).as_bytes());
    }
}

/// Answers from the address it was asked at, as a server on several addresses should.
fn serve_udp(socket: std::net::UdpSocket, name: &str) {
    use nix::sys::socket::{
        ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, SockaddrStorage, recvmsg, sendmsg,
        setsockopt, sockopt,
    };
    use std::os::fd::AsRawFd;
    let v4 = socket.local_addr().unwrap().is_ipv4();
    match v4 {
        true => setsockopt(&socket, sockopt::Ipv4PacketInfo, &true).unwrap(),
        false => setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true).unwrap(),
    }
    loop {
        let mut buffer = [0; 64];
        let mut space = nix::cmsg_space!(nix::libc::in6_pktinfo, nix::libc::in_pktinfo);
        let mut parts = [io::IoSliceMut::new(&mut buffer)];
        let received =
            recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::empty()).unwrap();
        let Some(from) = received.address else { continue };
        let info = received.cmsgs().unwrap().next();
        let peer = match (from.as_sockaddr_in(), from.as_sockaddr_in6()) {
            (Some(from), _) => from.ip().into(),
            (_, Some(from)) => from.ip().into(),
            _ => continue,
        };
        let text = answer(name, Some(peer));
        let parts = [io::IoSlice::new(text.as_bytes())];
        let fd = socket.as_raw_fd();
        let _ = match info {
            Some(ControlMessageOwned::Ipv4PacketInfo(mut info)) => {
                info.ipi_spec_dst = info.ipi_addr;
                let from: SockaddrIn = *from.as_sockaddr_in().unwrap();
                sendmsg(fd, &parts, &[ControlMessage::Ipv4PacketInfo(&info)], MsgFlags::empty(), Some(&from))
            }
            Some(ControlMessageOwned::Ipv6PacketInfo(info)) => {
                let from: SockaddrIn6 = *from.as_sockaddr_in6().unwrap();
                sendmsg(fd, &parts, &[ControlMessage::Ipv6PacketInfo(&info)], MsgFlags::empty(), Some(&from))
            }
            _ => continue,
        };
    }
}

fn answer(name: &str, peer: Option<std::net::IpAddr>) -> String {
    format!("{name} sees {}", peer.map(|peer| peer.to_string()).unwrap_or_default())
}

/// A bound socket in the calling thread's namespace.
pub fn bound(transport: Transport, address: SocketAddr) -> io::Result<Socket> {
    let socket = new(transport, address)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn new(transport: Transport, address: SocketAddr) -> io::Result<Socket> {
    match transport {
        Tcp => Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP)),
        Udp => Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP)),
    }
}

/// What a server tells a client in `namespace`; waits as long as it takes.
pub fn ask(namespace: &Namespace, transport: Transport, address: &str) -> io::Result<String> {
    ask_from(namespace, transport, None, address, PATIENCE)
}

/// The same with a source address.
pub fn ask_as(namespace: &Namespace, transport: Transport, source: &str, address: &str) -> io::Result<String> {
    ask_from(namespace, transport, Some(source), address, PATIENCE)
}

/// Whether no answer comes within a short while (neither a reset nor an ICMP error is silence).
pub fn silent(namespace: &Namespace, transport: Transport, address: &str) -> bool {
    is_silence(&ask_from(namespace, transport, None, address, SILENCE))
}

/// The same with a source address.
pub fn silent_as(namespace: &Namespace, transport: Transport, source: &str, address: &str) -> bool {
    is_silence(&ask_from(namespace, transport, Some(source), address, SILENCE))
}

fn is_silence(outcome: &io::Result<String>) -> bool {
    use io::ErrorKind::{TimedOut, WouldBlock};
    matches!(outcome, Err(error) if matches!(error.kind(), TimedOut | WouldBlock))
}

fn ask_from(
    namespace: &Namespace,
    transport: Transport,
    source: Option<&str>,
    address: &str,
    patience: Duration,
) -> io::Result<String> {
    let address: SocketAddr = resolve(namespace, address);
    let source: Option<SocketAddr> = source.map(|source| SocketAddr::new(source.parse().unwrap(), 0));
    namespace.run(|| {
        let socket = new(transport, address)?;
        if let Some(source) = source {
            socket.bind(&source.into())?;
        }
        socket.set_read_timeout(Some(patience))?;
        match transport {
            Tcp => {
                socket.connect_timeout(&SockAddr::from(address), patience)?;
                let mut text = String::new();
                TcpStream::from(socket).read_to_string(&mut text)?;
                Ok(text)
            }
            Udp => {
                let socket: std::net::UdpSocket = socket.into();
                socket.connect(address)?;
                socket.send(b"?")?;
                let mut buffer = [0; 128];
                let length = socket.recv(&mut buffer)?;
                Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
            }
        }
    })
}

/// An address, where `%link` may follow a link-local one.
fn resolve(namespace: &Namespace, address: &str) -> SocketAddr {
    let Some((before, after)) = address.split_once('%') else { return address.parse().unwrap() };
    let (link, port) = after.split_once("]:").unwrap();
    let index = namespace.run(|| nix::net::if_::if_nametoindex(link).unwrap());
    let ip = before.trim_start_matches('[').parse().unwrap();
    SocketAddr::V6(std::net::SocketAddrV6::new(ip, port.parse().unwrap(), 0, index))
}
