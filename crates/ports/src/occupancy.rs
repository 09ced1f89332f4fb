//! Which host ports are taken, by whom.
//!
//! Owns: runs of ports for each protocol and address, and the rule by which addresses get in each other's way.
//! Must never choose a port.

use crate::Reservation;
use pontoon_types::{PortRange, Protocol};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// A port that somebody else has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The address on which it is held.
    pub(crate) host_ip: IpAddr,
    pub(crate) port: u16,
    pub(crate) holder: Arc<str>,
}

/// All ports taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Occupancy {
    tables: BTreeMap<(Protocol, IpAddr), Table>,
}

impl Occupancy {
    /// The lowest port of `wanted` that is taken: on the same address, on the family's unspecified one, or, if that is
    /// what is wanted, on any address of the family.
    pub(crate) fn taken(&self, wanted: &Reservation) -> Option<Taken> {
        self.in_the_way(wanted)
            .filter_map(|(&(_, host_ip), table)| {
                let (port, holder) = table.first_of_overlap(wanted.ports)?;
                Some(Taken { host_ip, port, holder: holder.clone() })
            })
            .min_by_key(|taken| taken.port)
    }

    /// The last port from which on `wanted` would be worth trying again; `None` when nothing is in its way.
    pub(crate) fn last_taken(&self, wanted: &Reservation) -> Option<u16> {
        self.in_the_way(wanted).filter_map(|(_, table)| table.last_of_overlap(wanted.ports)).max()
    }

    /// Gives the ports to `owner`, who may have some of them already. The caller has asked [`Occupancy::taken`].
    pub(crate) fn insert(&mut self, reservation: &Reservation, owner: &Arc<str>) {
        let table = self.tables.entry((reservation.protocol, reservation.host_ip)).or_default();
        table.insert(reservation.ports, owner);
    }

    /// Frees the ports; those that are free already stay so.
    pub(crate) fn remove(&mut self, reservation: &Reservation) {
        let key = (reservation.protocol, reservation.host_ip);
        if let Some(table) = self.tables.get_mut(&key) {
            table.remove(reservation.ports);
            if table.runs.is_empty() {
                self.tables.remove(&key);
            }
        }
    }

    fn in_the_way(&self, wanted: &Reservation) -> impl Iterator<Item = (&(Protocol, IpAddr), &Table)> {
        let protocol = wanted.protocol;
        let (any, last) = match wanted.host_ip {
            IpAddr::V4(_) => (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::BROADCAST)),
            IpAddr::V6(_) => (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::from_bits(u128::MAX))),
        };
        // The unspecified address is the lowest of its family: either all of the family, or that one and this one.
        let upto = if wanted.host_ip == any { last } else { any };
        let own = (wanted.host_ip != any).then(|| self.tables.get_key_value(&(protocol, wanted.host_ip))).flatten();
        self.tables.range((protocol, any)..=(protocol, upto)).chain(own)
    }

    #[cfg(test)]
    pub(crate) fn runs(&self) -> usize {
        self.tables.values().map(|table| table.runs.len()).sum()
    }
}

/// The ports of one protocol and address: runs by their first port, each with its last port and owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    runs: BTreeMap<u16, (u16, Arc<str>)>,
}

impl Table {
    fn first_of_overlap(&self, ports: PortRange) -> Option<(u16, &Arc<str>)> {
        let before = self.runs.range(..ports.start).next_back().filter(|(_, (end, _))| *end >= ports.start);
        let run = before.or_else(|| self.runs.range(ports.start..=ports.end).next());
        run.map(|(&start, (_, owner))| (start.max(ports.start), owner))
    }

    fn last_of_overlap(&self, ports: PortRange) -> Option<u16> {
        self.runs.range(..=ports.end).next_back().map(|(_, &(end, _))| end).filter(|&end| end >= ports.start)
    }

    fn insert(&mut self, ports: PortRange, owner: &Arc<str>) {
        self.remove(ports);
        let PortRange { mut start, mut end } = ports;
        if let Some((&before, (last, holder))) = self.runs.range(..start).next_back()
            && last.checked_add(1) == Some(start)
            && holder == owner
        {
            start = before;
        }
        if let Some(next) = end.checked_add(1)
            && self.runs.get(&next).is_some_and(|(_, holder)| holder == owner)
            && let Some((last, _)) = self.runs.remove(&next)
        {
            end = last;
        }
        self.runs.insert(start, (end, owner.clone()));
    }

    fn remove(&mut self, ports: PortRange) {
        while let Some((&start, (end, owner))) = self.runs.range(..=ports.end).next_back() {
            let (end, owner) = (*end, owner.clone());
            if end < ports.start {
                return;
            }
            self.runs.remove(&start);
            if end > ports.end {
                self.runs.insert(ports.end + 1, (end, owner.clone()));
            }
            if start < ports.start {
                self.runs.insert(start, (ports.start - 1, owner));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reservation(host: u8, start: u16, length: u16) -> Reservation {
        let host_ip = match host {
            0 => "0.0.0.0",
            1 => "127.0.0.1",
            2 => "127.0.0.2",
            3 => "::",
            _ => "::1",
        };
        let ports = PortRange { start, end: start.saturating_add(length) };
        Reservation { protocol: Protocol::Tcp, host_ip: host_ip.parse().unwrap(), ports }
    }

    #[test]
    fn neighbouring_runs_of_one_owner_are_one() {
        let (mut book, web, db) = (Occupancy::default(), Arc::from("web"), Arc::from("db"));
        for port in [80, 82, 81, 65_535, 65_534] {
            book.insert(&reservation(0, port, 0), &web);
        }
        assert_eq!(book.runs(), 2);
        book.insert(&reservation(0, 83, 0), &db);
        assert_eq!(book.runs(), 3);
        book.remove(&reservation(0, 81, 0));
        assert_eq!(book.taken(&reservation(1, 81, 9)).unwrap().port, 82);
        assert_eq!(book.taken(&reservation(1, 83, 9)).unwrap().holder, db);
        assert_eq!(book.last_taken(&reservation(1, 79, 2)), Some(80));
        for start in [80, 65_534] {
            book.remove(&reservation(0, start, 9));
        }
        assert_eq!(book, Occupancy::default());
    }

    proptest! {
        #[test]
        fn a_port_is_taken_exactly_when_a_conflicting_reservation_holds_it(
            acts in prop::collection::vec((any::<bool>(), 0u8..5, 1u16..60, 0u16..12), 0..40),
            (host, start, length) in (0u8..5, 1u16..60, 0u16..12),
        ) {
            let (mut book, owner) = (Occupancy::default(), Arc::from("x"));
            let mut singles: Vec<Reservation> = Vec::new();
            for (add, host, start, length) in acts {
                let ports = reservation(host, start, length);
                if add { book.insert(&ports, &owner) } else { book.remove(&ports) }
                singles.retain(|s| !(s.host_ip == ports.host_ip && ports.ports.overlaps(s.ports)));
                if add {
                    singles.extend((start..=start + length).map(|port| reservation(host, port, 0)));
                }
            }
            let wanted = reservation(host, start, length);
            let in_the_way = singles.iter().filter(|s| s.conflicts(&wanted)).map(|s| s.ports.start);
            prop_assert_eq!(book.taken(&wanted).map(|taken| taken.port), in_the_way.clone().min());
            prop_assert_eq!(book.last_taken(&wanted).is_some(), in_the_way.clone().next().is_some());
            prop_assert!(book.last_taken(&wanted) >= in_the_way.max());
        }
    }
}
