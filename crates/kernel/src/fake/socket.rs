//! Sockets of the fake host: real ones on the loopback of whoever runs the test, whatever address was asked for.
//!
//! Owns the book that says which real address stands for which asked one. Must never bind anything but the loopback.

use super::fault::refused;
use super::host::FakeHost;
use super::model::HOST;
use crate::{Error, Kind, Netns, NetnsId, Reservation, ReservedPorts, Result, Sockets};
use pontoon_types::{PortRange, Protocol};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// A socket that was opened: what was asked for, and the real address that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The namespace.
    pub netns: NetnsId,
    /// TCP listener or UDP socket.
    pub protocol: Protocol,
    /// The address that was asked for.
    pub asked: SocketAddr,
    /// Where the socket really is.
    pub real: SocketAddr,
}

/// All sockets that were ever opened, and redirected clients. Closing is not noticed.
#[derive(Debug, Default)]
pub(super) struct Claims {
    opened: Vec<Claim>,
    redirected: Vec<(SocketAddr, SocketAddr)>,
}

impl Claims {
    pub fn redirect(&mut self, client: SocketAddr, destination: SocketAddr) {
        self.redirected.retain(|(known, _)| *known != client);
        self.redirected.push((client, destination));
    }
}

impl FakeHost {
    /// The sockets that were opened, in order.
    pub fn claims(&self) -> Vec<Claim> {
        self.lock().claims.opened.clone()
    }

    /// Opens with `open`, given the loopback address of the family that was asked for.
    fn claim<T>(
        &self,
        ns: &Netns,
        (protocol, asked): (Protocol, SocketAddr),
        open: impl FnOnce(SocketAddr) -> io::Result<(T, SocketAddr)>,
    ) -> Result<T> {
        let mut inner = self.lock();
        let act = format!("bind {asked}/{protocol}");
        inner.faults.pass(|| act.clone())?;
        let netns = inner.model.id(ns)?;
        if netns == HOST && asked.port() != 0 {
            // Taken and given back at once: nobody can hold the port who is in the book, ours or foreign.
            let wanted = Reservation { protocol, address: asked.ip(), ports: PortRange::single(asked.port()) };
            let ticket = inner.reserve(&wanted).map_err(|error| Error { act: act.clone(), ..error })?;
            inner.model.ports.give_back(ticket);
        }
        let loopback = match asked {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        };
        let (socket, real) = open(loopback).map_err(|error| failed(&act, &error))?;
        inner.claims.opened.push(Claim { netns, protocol, asked, real });
        Ok(socket)
    }
}

impl super::host::Inner {
    fn reserve(&mut self, reservation: &Reservation) -> Result<u64> {
        let host = self.model.namespaces.get(&HOST);
        self.model.ports.reserve(reservation, |address| host.is_some_and(|host| host.has_address(address)))
    }
}

fn failed(act: &str, error: &io::Error) -> Error {
    Error::new(Kind::Other, act, error.to_string())
}

impl Sockets for FakeHost {
    fn udp(&self, ns: &Netns, address: SocketAddr) -> Result<UdpSocket> {
        self.claim(ns, (Protocol::Udp, address), |loopback| {
            let socket = UdpSocket::bind(loopback)?;
            socket.set_nonblocking(true)?;
            let real = socket.local_addr()?;
            Ok((socket, real))
        })
    }

    fn tcp_listener(&self, ns: &Netns, address: SocketAddr) -> Result<TcpListener> {
        self.claim(ns, (Protocol::Tcp, address), |loopback| {
            let listener = TcpListener::bind(loopback)?;
            listener.set_nonblocking(true)?;
            let real = listener.local_addr()?;
            Ok((listener, real))
        })
    }

    /// Reaches the listener that was opened last in `ns` for that address (or its unspecified one).
    fn tcp_connect(&self, ns: &Netns, address: SocketAddr, timeout: Duration) -> Result<TcpStream> {
        let act = format!("connect to {address}/tcp");
        let real = {
            let mut inner = self.lock();
            inner.faults.pass(|| act.clone())?;
            let netns = inner.model.id(ns)?;
            let listens = |claim: &&Claim| {
                claim.netns == netns
                    && claim.protocol == Protocol::Tcp
                    && super::model::covers(claim.asked.ip(), address.ip())
                    && [claim.asked.port(), claim.real.port()].contains(&address.port())
            };
            inner.claims.opened.iter().rev().find(listens).map(|claim| claim.real)
        };
        let real = real.ok_or_else(|| Error::new(Kind::Other, act.clone(), "connection refused"))?;
        let stream = TcpStream::connect_timeout(&real, timeout).map_err(|error| failed(&act, &error))?;
        stream.set_nonblocking(true).map_err(|error| failed(&act, &error))?;
        Ok(stream)
    }

    fn tcp_original_destination(&self, stream: &TcpStream) -> Result<SocketAddr> {
        let act = "look up the original destination";
        let client = stream.peer_addr().map_err(|error| failed(act, &error))?;
        let mut inner = self.lock();
        inner.faults.pass(|| act.into())?;
        let known = inner.claims.redirected.iter().find(|(known, _)| *known == client);
        known.map(|(_, destination)| *destination).ok_or_else(|| refused(Kind::NotFound, act))
    }

    fn reserve_all(&self, reservations: &[Reservation]) -> Result<Vec<Box<dyn ReservedPorts>>> {
        let mut held: Vec<Box<dyn ReservedPorts>> = Vec::new();
        for reservation in reservations {
            let mut inner = self.lock();
            inner.faults.pass(|| format!("reserve host ports {}/{}", reservation.ports, reservation.protocol))?;
            let ticket = inner.reserve(reservation)?;
            drop(inner);
            // What is held so far goes with the list when a later one fails.
            held.push(Box::new(Held { host: self.clone(), ticket, reservation: reservation.clone() }));
        }
        Ok(held)
    }
}

/// Ports until this is dropped.
struct Held {
    host: FakeHost,
    ticket: u64,
    reservation: Reservation,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Held").field(&self.reservation).finish()
    }
}

impl ReservedPorts for Held {
    fn reservation(&self) -> &Reservation {
        &self.reservation
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.host.lock().model.ports.give_back(self.ticket);
    }
}
