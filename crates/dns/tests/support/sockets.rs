//! Sockets on the loopback of this process, with the namespace that each was asked for.

use pontoon_kernel::{Error, Kind, Netns, Reservation, ReservedPorts, Result, Sockets};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Mutex;
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Loopback {
    /// Namespace and wanted address of each socket.
    pub opened: Mutex<Vec<(Netns, SocketAddr)>>,
}

impl Loopback {
    /// How many sockets were opened in a namespace for asking (not for serving).
    pub fn asking_from(&self, ns: &Netns) -> usize {
        let opened = self.opened.lock().unwrap();
        opened.iter().filter(|(place, address)| place == ns && address.ip() != super::ip("127.0.0.11")).count()
    }

    fn open<T>(&self, ns: &Netns, address: SocketAddr, open: impl FnOnce() -> io::Result<T>) -> Result<T> {
        self.opened.lock().unwrap().push((ns.clone(), address));
        open().map_err(|error| {
            let kind = if error.kind() == io::ErrorKind::AddrInUse { Kind::Busy } else { Kind::Other };
            Error::new(kind, format!("bind {address}"), error.to_string())
        })
    }
}

impl Sockets for Loopback {
    fn udp(&self, ns: &Netns, address: SocketAddr) -> Result<UdpSocket> {
        self.open(ns, address, || {
            let socket = UdpSocket::bind(address)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        })
    }

    fn tcp_listener(&self, ns: &Netns, address: SocketAddr) -> Result<TcpListener> {
        self.open(ns, address, || {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        })
    }

    fn tcp_connect(&self, ns: &Netns, address: SocketAddr, timeout: Duration) -> Result<TcpStream> {
        self.open(ns, address, || TcpStream::connect_timeout(&address, timeout))
    }

    fn tcp_original_destination(&self, _: &TcpStream) -> Result<SocketAddr> {
        Err(Error::new(Kind::NotSupported, "look up the original destination", "not here"))
    }

    fn reserve_all(&self, _: &[Reservation]) -> Result<Vec<Box<dyn ReservedPorts>>> {
        Err(Error::new(Kind::NotSupported, "reserve host ports", "not here"))
    }
}
