//! The `null` driver: address management for networks that have no addresses of ours.
//!
//! Owns: its one pool for each family and its refusals. Must never return an address.

use crate::{AddressSpace, Error, PoolId, PoolLease, PoolRequest};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use pontoon_types::Family;
use std::net::IpAddr;

/// Docker's `null` IPAM driver. Only network drivers that address endpoints themselves can use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NullIpam;

impl NullIpam {
    /// The pool `null/0.0.0.0/0` or `null/::/0`. A certain subnet or range is refused; it may be asked for any number
    /// of times, and need not be released.
    pub fn request_pool(self, request: &PoolRequest<'_>) -> Result<PoolLease, Error> {
        if request.subnet.is_some() {
            return Err(Error::NullPool);
        }
        if request.range.is_some() {
            return Err(Error::NullSubPool);
        }
        let subnet = match request.family {
            Family::V4 => IpNet::V4(Ipv4Net::default()),
            Family::V6 => IpNet::V6(Ipv6Net::default()),
        };
        Ok(PoolLease { id: PoolId { space: AddressSpace::Null, subnet, range: None }, automatic: true })
    }

    /// Never an address, whatever is asked for.
    pub fn allocate(self, _wanted: Option<IpAddr>) -> Option<IpAddr> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(family: Family, subnet: Option<&str>, range: Option<&str>) -> Result<String, String> {
        let net = |text: &str| text.parse().unwrap();
        let request = PoolRequest { subnet: subnet.map(net), range: range.map(net), ..PoolRequest::any(family, "x") };
        NullIpam.request_pool(&request).map(|lease| lease.id.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn it_has_one_pool_for_each_family_and_no_addresses() {
        assert_eq!(ask(Family::V4, None, None).unwrap(), "null/0.0.0.0/0");
        assert_eq!(ask(Family::V6, None, None).unwrap(), "null/::/0");
        assert_eq!(NullIpam.allocate(Some("10.0.0.1".parse().unwrap())), None);
    }

    #[test]
    fn it_refuses_certain_pools() {
        assert_eq!(
            ask(Family::V4, Some("10.0.0.0/8"), None).unwrap_err(),
            "null ipam driver does not handle specific address pool requests"
        );
        assert_eq!(
            ask(Family::V6, None, Some("fd00::/64")).unwrap_err(),
            "null ipam driver does not handle specific address subpool requests"
        );
    }
}
