//! The book of host ports.
//!
//! Owns: who has which ports, which are set aside, and the choice of free ones. Must never wait for anything: binding
//! happens between [`Book::plan`] and [`Book::commit`], with the book unlocked.

use crate::mapping::joined;
use crate::occupancy::Occupancy;
use crate::wish::{Target, Want, Wish, wishes};
use crate::{BindError, Context, Error, Group, Plan, PortSet, Reservation};
use pontoon_types::{PortBinding, PortMapping, PortRange, Protocol};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// How many ports are tried for each port that may be any of several (Docker).
const ATTEMPTS: u32 = 10;

/// Users choose the ranges, so the places where searches go on are bounded; dropping them only starts a search anew.
const MAX_CURSORS: usize = 4096;

/// Where a search begins: first address, protocol and exact range.
type Place = (IpAddr, Protocol, PortRange);

/// Everything published on one host, and what is about to be.
#[derive(Debug, Default)]
pub struct Book {
    occupancy: Occupancy,
    cursors: BTreeMap<Place, u16>,
    owners: BTreeMap<Arc<str>, Vec<PortMapping>>,
}

impl Book {
    /// Sets ports aside for what `bindings` ask, besides what the owner has. Fails without a trace.
    pub fn plan(&mut self, owner: &str, bindings: &[PortBinding], context: &Context<'_>) -> Result<Plan, Error> {
        self.plan_over(owner, bindings, context, None)
    }

    /// Sets ports aside for what `bindings` ask, in place of what the owner has. Until commit the owner has both.
    /// Ports that could be any of several stay what they are. One change of an owner at a time.
    pub fn plan_change(&mut self, owner: &str, bindings: &[PortBinding], context: &Context<'_>) -> Result<Plan, Error> {
        let old = self.owners.get(owner).cloned().unwrap_or_default();
        self.plan_over(owner, bindings, context, Some(old))
    }

    /// Sets aside exactly what the owner had before a restart.
    pub fn plan_restore(&mut self, owner: &str, mappings: &[PortMapping]) -> Result<Plan, Error> {
        let mut plan = Plan { owner: owner.into(), groups: Vec::new(), replaces: None, skipped: Vec::new() };
        for mapping in mappings {
            match stored(mapping).and_then(|wish| self.exact(&plan.owner, &wish, mapping.host)) {
                Ok(group) => plan.groups.push(group),
                Err(error) => {
                    self.abort(plan);
                    return Err(error);
                }
            }
        }
        Ok(plan)
    }

    /// Makes the plan's ports the owner's and returns them; what they replace is free.
    pub fn commit(&mut self, plan: Plan) -> Vec<PortMapping> {
        let mappings = plan.mappings();
        if let Some(old) = &plan.replaces {
            old.iter().for_each(|mapping| self.occupancy.remove(&Reservation::of(mapping)));
            plan.reservations().for_each(|reservation| self.occupancy.insert(&reservation, &plan.owner));
            self.owners.remove(&plan.owner);
        }
        let mut all = self.owners.remove(&plan.owner).unwrap_or_default();
        all.extend_from_slice(&mappings);
        if !all.is_empty() {
            self.owners.insert(plan.owner, joined(all));
        }
        mappings
    }

    /// Frees the plan's ports; the owner has what it had before.
    pub fn abort(&mut self, plan: Plan) {
        plan.reservations().for_each(|reservation| self.occupancy.remove(&reservation));
        self.put_back(&plan.owner, plan.replaces.as_deref().unwrap_or_default());
    }

    /// Chooses other ports for a group that could not be bound. Fails when no other will do: exact ports, a fault that
    /// has nothing to do with the port, ten attempts for each port, or nothing left.
    pub fn retry(
        &mut self,
        plan: &mut Plan,
        index: usize,
        failed: BindError,
        context: &Context<'_>,
    ) -> Result<(), Error> {
        let Some(group) = plan.groups.get(index).cloned() else { return Ok(()) };
        let port = if group.host.contains(failed.port) { failed.port } else { group.host.start };
        let attempts = group.attempts + 1;
        let spent = attempts >= ATTEMPTS * group.container.count();
        if matches!(group.want, Want::Exact(_)) || spent || !failed.fault.is_about_the_port() {
            let target = group.targets.get(failed.which).or(group.targets.first());
            let host_ip = target.map_or(IpAddr::from([0, 0, 0, 0]), |target| target.host_ip);
            return Err(Error::refused(host_ip, port, group.protocol, failed.fault));
        }
        let Group { want, protocol, container, targets, .. } = group;
        for reservation in plan.groups.remove(index).reservations() {
            self.occupancy.remove(&reservation);
        }
        // An old port of the owner may have been among them.
        self.put_back(&plan.owner, plan.replaces.as_deref().unwrap_or_default());
        let wish = Wish { want, protocol, container, targets };
        self.remember(&wish, context, port);
        let mut groups = self.choose(&plan.owner, &wish, context)?;
        groups.iter_mut().for_each(|group| group.attempts = attempts);
        plan.groups.splice(index..index, groups);
        Ok(())
    }

    /// Plans and commits at once, for those who bind nothing.
    pub fn publish(
        &mut self,
        owner: &str,
        bindings: &[PortBinding],
        context: &Context<'_>,
    ) -> Result<Vec<PortMapping>, Error> {
        self.plan(owner, bindings, context).map(|plan| self.commit(plan))
    }

    /// Frees everything the owner has and returns it; nothing, if it has nothing.
    pub fn release(&mut self, owner: &str) -> Vec<PortMapping> {
        let mappings = self.owners.remove(owner).unwrap_or_default();
        mappings.iter().for_each(|mapping| self.occupancy.remove(&Reservation::of(mapping)));
        mappings
    }

    /// What the owner has.
    pub fn mappings(&self, owner: &str) -> &[PortMapping] {
        self.owners.get(owner).map_or(&[], Vec::as_slice)
    }

    fn plan_over(
        &mut self,
        owner: &str,
        bindings: &[PortBinding],
        context: &Context<'_>,
        replaces: Option<Vec<PortMapping>>,
    ) -> Result<Plan, Error> {
        let (wishes, skipped) = wishes(bindings, context)?;
        // What the owner gives up is free for itself, and put back for everybody else before the book is left.
        let old = replaces.as_deref().unwrap_or_default();
        old.iter().for_each(|mapping| self.occupancy.remove(&Reservation::of(mapping)));
        let before = Before::new(old);
        let mut plan = Plan { owner: owner.into(), groups: Vec::new(), replaces, skipped };
        for wish in &wishes {
            let kept = before.host_ports(wish, context).filter(|&host| self.is_free(wish, host));
            let groups = match kept {
                Some(host) => Ok(vec![self.take(&plan.owner, wish, host)]),
                None => self.choose(&plan.owner, wish, context),
            };
            match groups {
                Ok(groups) => plan.groups.extend(groups),
                Err(error) => {
                    self.abort(plan);
                    return Err(error);
                }
            }
        }
        self.put_back(&plan.owner, plan.replaces.as_deref().unwrap_or_default());
        Ok(plan)
    }

    fn put_back(&mut self, owner: &Arc<str>, mappings: &[PortMapping]) {
        mappings.iter().for_each(|mapping| self.occupancy.insert(&Reservation::of(mapping), owner));
    }

    /// Finds and takes host ports for a wish; several groups if no run is long enough.
    fn choose(&mut self, owner: &Arc<str>, wish: &Wish, context: &Context<'_>) -> Result<Vec<Group>, Error> {
        let (range, reserved) = match wish.want {
            Want::Exact(offset) => return self.exact(owner, wish, shifted(wish.container, offset)?).map(|g| vec![g]),
            Want::Within(range, _) => (range, None),
            Want::Ephemeral => (context.ephemeral.range, Some(&context.ephemeral.reserved)),
        };
        check_itself(owner, wish, range)?;
        if let Some(host) = self.find(wish, range, reserved) {
            self.remember(wish, context, host.end);
            return Ok(vec![self.take(owner, wish, host)]);
        }
        let Some((low, high)) = halves(wish) else {
            return Err(Error::AllAllocated { range, protocol: wish.protocol });
        };
        let mut groups = self.choose(owner, &low, context)?;
        match self.choose(owner, &high, context) {
            Ok(more) => groups.extend(more),
            Err(error) => {
                let taken = groups.iter().flat_map(Group::reservations);
                taken.for_each(|reservation| self.occupancy.remove(&reservation));
                return Err(error);
            }
        }
        Ok(groups)
    }

    fn exact(&mut self, owner: &Arc<str>, wish: &Wish, host: PortRange) -> Result<Group, Error> {
        check_itself(owner, wish, host)?;
        for target in &wish.targets {
            let wanted = Reservation { protocol: wish.protocol, host_ip: target.host_ip, ports: host };
            if let Some(taken) = self.occupancy.taken(&wanted) {
                return Err(Error::Allocated {
                    host_ip: taken.host_ip,
                    port: taken.port,
                    protocol: wish.protocol,
                    holder: taken.holder.to_string(),
                });
            }
        }
        Ok(self.take(owner, wish, host))
    }

    fn take(&mut self, owner: &Arc<str>, wish: &Wish, host: PortRange) -> Group {
        let Wish { want, protocol, container, ref targets } = *wish;
        let group = Group { want, protocol, container, targets: targets.clone(), host, attempts: 0 };
        group.reservations().iter().for_each(|reservation| self.occupancy.insert(reservation, owner));
        group
    }

    fn is_free(&self, wish: &Wish, host: PortRange) -> bool {
        wish.targets.iter().all(|target| {
            let wanted = Reservation { protocol: wish.protocol, host_ip: target.host_ip, ports: host };
            self.occupancy.last_taken(&wanted).is_none()
        })
    }

    /// The next free run in `range`: after the last one given out, then from the start.
    fn find(&self, wish: &Wish, range: PortRange, reserved: Option<&PortSet>) -> Option<PortRange> {
        let length = u16::try_from(wish.container.count() - 1).ok()?;
        let top = range.end.checked_sub(length).filter(|&top| top >= range.start)?;
        let last = place(wish, range).and_then(|place| self.cursors.get(&place));
        let from = last.filter(|&&last| last < range.end).map_or(range.start, |last| last + 1);
        let search = |mut start: u16, upto: u16| {
            while start <= upto {
                let ports = PortRange { start, end: start + length };
                match self.last_in_the_way(wish, ports, reserved) {
                    None => return Some(ports),
                    Some(last) => start = last.checked_add(1)?,
                }
            }
            None
        };
        search(from, top).or_else(|| search(range.start, top.min(from.checked_sub(1)?)))
    }

    fn last_in_the_way(&self, wish: &Wish, ports: PortRange, reserved: Option<&PortSet>) -> Option<u16> {
        let wanted = |target: &Target| Reservation { protocol: wish.protocol, host_ip: target.host_ip, ports };
        let taken = wish.targets.iter().filter_map(|target| self.occupancy.last_taken(&wanted(target))).max();
        taken.max(reserved.and_then(|reserved| reserved.last_of_overlap(ports)))
    }

    fn remember(&mut self, wish: &Wish, context: &Context<'_>, last: u16) {
        let range = match wish.want {
            Want::Exact(_) => return,
            Want::Within(range, _) => range,
            Want::Ephemeral => context.ephemeral.range,
        };
        if let Some(place) = place(wish, range) {
            if self.cursors.len() >= MAX_CURSORS && !self.cursors.contains_key(&place) {
                self.cursors.clear();
            }
            self.cursors.insert(place, last);
        }
    }
}

fn place(wish: &Wish, range: PortRange) -> Option<Place> {
    wish.targets.first().map(|target| (target.host_ip, wish.protocol, range))
}

/// The wish that a mapping once came from. Stored mappings are checked: they may come from a damaged file.
fn stored(mapping: &PortMapping) -> Result<Wish, Error> {
    let PortRange { start, end } = mapping.host;
    let last = end.checked_sub(start).and_then(|length| mapping.container_start.checked_add(length));
    let (Some(last), true) = (last, start > 0 && mapping.container_start > 0) else {
        return Err(Error::Specification(format!("{}/{}", mapping.host, mapping.protocol)));
    };
    Ok(Wish {
        want: Want::Exact(i32::from(start) - i32::from(mapping.container_start)),
        protocol: mapping.protocol,
        container: PortRange { start: mapping.container_start, end: last },
        targets: vec![Target { host_ip: mapping.host_ip, container_ip: mapping.container_ip }],
    })
}

fn check_itself(owner: &Arc<str>, wish: &Wish, ports: PortRange) -> Result<(), Error> {
    wish.conflict_in_itself().map_or(Ok(()), |host_ip| {
        let (port, protocol, holder) = (ports.start, wish.protocol, owner.to_string());
        Err(Error::Allocated { host_ip, port, protocol, holder })
    })
}

fn halves(wish: &Wish) -> Option<(Wish, Wish)> {
    let PortRange { start, end } = wish.container;
    let middle = start + (end - start) / 2;
    let part = |start, end| Wish { container: PortRange { start, end }, ..wish.clone() };
    (start < end).then(|| (part(start, middle), part(middle + 1, end)))
}

fn shifted(container: PortRange, offset: i32) -> Result<PortRange, Error> {
    let shift = |port: u16| u16::try_from(i32::from(port) + offset).ok().filter(|&port| port > 0);
    match (shift(container.start), shift(container.end)) {
        (Some(start), Some(end)) => Ok(PortRange { start, end }),
        _ => Err(Error::Specification(container.to_string())),
    }
}

/// What an owner has, to be found by what it leads to.
struct Before {
    /// Host ports by protocol, host address and first container port.
    by_container: BTreeMap<(Protocol, IpAddr, u16), PortRange>,
}

impl Before {
    fn new(mappings: &[PortMapping]) -> Self {
        let key = |mapping: &PortMapping| (mapping.protocol, mapping.host_ip, mapping.container_start);
        Self { by_container: mappings.iter().map(|mapping| (key(mapping), mapping.host)).collect() }
    }

    /// The host ports that the wish has now, if they are the same on all its addresses and still will do.
    fn host_ports(&self, wish: &Wish, context: &Context<'_>) -> Option<PortRange> {
        let range = match wish.want {
            Want::Exact(_) => return None,
            Want::Within(range, _) => range,
            Want::Ephemeral => context.ephemeral.range,
        };
        let mut hosts = wish.targets.iter().map(|target| {
            let upto = (wish.protocol, target.host_ip, wish.container.start);
            let (&(protocol, host_ip, start), host) = self.by_container.range(..=upto).next_back()?;
            if (protocol, host_ip) != (wish.protocol, target.host_ip) {
                return None;
            }
            let first = host.start.checked_add(wish.container.start - start)?;
            let last = first.checked_add(wish.container.end - wish.container.start)?;
            (last <= host.end).then_some(PortRange { start: first, end: last })
        });
        let host = hosts.next()??;
        let same = hosts.all(|other| other == Some(host));
        (same && range.start <= host.start && host.end <= range.end).then_some(host)
    }
}

#[cfg(test)]
mod tests;
