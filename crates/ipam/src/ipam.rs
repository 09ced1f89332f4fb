//! Address management of one host: what a controller holds.
//!
//! Owns: the rules by which pools and addresses are requested, restored and released, over the two books. Must
//! never keep what has to survive a restart: every lease can be put back with `restore_pool` and `restore_address`.

use crate::address_book::{AddressBook, Status};
use crate::interval_set::IntervalSet;
use crate::span::{self, Span};
use crate::subnet_book::SubnetBook;
use crate::{AddressPools, AddressSpace, Error, PoolId};
use ipnet::IpNet;
use pontoon_types::Family;
use std::net::IpAddr;

/// A prefix that the host itself uses; automatic subnets keep away from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The prefix.
    pub prefix: IpNet,
    /// What it is, e.g. `route on eth0` or `name server`.
    pub what: String,
}

/// What a network asks for.
#[derive(Clone, Copy, Debug)]
pub struct PoolRequest<'a> {
    /// IP version.
    pub family: Family,
    /// The subnet; `0.0.0.0/24` and `::/64` mean any of that size, `None` and `/0` any at all.
    pub subnet: Option<IpNet>,
    /// Part of the subnet from which addresses are handed out.
    pub range: Option<IpNet>,
    /// What the host uses; looked at for automatic subnets only, as in Docker.
    pub reserved: &'a [Reserved],
    /// The network's name, told to others whose subnet overlaps.
    pub owner: &'a str,
}

impl<'a> PoolRequest<'a> {
    /// Any subnet for the network `owner`.
    pub fn any(family: Family, owner: &'a str) -> Self {
        Self { family, subnet: None, range: None, reserved: &[], owner }
    }
}

/// A pool that a network holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLease {
    /// Its name; the subnet is in it.
    pub id: PoolId,
    /// Whether the subnet was picked from the default pools.
    pub automatic: bool,
}

/// An address that an endpoint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressLease {
    /// The pool it came from.
    pub pool: PoolId,
    /// The address, with the prefix length of the subnet (not of the range).
    pub address: IpNet,
}

/// The address management of one host. Every operation is logarithmic in what is in use, whatever the size of the
/// subnets; [`Ipam::status`] alone is linear in the number of gaps.
#[derive(Clone, Debug)]
pub struct Ipam {
    pools: AddressPools,
    v4: SubnetBook,
    v6: SubnetBook,
}

impl Ipam {
    /// Empty books over these default pools.
    pub fn new(pools: AddressPools) -> Self {
        Self { pools, v4: SubnetBook::new(Family::V4), v6: SubnetBook::new(Family::V6) }
    }

    /// A pool for a network: the subnet asked for, or the lowest free one of the default pools.
    ///
    /// A subnet without range must be apart from every subnet in use. With a range only the same subnet with the same
    /// range is refused, and users of one subnet share its addresses (Docker: for macvlan and ipvlan).
    pub fn request_pool(&mut self, request: &PoolRequest<'_>) -> Result<PoolLease, Error> {
        let chosen = request.subnet.filter(|subnet| !subnet.network().is_unspecified());
        let Some(subnet) = chosen else { return self.automatic_pool(request) };
        let range = request.range.map(|range| range_of(subnet, range)).transpose()?;
        if Family::of_net(&subnet) != request.family {
            return Err(Error::Families);
        }
        let subnet = subnet.trunc();
        let book = self.book_mut(request.family);
        if range.is_none() {
            book.check_apart(subnet)?;
        }
        book.insert(subnet, range, request.owner)?;
        Ok(PoolLease { id: PoolId::local(subnet, range), automatic: false })
    }

    /// Puts back a pool that a network held before a restart, whatever it overlaps. Fails only if somebody has
    /// exactly this pool, or if it is the `null` driver's.
    pub fn restore_pool(&mut self, id: &PoolId, owner: &str) -> Result<(), Error> {
        if id.space != AddressSpace::Local {
            return Err(Error::UnknownPool(*id));
        }
        self.book_mut(id.family()).insert(id.subnet, id.range, owner)
    }

    /// Gives a pool back. The addresses of the subnet go with its last user; while others share it, what this one
    /// still leases stays leased.
    pub fn release_pool(&mut self, id: &PoolId) -> Result<(), Error> {
        let found = self.book_mut(id.family()).remove(id.subnet, id.range);
        if found { Ok(()) } else { Err(Error::UnknownPool(*id)) }
    }

    /// The gateway address of a network: the one given, or the lowest free one of the range.
    pub fn allocate_gateway(&mut self, pool: &PoolId, wanted: Option<IpAddr>) -> Result<IpAddr, Error> {
        let fail = |cause| Error::Gateway { wanted, cause: Box::new(cause) };
        self.lease_role(pool, wanted, "the gateway".to_owned()).map_err(fail)
    }

    /// Sets an auxiliary address aside, inside or outside of the range.
    pub fn allocate_auxiliary(&mut self, pool: &PoolId, name: &str, address: IpAddr) -> Result<(), Error> {
        if !pool.subnet.contains(&address) {
            return Err(Error::AuxiliaryOutside { name: name.to_owned(), address, subnet: pool.subnet });
        }
        let fail = |cause| Error::Auxiliary { name: name.to_owned(), address, cause: Box::new(cause) };
        self.lease_role(pool, Some(address), format!("the auxiliary address {name:?}")).map(drop).map_err(fail)
    }

    /// An address of one pool: a certain one, anywhere in the subnet, or the lowest free one of the range.
    pub fn allocate(&mut self, pool: &PoolId, wanted: Option<IpAddr>) -> Result<AddressLease, Error> {
        let number = self.choose(pool, wanted)?;
        self.addresses_mut(pool)?.lease(number)?;
        Ok(lease(pool, number))
    }

    /// An address for an endpoint of a network with these pools of one family, tried in order. `network` is
    /// `name (id)`, for the text when all are full. With a certain address, the pool is the one that contains it.
    pub fn allocate_any(
        &mut self,
        pools: &[PoolId],
        wanted: Option<IpAddr>,
        network: &str,
    ) -> Result<AddressLease, Error> {
        if let Some(address) = wanted {
            let pool = pools.iter().find(|pool| pool.subnet.contains(&address));
            return self.allocate(pool.ok_or(Error::OutsideSubnets(address))?, wanted);
        }
        for pool in pools {
            match self.allocate(pool, None) {
                Err(Error::PoolFull) => {}
                other => return other,
            }
        }
        let family = pools.first().map_or(Family::V4, PoolId::family);
        Err(Error::NetworkFull { family, network: network.to_owned() })
    }

    /// Puts back an address that was leased before a restart.
    pub fn restore_address(&mut self, pool: &PoolId, address: IpAddr) -> Result<(), Error> {
        self.allocate(pool, Some(address)).map(drop)
    }

    /// Ends the lease of an address, be it an endpoint's, a gateway or an auxiliary one. One that is free is no error.
    pub fn release(&mut self, pool: &PoolId, address: IpAddr) -> Result<(), Error> {
        let book = self.addresses_mut(pool)?;
        if pool.subnet.contains(&address) {
            book.release(span::number(address));
        }
        Ok(())
    }

    /// How full a pool is.
    pub fn status(&self, pool: &PoolId) -> Result<Status, Error> {
        let book = self.book(pool.family()).addresses(&pool.subnet, pool.range.as_ref());
        Ok(book.ok_or(Error::UnknownPool(*pool))?.status(Span::of(&pool.window())))
    }

    fn automatic_pool(&mut self, request: &PoolRequest<'_>) -> Result<PoolLease, Error> {
        let family = request.family;
        if let Some(range) = request.range {
            return Err(match request.subnet.filter(|subnet| subnet.prefix_len() > 0) {
                Some(subnet) => Error::RangeOutside { range, subnet },
                None => Error::RangeWithoutSubnet(range),
            });
        }
        if request.subnet.is_some_and(|subnet| Family::of_net(&subnet) != family) {
            return Err(Error::Families);
        }
        let size = request.subnet.map(|subnet| subnet.prefix_len()).filter(|&size| size > 0);
        let subnet = self.free_subnet(family, size, request.reserved)?;
        self.book_mut(family).insert(subnet, None, request.owner)?;
        Ok(PoolLease { id: PoolId::local(subnet, None), automatic: true })
    }

    fn free_subnet(&self, family: Family, size: Option<u8>, reserved: &[Reserved]) -> Result<IpNet, Error> {
        let reserved: Vec<&Reserved> = reserved.iter().filter(|r| Family::of_net(&r.prefix) == family).collect();
        let mut taken = IntervalSet::default();
        reserved.iter().for_each(|r| taken.insert(Span::of(&r.prefix)));
        let pools = self.pools.of(family);
        let fitting = || pools.iter().filter(|pool| size.is_none_or(|size| pool.base.prefix_len() <= size));
        if let Some(size) = size
            && fitting().next().is_none()
        {
            return Err(Error::NoPoolOfSize { family, size });
        }
        let book = self.book(family);
        let found = fitting().find_map(|pool| book.lowest_free(&pool.base, size.unwrap_or(pool.size), &taken));
        found.ok_or_else(|| {
            let inside = |r: &&&Reserved| fitting().any(|pool| pool.base.contains(&r.prefix.network()));
            let held_back = reserved.iter().filter(inside).map(|r| format!("{} ({})", r.prefix, r.what)).collect();
            Error::PoolsExhausted { family, held_back }
        })
    }

    fn lease_role(&mut self, pool: &PoolId, wanted: Option<IpAddr>, role: String) -> Result<IpAddr, Error> {
        let number = self.choose(pool, wanted)?;
        self.addresses_mut(pool)?.lease_as(number, role)?;
        Ok(span::address(pool.family(), number))
    }

    /// The address that a request means: the wanted one if it is in the subnet, else the lowest free one.
    fn choose(&mut self, pool: &PoolId, wanted: Option<IpAddr>) -> Result<u128, Error> {
        let book = self.addresses_mut(pool)?;
        match wanted {
            Some(wanted) if pool.subnet.contains(&wanted) => Ok(span::number(wanted)),
            Some(wanted) => Err(Error::OutsideSubnets(wanted)),
            None => book.lowest_free(Span::of(&pool.window())).ok_or(Error::PoolFull),
        }
    }

    fn addresses_mut(&mut self, pool: &PoolId) -> Result<&mut AddressBook, Error> {
        let book = self.book_mut(pool.family());
        book.addresses_mut(&pool.subnet, pool.range.as_ref()).ok_or(Error::UnknownPool(*pool))
    }

    fn book(&self, family: Family) -> &SubnetBook {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    fn book_mut(&mut self, family: Family) -> &mut SubnetBook {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }
}

/// The range as it is used: host bits dropped, and no larger than the subnet (stored networks of before Docker 24).
fn range_of(subnet: IpNet, range: IpNet) -> Result<IpNet, Error> {
    if Family::of_net(&subnet) != Family::of_net(&range) {
        return Err(Error::Families);
    }
    if range.contains(&subnet.network()) && range.prefix_len() < subnet.prefix_len() {
        return Ok(subnet.trunc());
    }
    if !subnet.contains(&range.network()) {
        return Err(Error::RangeOutside { range, subnet });
    }
    Ok(range.trunc())
}

fn lease(pool: &PoolId, number: u128) -> AddressLease {
    let address = span::address(pool.family(), number);
    // The length is the subnet's own, so it always fits; an address alone is the harmless alternative.
    let address = IpNet::new(address, pool.subnet.prefix_len()).unwrap_or_else(|_| IpNet::from(address));
    AddressLease { pool: *pool, address }
}

#[cfg(test)]
mod tests;
