//! Ports set aside for somebody who is about to bind them.
//!
//! Owns: the groups of one publication and what they become. Must never outlive it: a plan ends in
//! [`Book::commit`](crate::Book::commit) or [`Book::abort`](crate::Book::abort).

use crate::mapping::joined;
use crate::wish::{Skipped, Target, Want};
use crate::{PortSet, Reservation};
use pontoon_types::{PortMapping, PortRange, Protocol};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Ports that are the same on all their addresses. They are bound together or not at all.
#[derive(Clone, Debug)]
pub struct Group {
    pub(crate) want: Want,
    pub(crate) protocol: Protocol,
    pub(crate) container: PortRange,
    pub(crate) targets: Vec<Target>,
    /// As many as `container`.
    pub(crate) host: PortRange,
    /// How often other ports were tried.
    pub(crate) attempts: u32,
}

impl Group {
    /// What to bind.
    pub fn reservations(&self) -> Vec<Reservation> {
        self.targets.iter().map(|target| self.reservation(target)).collect()
    }

    /// What is published once that is bound.
    pub fn mappings(&self) -> impl Iterator<Item = PortMapping> {
        self.targets.iter().map(|target| PortMapping {
            protocol: self.protocol,
            host_ip: target.host_ip,
            host: self.host,
            container_ip: target.container_ip,
            container_start: self.container.start,
        })
    }

    fn reservation(&self, target: &Target) -> Reservation {
        Reservation { protocol: self.protocol, host_ip: target.host_ip, ports: self.host }
    }
}

/// A publication under way. Its ports are nobody else's, and not yet the owner's.
#[derive(Debug)]
#[must_use = "the ports stay taken until the plan is committed or aborted"]
pub struct Plan {
    pub(crate) owner: Arc<str>,
    pub(crate) groups: Vec<Group>,
    /// What the owner has now and gives up on commit; `None` adds to it.
    pub(crate) replaces: Option<Vec<PortMapping>>,
    pub(crate) skipped: Vec<Skipped>,
}

impl Plan {
    /// What to bind, group by group. A retry may put several groups in place of one.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// What is published on commit, in as few mappings as possible.
    pub fn mappings(&self) -> Vec<PortMapping> {
        joined(self.groups.iter().flat_map(Group::mappings).collect())
    }

    /// Parts of the bindings that are left out.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    pub(crate) fn reservations(&self) -> impl Iterator<Item = Reservation> {
        self.groups.iter().flat_map(Group::reservations)
    }
}

/// Ports by protocol and address.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    ports: BTreeMap<(Protocol, IpAddr), PortSet>,
}

impl Coverage {
    pub(crate) fn of(reservations: impl Iterator<Item = Reservation>) -> Self {
        let mut runs: BTreeMap<_, Vec<PortRange>> = BTreeMap::new();
        for reservation in reservations {
            runs.entry((reservation.protocol, reservation.host_ip)).or_default().push(reservation.ports);
        }
        Self { ports: runs.into_iter().map(|(key, runs)| (key, PortSet::new(runs))).collect() }
    }

    /// Whether all ports of the reservation are covered.
    pub(crate) fn covers(&self, reservation: &Reservation) -> bool {
        let ports = self.ports.get(&(reservation.protocol, reservation.host_ip));
        ports.is_some_and(|ports| ports.covers(reservation.ports))
    }

    /// The parts of the reservation that are not covered.
    pub(crate) fn gaps(&self, reservation: &Reservation) -> Vec<Reservation> {
        match self.ports.get(&(reservation.protocol, reservation.host_ip)) {
            None => vec![*reservation],
            Some(ports) => {
                ports.gaps(reservation.ports).into_iter().map(|ports| Reservation { ports, ..*reservation }).collect()
            }
        }
    }
}
