//! What is done to an endpoint's link inside its sandbox. Pure (sandbox.md section 5).

use super::record::EndpointRecord;
use pontoon_kernel::Op;
use pontoon_types::{Family, IpNet, LinkName};
use std::net::IpAddr;

/// Operations that configure a link that the driver has made, and bring it up.
///
/// IPv6 is switched off on the link of an endpoint without an IPv6 address, before it can come up
/// (CVE-2024-32473): an IPv4-only network must not leave link-local addresses behind.
pub fn configure(endpoint: &EndpointRecord, link: &LinkName, has_ipv6: bool, announce: bool) -> Vec<Op> {
    let mut ops = Vec::new();
    if has_ipv6 {
        let off = if endpoint.ipv6.is_some() { "0" } else { "1" };
        ops.push(Op::SetSysctl(format!("net/ipv6/conf/{link}/disable_ipv6"), off.into()));
    }
    if announce {
        // The kernel announces addresses itself when the link comes up: neighbours may remember another owner.
        ops.push(Op::SetSysctl(format!("net/ipv4/conf/{link}/arp_notify"), "1".into()));
        if endpoint.ipv6.is_some() && has_ipv6 {
            ops.push(Op::SetSysctl(format!("net/ipv6/conf/{link}/ndisc_notify"), "1".into()));
        }
    }
    for family in Family::BOTH {
        ops.extend(endpoint.address(family).map(|address| Op::AddAddress(link.clone(), address)));
    }
    ops.extend(
        endpoint.spec.link_local_ips.iter().map(|address| Op::AddAddress(link.clone(), link_local_net(*address))),
    );
    ops.extend(link_sysctls(endpoint, link));
    ops.push(Op::Up(link.clone()));
    ops
}

/// Sysctls that the user wants on the link; validated before.
fn link_sysctls(endpoint: &EndpointRecord, link: &LinkName) -> Vec<Op> {
    let sysctls = super::validate::sysctls(&endpoint.spec).unwrap_or_default();
    let path = |key: String| {
        // The name may contain a dot, so it is put in after the others became slashes.
        key.split('.').map(|part| if part == "IFNAME" { link.as_str() } else { part }).collect::<Vec<_>>().join("/")
    };
    sysctls.into_iter().map(|(key, value)| Op::SetSysctl(path(key), value)).collect()
}

/// Docker's prefix lengths for extra link-local addresses.
fn link_local_net(address: IpAddr) -> IpNet {
    let length = if address.is_ipv4() { 16 } else { 64 };
    // Both lengths fit their family.
    IpNet::new(address, length).unwrap_or_else(|_| IpNet::from(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::gateway::tests::endpoint;

    fn text(v6: bool, has_ipv6: bool) -> String {
        let link = "eth0".parse().unwrap();
        format!("{:?}", configure(&endpoint("net", 0, false, true, v6), &link, has_ipv6, true))
    }

    #[test]
    fn ipv6_is_switched_off_before_the_link_comes_up_where_the_endpoint_has_none() {
        let ops = text(false, true);
        assert!(ops.find("disable_ipv6\", \"1\"").unwrap() < ops.find("Up(").unwrap(), "{ops}");
        assert!(text(true, true).contains("disable_ipv6\", \"0\""));
        assert!(!text(false, false).contains("ipv6"));
    }

    #[test]
    fn link_sysctls_are_written_for_the_final_name() {
        let mut endpoint = endpoint("net", 0, false, true, false);
        let value = "net.ipv4.conf.IFNAME.rp_filter=2,net.ipv4.neigh.IFNAME.mcast_solicit=5".to_owned();
        endpoint.spec.driver_opts.insert(crate::network::options::SYSCTLS.into(), value);
        let link: LinkName = "wan.7".parse().unwrap();
        let ops = configure(&endpoint, &link, false, false);
        assert!(ops.contains(&Op::SetSysctl("net/ipv4/conf/wan.7/rp_filter".into(), "2".into())), "{ops:?}");
        assert!(ops.contains(&Op::SetSysctl("net/ipv4/neigh/wan.7/mcast_solicit".into(), "5".into())));
    }
}
