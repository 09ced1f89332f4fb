//! A network's subnets: taken from the address book when it is made, given back when it goes.

use super::record::{NetworkRecord, PoolRecord};
use super::view::SubnetUse;
use crate::controller::Controller;
use crate::driver::Traits;
use crate::{Error, Result};
use pontoon_ipam::{Ipam, NullIpam, PoolId, PoolRequest, Reserved};
use pontoon_kernel::{Netns, RouteTarget};
use pontoon_types::{Family, IpNet, PoolSpec};

impl PoolRecord {
    /// The pool's name in the address book.
    pub fn id(&self) -> PoolId {
        PoolId::local(self.subnet, self.range)
    }
}

impl Controller {
    /// Subnets, gateways and auxiliary addresses for a new network; nothing is taken on failure.
    pub(crate) fn take_pools(
        &self,
        record: &NetworkRecord,
        wanted: Vec<PoolSpec>,
        traits: Traits,
    ) -> Result<Vec<PoolRecord>> {
        if !traits.uses_ipam {
            return Ok(Vec::new());
        }
        let requests = requests(record, wanted);
        match record.ipam_driver.as_str() {
            "default" => {}
            "null" => return Err(null_pools(&requests)),
            other => return Err(Error::NoIpamDriver(other.to_owned())),
        }
        let automatic = requests.iter().any(|(_, spec)| spec.subnet.is_none_or(|net| net.network().is_unspecified()));
        let reserved = if automatic { self.reserved_prefixes()? } else { Vec::new() };
        let mut taken = Vec::new();
        let mut ipam = self.ipam();
        for (family, spec) in requests {
            match take_pool(&mut ipam, &record.name, family, spec, traits, &reserved) {
                Ok(pool) => taken.push(pool),
                Err(error) => {
                    taken.iter().for_each(|pool| give_back(&mut ipam, pool));
                    return Err(error.into());
                }
            }
        }
        Ok(taken)
    }

    /// Gives back what [`Controller::take_pools`] took.
    pub(crate) fn return_pools(&self, record: &NetworkRecord) {
        let mut ipam = self.ipam();
        record.pools.iter().for_each(|pool| give_back(&mut ipam, pool));
    }

    /// Puts a stored network's subnets back into the book after a restart.
    pub(crate) fn restore_pools(&self, record: &NetworkRecord) -> Result<()> {
        let mut ipam = self.ipam();
        for pool in &record.pools {
            let id = pool.id();
            ipam.restore_pool(&id, &record.name)?;
            if pool.gateway.is_some() {
                ipam.allocate_gateway(&id, pool.gateway)?;
            }
            for (name, address) in &pool.aux_addresses {
                ipam.allocate_auxiliary(&id, name, *address)?;
            }
        }
        Ok(())
    }

    /// How full a network's subnets are.
    pub(crate) fn subnet_use(&self, record: &NetworkRecord) -> Vec<SubnetUse> {
        let ipam = self.ipam();
        let status = |pool: &PoolRecord| {
            let status = ipam.status(&pool.id()).ok()?;
            Some(SubnetUse { subnet: pool.subnet, in_use: status.in_use, available: status.dynamic_available })
        };
        record.pools.iter().filter_map(status).collect()
    }

    /// What automatic subnets keep away from: the host's name servers and its on-link IPv4 routes (ipam.md section 3).
    fn reserved_prefixes(&self) -> Result<Vec<Reserved>> {
        let routes = self.kernel().routes(&Netns::Host).map_err(Error::kernel("read the host's routes"))?;
        let on_link = routes.into_iter().filter(|route| {
            let default = route.destination.prefix_len() == 0;
            !default && route.target == RouteTarget::OnLink && Family::of_net(&route.destination) == Family::V4
        });
        let routes = on_link.map(|route| Reserved { prefix: route.destination, what: "a route of this host".into() });
        let servers = self.host_name_servers().into_iter();
        let servers = servers.map(|address| Reserved { prefix: IpNet::from(address), what: "a name server".into() });
        Ok(routes.chain(servers).collect())
    }
}

/// The pools to ask for: entries of enabled families, and one automatic pool for a family without any.
fn requests(record: &NetworkRecord, wanted: Vec<PoolSpec>) -> Vec<(Family, PoolSpec)> {
    let family_of = |spec: &PoolSpec| spec.subnet.as_ref().map_or(Family::V4, Family::of_net);
    let mut requests = Vec::new();
    for family in Family::BOTH.into_iter().filter(|family| record.has(*family)) {
        let own: Vec<_> = wanted.iter().filter(|spec| family_of(spec) == family).cloned().collect();
        if own.is_empty() {
            requests.push((family, PoolSpec::default()));
        } else {
            requests.extend(own.into_iter().map(|spec| (family, spec)));
        }
    }
    requests
}

/// Drivers here need addresses, which the `null` IPAM driver never has (ipam.md section 9).
fn null_pools(requests: &[(Family, PoolSpec)]) -> Error {
    for (family, spec) in requests {
        let request = PoolRequest { subnet: spec.subnet, range: spec.ip_range, ..PoolRequest::any(*family, "") };
        if let Err(error) = NullIpam.request_pool(&request) {
            return error.into();
        }
    }
    let family = if requests.iter().any(|(family, _)| *family == Family::V4) { "ipv4" } else { "ipv6" };
    Error::driver(pontoon_types::ErrorKind::Invalid, format!("{family} pool is empty"))
}

fn take_pool(
    ipam: &mut Ipam,
    owner: &str,
    family: Family,
    spec: PoolSpec,
    traits: Traits,
    reserved: &[Reserved],
) -> std::result::Result<PoolRecord, pontoon_ipam::Error> {
    let request = PoolRequest { family, subnet: spec.subnet, range: spec.ip_range, reserved, owner };
    let lease = ipam.request_pool(&request)?;
    let mut pool = PoolRecord {
        subnet: lease.id.subnet,
        range: lease.id.range,
        gateway: None,
        aux_addresses: Default::default(),
        requested: !lease.automatic,
    };
    let filled = fill(ipam, &mut pool, spec, if family == Family::V4 { traits.gateway_v4 } else { traits.gateway_v6 });
    filled.inspect_err(|_| give_back(ipam, &pool))?;
    Ok(pool)
}

/// Gateway and auxiliary addresses.
fn fill(
    ipam: &mut Ipam,
    pool: &mut PoolRecord,
    spec: PoolSpec,
    wants_gateway: bool,
) -> std::result::Result<(), pontoon_ipam::Error> {
    let id = pool.id();
    if spec.gateway.is_some() {
        pool.gateway = Some(ipam.allocate_gateway(&id, spec.gateway)?);
    }
    for (name, address) in spec.aux_addresses {
        ipam.allocate_auxiliary(&id, &name, address)?;
        pool.aux_addresses.insert(name, address);
    }
    // An automatic gateway comes last, so that it is none of the auxiliary addresses.
    if spec.gateway.is_none() && wants_gateway {
        pool.gateway = Some(ipam.allocate_gateway(&id, None)?);
    }
    Ok(())
}

fn give_back(ipam: &mut Ipam, pool: &PoolRecord) {
    let id = pool.id();
    // A pool that the book does not know is given back already.
    for address in pool.gateway.iter().chain(pool.aux_addresses.values()) {
        let _ = ipam.release(&id, *address);
    }
    let _ = ipam.release_pool(&id);
}
