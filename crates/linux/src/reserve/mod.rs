//! Host ports kept from everybody else.
//!
//! Owns which sockets hold which ports, and giving them back. A port costs one socket (two families share one where
//! both are asked for together), so runs of ports are held by threads with file tables of their own: neither the
//! daemon's limit of open files nor its descriptors are used up, and opening and closing never stall a caller.

mod filter;
mod holder;
mod run;
mod socket;

pub(crate) use filter::{Filter, raise_descriptor_limit};
pub(crate) use holder::Releases;

use crate::errno::refused;
use crate::host::Linux;
use holder::{Holder, Opening};
use pontoon_kernel::{Error, Kind, Netns, Reservation, ReservedPorts, Result};
use pontoon_types::{Family, PortRange, Protocol};
use run::{Refused, Wanted};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Runs up to this long are held by descriptors of the process itself.
const SMALL: u32 = 64;

/// Reserves all of `reservations` or none.
pub(crate) fn reserve_all(linux: &Linux, reservations: &[Reservation]) -> Result<Vec<Box<dyn ReservedPorts>>> {
    // What was given back a moment ago may still be closing.
    linux.releases.wait_for(reservations);
    linux.within(&Netns::Host, || attempt(linux, reservations))?
}

fn attempt(linux: &Linux, reservations: &[Reservation]) -> Result<Vec<Box<dyn ReservedPorts>>> {
    let groups = pair(reservations);
    let mut opening = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        for ports in chunks(group.ports, linux.filter.most_descriptors()) {
            opening.push((number, Opening::start(Wanted { ports, ..group.clone() }, linux)));
        }
    }
    let mut holders: Vec<Vec<Holder>> = groups.iter().map(|_| Vec::new()).collect();
    let mut refusals = Vec::new();
    for (number, started) in opening {
        match started.and_then(Opening::finish) {
            Ok(holder) => holders[number].push(holder),
            Err(refused) => refusals.push((groups[number].asked_by(refused.family), refused)),
        }
    }
    if let Some((number, refused)) = refusals.into_iter().min_by_key(|(number, refused)| (*number, refused.port)) {
        // All or nothing.
        holders.iter().flatten().for_each(|holder| holder.abandon(&linux.releases));
        return Err(reservations.get(number).map_or_else(
            || Error::new(Kind::Other, "reserve host ports", "a reservation that nobody asked for failed"),
            |reservation| error(reservation, &refused),
        ));
    }
    Ok(hand_out(reservations, &groups, holders, &linux.releases))
}

fn error(reservation: &Reservation, refusal: &Refused) -> Error {
    let address = SocketAddr::new(reservation.address, refusal.port);
    refused(format!("failed to bind host port {address}/{}", reservation.protocol), refusal.errno)
}

/// One handle for each reservation, in their order; those of a pair share holders.
fn hand_out(
    reservations: &[Reservation],
    groups: &[Wanted],
    holders: Vec<Vec<Holder>>,
    releases: &Arc<Releases>,
) -> Vec<Box<dyn ReservedPorts>> {
    let shared: Vec<_> = holders.into_iter().map(Arc::new).collect();
    let mut held = Vec::with_capacity(reservations.len());
    for (number, reservation) in reservations.iter().enumerate() {
        let family = Family::of(reservation.address);
        let group = groups.iter().position(|group| group.asked(family) == Some(number));
        if let Some(holders) = group.and_then(|group| shared.get(group)) {
            let (holders, releases) = (Arc::clone(holders), Arc::clone(releases));
            held.push(Box::new(Held { reservation: reservation.clone(), holders, releases }) as Box<dyn ReservedPorts>);
        }
    }
    held
}

/// Joins a reservation of all IPv4 addresses with one of all IPv6 addresses that is otherwise the same.
fn pair(reservations: &[Reservation]) -> Vec<Wanted> {
    let mut groups: Vec<Wanted> = Vec::with_capacity(reservations.len());
    for (number, reservation) in reservations.iter().enumerate() {
        let joins = |group: &&mut Wanted| {
            group.protocol == reservation.protocol
                && group.protocol != Protocol::Sctp
                && group.ports == reservation.ports
                && reservation.address.is_unspecified()
                && group.is_open_for(Family::of(reservation.address))
        };
        if let Some(group) = groups.iter_mut().find(joins) {
            group.add(number, reservation.address);
        } else {
            let mut group = Wanted::nothing(reservation.protocol, reservation.ports);
            group.add(number, reservation.address);
            groups.push(group);
        }
    }
    groups
}

/// Cuts a long run into one piece for each processor, none of more sockets than a file table takes.
fn chunks(ports: PortRange, most_descriptors: u32) -> Vec<PortRange> {
    let count = ports.count();
    if count <= SMALL {
        return vec![ports];
    }
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get().min(8) as u32);
    // In the worst case a port takes two sockets; some descriptors are taken from the start.
    let size = count.div_ceil(processors).clamp(SMALL, (most_descriptors.saturating_sub(16) / 2).max(SMALL));
    (0..count.div_ceil(size))
        .map(|piece| {
            let start = u32::from(ports.start) + piece * size;
            let end = (start + size - 1).min(u32::from(ports.end));
            PortRange { start: start as u16, end: end as u16 }
        })
        .collect()
}

/// Ports held until dropped.
struct Held {
    reservation: Reservation,
    holders: Arc<Vec<Holder>>,
    releases: Arc<Releases>,
}

impl ReservedPorts for Held {
    fn reservation(&self) -> &Reservation {
        &self.reservation
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Reservation { protocol, address, ports } = &self.reservation;
        write!(f, "Held({address} {ports}/{protocol})")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let family = Family::of(self.reservation.address);
        self.holders.iter().for_each(|holder| holder.release(family, &self.releases));
    }
}

/// The address of a family in a group, with the number of the reservation that asked for it.
type Asked = Option<(usize, IpAddr)>;

impl Wanted {
    fn nothing(protocol: Protocol, ports: PortRange) -> Self {
        Self { protocol, ports, v4: None, v6: None }
    }

    fn add(&mut self, number: usize, address: IpAddr) {
        *self.slot(Family::of(address)) = Some((number, address));
    }

    fn slot(&mut self, family: Family) -> &mut Asked {
        if family == Family::V4 { &mut self.v4 } else { &mut self.v6 }
    }

    /// Which reservation asked for this family.
    fn asked(&self, family: Family) -> Option<usize> {
        self.of(family).map(|(number, _)| number)
    }

    fn asked_by(&self, family: Family) -> usize {
        self.asked(family).unwrap_or(usize::MAX)
    }

    /// Whether it holds every address of the other family, and nothing of this one.
    fn is_open_for(&self, family: Family) -> bool {
        let other = if family == Family::V4 { Family::V6 } else { Family::V4 };
        self.of(family).is_none() && self.of(other).is_some_and(|(_, address)| address.is_unspecified())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reservation(address: &str, protocol: Protocol, start: u16, end: u16) -> Reservation {
        Reservation { protocol, address: address.parse().unwrap(), ports: PortRange { start, end } }
    }

    #[test]
    fn only_both_unspecified_addresses_of_the_same_run_share_sockets() {
        let all = [
            reservation("0.0.0.0", Protocol::Tcp, 1, 9),
            reservation("0.0.0.0", Protocol::Udp, 1, 9),
            reservation("::", Protocol::Udp, 1, 9),
            reservation("::", Protocol::Tcp, 1, 8),
            reservation("::1", Protocol::Tcp, 1, 9),
            reservation("0.0.0.0", Protocol::Sctp, 1, 9),
            reservation("::", Protocol::Sctp, 1, 9),
        ];
        let groups = pair(&all);
        assert_eq!(groups.len(), 6);
        let udp = groups.iter().find(|group| group.protocol == Protocol::Udp).unwrap();
        assert_eq!((udp.asked(Family::V4), udp.asked(Family::V6)), (Some(1), Some(2)));
    }

    #[test]
    fn pieces_cover_the_run_exactly() {
        for (start, end, most) in
            [(1, 1, 1000), (1, 64, 1000), (1, 65, 1000), (20_000, 29_999, 20_000), (1, 65_535, 256)]
        {
            let pieces = chunks(PortRange { start, end }, most);
            assert_eq!(pieces.first().map(|piece| piece.start), Some(start));
            assert_eq!(pieces.last().map(|piece| piece.end), Some(end));
            assert!(pieces.windows(2).all(|two| two[0].end + 1 == two[1].start));
            assert!(pieces.iter().all(|piece| piece.count() <= SMALL || piece.count() * 2 + 16 <= most));
        }
    }
}
