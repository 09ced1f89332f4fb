//! Ports of the host: ours, and those that other programs hold.

use crate::{Error, Kind, Reservation, Result};
use std::net::{IpAddr, SocketAddr};

/// Who holds what.
#[derive(Clone, Debug, Default)]
pub(super) struct Ports {
    held: Vec<(u64, Reservation)>,
    foreign: Vec<Reservation>,
    last: u64,
}

impl Ports {
    /// Takes ports for us; tells the ticket with which they are given back.
    pub fn reserve(&mut self, reservation: &Reservation, has_address: impl Fn(IpAddr) -> bool) -> Result<u64> {
        let first = reservation.ports.start;
        if !reservation.address.is_unspecified() && !has_address(reservation.address) {
            return Err(cannot_bind(reservation, first, Kind::NotAvailable, "cannot assign requested address"));
        }
        let all = self.held.iter().map(|(_, held)| held).chain(&self.foreign);
        let first_taken = all.filter_map(|taken| first_common(reservation, taken)).min();
        if let Some(port) = first_taken {
            return Err(cannot_bind(reservation, port, Kind::Busy, "address already in use"));
        }
        self.last += 1;
        self.held.push((self.last, reservation.clone()));
        Ok(self.last)
    }

    /// Gives ports back.
    pub fn give_back(&mut self, ticket: u64) {
        self.held.retain(|(held, _)| *held != ticket);
    }

    /// Another program takes ports.
    pub fn occupy(&mut self, reservation: Reservation) {
        self.foreign.push(reservation);
    }

    /// The other program lets go of them.
    pub fn vacate(&mut self, reservation: &Reservation) {
        self.foreign.retain(|foreign| foreign != reservation);
    }

    /// What we hold, in an order that does not depend on who came first.
    pub fn held(&self) -> Vec<Reservation> {
        let mut held: Vec<_> = self.held.iter().map(|(_, reservation)| reservation.clone()).collect();
        held.sort_by_key(|r| (r.protocol, r.address, r.ports));
        held
    }
}

/// The first port that both want, where one is in the other's way.
fn first_common(wanted: &Reservation, taken: &Reservation) -> Option<u16> {
    let same_family = wanted.address.is_ipv4() == taken.address.is_ipv4();
    let any = wanted.address.is_unspecified() || taken.address.is_unspecified();
    let in_the_way = wanted.protocol == taken.protocol
        && same_family
        && (any || wanted.address == taken.address)
        && wanted.ports.overlaps(taken.ports);
    in_the_way.then(|| wanted.ports.start.max(taken.ports.start))
}

fn cannot_bind(wanted: &Reservation, port: u16, kind: Kind, cause: &str) -> Error {
    let address = SocketAddr::new(wanted.address, port);
    Error::new(kind, format!("failed to bind host port {address}/{}", wanted.protocol), cause)
}
