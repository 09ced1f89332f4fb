//! Clients: what a server tells somebody who asks from a place.

use crate::place::Place;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

pub use Transport::{Tcp, Udp};

/// How long something that should arrive may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long is waited for something that should not arrive.
const SILENCE: Duration = Duration::from_millis(700);

/// Transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Transport {
    /// Both.
    pub const BOTH: [Self; 2] = [Tcp, Udp];
}

/// What the server at `address` tells somebody in `place`. Waits only a short while: for what should not arrive.
pub fn ask(place: &Place, transport: Transport, address: SocketAddr) -> io::Result<String> {
    from(place, transport, None, address, SILENCE)
}

/// The same with a source address.
pub fn ask_as(place: &Place, transport: Transport, source: IpAddr, address: SocketAddr) -> io::Result<String> {
    from(place, transport, Some(source), address, SILENCE)
}

/// The same for what should arrive: waits long, so that a slow machine fails no test.
pub fn patient(place: &Place, transport: Transport, address: SocketAddr) -> io::Result<String> {
    from(place, transport, None, address, PATIENCE)
}

/// Whether anybody answers.
pub fn reach(place: &Place, transport: Transport, address: SocketAddr) -> bool {
    ask(place, transport, address).is_ok()
}

fn from(
    place: &Place,
    transport: Transport,
    source: Option<IpAddr>,
    address: SocketAddr,
    patience: Duration,
) -> io::Result<String> {
    place.run(|| {
        let domain = Domain::for_address(address);
        let socket = match transport {
            Tcp => Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?,
            Udp => Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?,
        };
        if let Some(source) = source {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        socket.set_read_timeout(Some(patience))?;
        match transport {
            Tcp => tcp(socket, address, patience),
            Udp => udp(&socket.into(), address, patience),
        }
    })
}

fn tcp(socket: Socket, address: SocketAddr, patience: Duration) -> io::Result<String> {
    socket.connect_timeout(&SockAddr::from(address), patience)?;
    let mut line = String::new();
    BufReader::new(TcpStream::from(socket)).read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(line) => Ok(line.to_owned()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Asks again while nothing comes: a datagram may be lost on a loaded machine, even where it should arrive.
fn udp(socket: &UdpSocket, address: SocketAddr, patience: Duration) -> io::Result<String> {
    const TRIES: u32 = 2;
    socket.connect(address)?;
    socket.set_read_timeout(Some(patience / TRIES))?;
    let mut buffer = [0; 512];
    let mut outcome = Err(io::ErrorKind::TimedOut.into());
    for _ in 0..TRIES {
        outcome = socket.send(b"who am I?").and_then(|_| socket.recv(&mut buffer));
        if outcome.is_ok() {
            break;
        }
    }
    outcome.map(|length| String::from_utf8_lossy(&buffer[..length]).into_owned())
}
