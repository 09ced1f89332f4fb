//! The checks of a network's `IPAM` section.
//!
//! Owns: finding everything that makes no sense in what the user gave, with Docker's texts. Must never ask which
//! pools are free: that is the book's matter.

use crate::{Error, Problems};
use ipnet::IpNet;
use pontoon_types::{Family, IpamSpec, PoolSpec};
use std::net::IpAddr;

/// Checks every entry of `spec` and reports all problems at once, as Docker 29 does. IPv6 entries are not looked at
/// when the network has no IPv6: they are never used.
pub fn validate(spec: &IpamSpec, ipv6_enabled: bool) -> Result<(), Error> {
    let problems = spec
        .pools
        .iter()
        .filter(|pool| ipv6_enabled || pool.subnet.is_none_or(|subnet| Family::of_net(&subnet) == Family::V4))
        .flat_map(entry)
        .collect();
    Problems::new(problems).map_or(Ok(()), |problems| Err(Error::NetworkConfig(problems)))
}

fn entry(pool: &PoolSpec) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(subnet) = pool.subnet
        && subnet != subnet.trunc()
    {
        problems.push(format!("invalid subnet {subnet}: it should be {}", subnet.trunc()));
    }
    if let Some(range) = pool.ip_range {
        problems.extend(range_problems(range, pool.subnet).map(|tail| format!("invalid ip-range {range}: {tail}")));
    }
    if let Some(gateway) = pool.gateway
        && let Some(tail) = address_problem(gateway, pool.subnet)
    {
        problems.push(format!("invalid gateway {gateway}: {tail}"));
    }
    for (name, &address) in &pool.aux_addresses {
        if let Some(tail) = address_problem(address, pool.subnet) {
            problems.push(format!("invalid auxiliary address {name}: {tail}"));
        }
    }
    problems
}

fn range_problems(range: IpNet, subnet: Option<IpNet>) -> impl Iterator<Item = String> {
    // Docker prints Go's name of an unset prefix here.
    let outside = |parent: &dyn std::fmt::Display| format!("parent subnet {parent} doesn't contain ip-range");
    let Some(subnet) = subnet else {
        let masked = (range != range.trunc()).then(|| not_masked(range));
        return [None, masked, Some(outside(&"invalid Prefix"))].into_iter().flatten();
    };
    if Family::of_net(&range) != Family::of_net(&subnet) {
        return [Some(wrong_family(&subnet)), None, None].into_iter().flatten();
    }
    let bigger = (range.prefix_len() < subnet.prefix_len())
        .then(|| format!("CIDR block is bigger than its parent subnet {subnet}"));
    let masked = (range != range.trunc()).then(|| not_masked(range));
    let apart = (!overlaps(&subnet, &range)).then(|| outside(&subnet));
    [bigger, masked, apart].into_iter().flatten()
}

fn address_problem(address: IpAddr, subnet: Option<IpNet>) -> Option<String> {
    match subnet {
        None => Some("parent subnet invalid Prefix doesn't contain this address".to_owned()),
        Some(subnet) if Family::of(address) != Family::of_net(&subnet) => Some(wrong_family(&subnet)),
        Some(subnet) if !subnet.contains(&address) => {
            Some(format!("parent subnet {subnet} doesn't contain this address"))
        }
        Some(_) => None,
    }
}

fn wrong_family(subnet: &IpNet) -> String {
    format!("parent subnet is an {} block", Family::of_net(subnet))
}

fn not_masked(range: IpNet) -> String {
    format!("it should be {}", range.trunc())
}

/// Prefixes are nested or apart, so one of them contains the other's first address when they share any.
fn overlaps(a: &IpNet, b: &IpNet) -> bool {
    a.contains(&b.network()) || b.contains(&a.network())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_types::{ErrorKind, Kind};

    struct Case(&'static str, &'static str, &'static str, &'static str);

    fn spec(Case(subnet, range, gateway, aux): &Case) -> IpamSpec {
        let pool = PoolSpec {
            subnet: subnet.parse().ok(),
            ip_range: range.parse().ok(),
            gateway: gateway.parse().ok(),
            aux_addresses: aux.parse().ok().map(|address| ("dev".to_owned(), address)).into_iter().collect(),
        };
        IpamSpec { pools: vec![pool], ..IpamSpec::default() }
    }

    #[test]
    fn each_problem_has_dockers_text() {
        let cases = [
            (Case("10.0.0.1/8", "", "", ""), "invalid subnet 10.0.0.1/8: it should be 10.0.0.0/8"),
            (Case("10.0.0.0/8", "fd00::/64", "", ""), "invalid ip-range fd00::/64: parent subnet is an IPv4 block"),
            (Case("fd00::/64", "10.0.0.0/24", "", ""), "invalid ip-range 10.0.0.0/24: parent subnet is an IPv6 block"),
            (
                Case("10.0.0.0/16", "10.0.0.0/8", "", ""),
                "invalid ip-range 10.0.0.0/8: CIDR block is bigger than its parent subnet 10.0.0.0/16",
            ),
            (Case("10.0.0.0/8", "10.0.0.1/24", "", ""), "invalid ip-range 10.0.0.1/24: it should be 10.0.0.0/24"),
            (
                Case("10.0.0.0/8", "11.0.0.0/24", "", ""),
                "invalid ip-range 11.0.0.0/24: parent subnet 10.0.0.0/8 doesn't contain ip-range",
            ),
            (
                Case("", "10.0.0.0/24", "", ""),
                "invalid ip-range 10.0.0.0/24: parent subnet invalid Prefix doesn't contain ip-range",
            ),
            (
                Case("", "", "10.0.0.1", ""),
                "invalid gateway 10.0.0.1: parent subnet invalid Prefix doesn't contain this address",
            ),
            (Case("10.0.0.0/8", "", "fd00::1", ""), "invalid gateway fd00::1: parent subnet is an IPv4 block"),
            (
                Case("10.0.0.0/8", "", "11.0.0.1", ""),
                "invalid gateway 11.0.0.1: parent subnet 10.0.0.0/8 doesn't contain this address",
            ),
            (Case("fd00::/64", "", "", "10.0.0.1"), "invalid auxiliary address dev: parent subnet is an IPv6 block"),
            (
                Case("10.0.0.0/8", "", "", "11.0.0.1"),
                "invalid auxiliary address dev: parent subnet 10.0.0.0/8 doesn't contain this address",
            ),
        ];
        for (case, text) in cases {
            let error = validate(&spec(&case), true).unwrap_err();
            assert_eq!(error.to_string(), format!("invalid network config:\n{text}"));
            assert_eq!(error.kind(), ErrorKind::Invalid);
        }
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let error = validate(&spec(&Case("10.0.0.1/16", "11.0.0.1/8", "12.0.0.1", "")), false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid network config:\n\
             * invalid subnet 10.0.0.1/16: it should be 10.0.0.0/16\n\
             * invalid ip-range 11.0.0.1/8: CIDR block is bigger than its parent subnet 10.0.0.1/16\n\
             * invalid ip-range 11.0.0.1/8: it should be 11.0.0.0/8\n\
             * invalid ip-range 11.0.0.1/8: parent subnet 10.0.0.1/16 doesn't contain ip-range\n\
             * invalid gateway 12.0.0.1: parent subnet 10.0.0.1/16 doesn't contain this address"
        );
    }

    #[test]
    fn ipv6_entries_are_not_looked_at_without_ipv6() {
        let wrong = Case("fd00::1/64", "fd00::/8", "10.0.0.1", "::1");
        assert_eq!(validate(&spec(&wrong), false), Ok(()));
        assert!(validate(&spec(&wrong), true).is_err());
    }

    #[test]
    fn sensible_entries_pass() {
        for case in [
            Case("", "", "", ""),
            Case("0.0.0.0/24", "", "", ""),
            Case("::/64", "", "", ""),
            Case("10.0.0.0/8", "10.0.0.0/8", "10.255.255.254", "10.3.3.3"),
            Case("fd00::/8", "fd00:1::/64", "fd00::", "fd00::2"),
        ] {
            assert_eq!(validate(&spec(&case), true), Ok(()));
        }
    }
}
