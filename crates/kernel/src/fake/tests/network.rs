//! Addresses, routes and sysctls.

use super::*;
use crate::{Kind, RouteTarget};

fn route(destination: &str, via: Option<&str>, link: Option<&str>) -> Op {
    let target = via.map_or(RouteTarget::OnLink, |gateway| RouteTarget::Via(gateway.parse().unwrap()));
    Op::SetRoute { destination: net(destination), target, link: link.map(name) }
}

fn set(key: &str, value: &str) -> Op {
    Op::SetSysctl(key.into(), value.into())
}

/// A sandbox whose `eth0` is up with an address of each family.
fn configured() -> (FakeHost, Netns) {
    let (host, sandbox) = joined();
    let add = |text| Op::AddAddress(name("eth0"), net(text));
    host.apply(&sandbox, &[add("10.0.0.2/24"), add("fd00::2/64"), Op::Up(name("eth0"))]).unwrap();
    (host, sandbox)
}

#[test]
fn routes_to_subnets_come_and_go_with_addresses_and_link_state() {
    let (host, sandbox) = configured();
    assert_eq!(routes(&host, &sandbox), ["10.0.0.0/24", "::1/128", "fd00::/64", "fe80::/64"]);
    host.apply(&sandbox, &[Op::RemoveAddress(name("eth0"), net("10.0.0.2/24"))]).unwrap();
    assert_eq!(routes(&host, &sandbox), ["::1/128", "fd00::/64", "fe80::/64"]);
    host.apply(&sandbox, &[Op::Down(name("eth0"))]).unwrap();
    assert_eq!(routes(&host, &sandbox), ["::1/128"]);
}

#[test]
fn a_link_that_goes_down_keeps_its_ipv4_addresses_and_loses_its_ipv6_ones() {
    let (host, sandbox) = configured();
    host.apply(&sandbox, &[Op::Down(name("eth0"))]).unwrap();
    assert_eq!(addresses(&host, &sandbox, "eth0"), ["10.0.0.2/24"]);
    host.apply(&sandbox, &[Op::Up(name("eth0"))]).unwrap();
    let with_link_local = ["10.0.0.2/24", "fe80::ff:fe00:1/64"];
    assert_eq!(addresses(&host, &sandbox, "eth0"), with_link_local);
}

#[test]
fn a_link_local_address_comes_with_carrier_unless_ipv6_is_off() {
    let (host, sandbox) = joined();
    assert!(addresses(&host, &Netns::Host, "veth0").is_empty(), "the other end is down");
    host.apply(&sandbox, &[Op::Up(name("eth0"))]).unwrap();
    assert_eq!(addresses(&host, &Netns::Host, "veth0").len(), 1);
    host.apply(&sandbox, &[set("net/ipv6/conf/eth0/disable_ipv6", "1")]).unwrap();
    assert!(addresses(&host, &sandbox, "eth0").is_empty());
}

#[test]
fn an_ipv6_address_is_refused_where_ipv6_is_off() {
    let (host, sandbox) = joined();
    host.apply(&sandbox, &[set("net/ipv6/conf/eth0/disable_ipv6", "1")]).unwrap();
    let failed = host.apply(&sandbox, &[Op::AddAddress(name("eth0"), net("fd00::2/64"))]).unwrap_err();
    assert_eq!(failed.cause.kind, Kind::Denied);
    let host = FakeHost::without_ipv6();
    let failed = host.apply(&Netns::Host, &[Op::AddAddress(name("eth0"), net("fd00::2/64"))]).unwrap_err();
    assert_eq!(failed.cause.kind, Kind::NotSupported);
    assert_eq!(host.sysctl(&Netns::Host, "net/ipv6/conf/lo/disable_ipv6").unwrap(), None);
    assert_eq!(addresses(&host, &Netns::Host, "lo"), ["127.0.0.1/8"]);
}

#[test]
fn adding_an_address_again_is_no_error_and_changes_nothing() {
    let (host, sandbox) = configured();
    let before = host.snapshot();
    host.apply(&sandbox, &[Op::AddAddress(name("eth0"), net("fd00::2/64"))]).unwrap();
    assert_eq!(host.snapshot(), before);
    let failed = host.apply(&sandbox, &[Op::AddAddress(name("eth0"), net("fd00::2/80"))]).unwrap_err();
    assert_eq!(failed.cause.kind, Kind::Exists, "as Linux: one IPv6 address has one prefix length");
}

#[test]
fn a_gateway_must_be_one_step_away_over_a_link_that_is_up() {
    let (host, sandbox) = configured();
    let before = host.snapshot();
    for op in [
        route("0.0.0.0/0", Some("10.9.9.1"), None),
        route("::/0", Some("fd99::1"), Some("eth0")),
        route("::/0", Some("fe80::1"), None),
        route("10.5.0.0/16", Some("10.0.0.1"), Some("lo")),
        route("10.5.0.0/16", None, None),
        route("10.5.0.0/16", None, Some("eth9")),
    ] {
        assert!(host.apply(&sandbox, std::slice::from_ref(&op)).is_err(), "{op:?}");
    }
    assert_eq!(host.snapshot(), before);
    host.apply(&sandbox, &[route("0.0.0.0/0", Some("10.0.0.1"), None), route("::/0", Some("fe80::1"), Some("eth0"))])
        .unwrap();
    host.apply(&sandbox, &[Op::Down(name("eth0"))]).unwrap();
    assert!(host.apply(&sandbox, &[route("0.0.0.0/0", Some("10.0.0.1"), Some("eth0"))]).is_err());
}

#[test]
fn our_route_to_a_destination_is_replaced_and_removed_and_others_stay() {
    let (host, sandbox) = configured();
    let default = |gateway| route("0.0.0.0/0", Some(gateway), None);
    host.apply(&sandbox, &[default("10.0.0.1"), default("10.0.0.254")]).unwrap();
    let found = host.routes(&sandbox).unwrap();
    let found: Vec<_> = found.iter().filter(|route| route.destination.prefix_len() == 0).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].target, RouteTarget::Via("10.0.0.254".parse().unwrap()));
    host.apply(&sandbox, &[Op::RemoveRoute(net("0.0.0.0/0"))]).unwrap();
    assert!(!routes(&host, &sandbox).contains(&"0.0.0.0/0".to_owned()));
    let before = host.snapshot();
    host.apply(&Netns::Host, &[Op::RemoveRoute(net("0.0.0.0/0"))]).unwrap();
    assert_eq!(host.snapshot(), before, "the host's own default route is not ours");
}

#[test]
fn routes_go_when_their_link_goes_down_or_loses_its_last_ipv4_address() {
    for last in [Op::Down(name("eth0")), Op::RemoveAddress(name("eth0"), net("10.0.0.2/24"))] {
        let (host, sandbox) = configured();
        host.apply(&sandbox, &[route("0.0.0.0/0", Some("10.0.0.1"), None), last.clone()]).unwrap();
        assert!(!routes(&host, &sandbox).contains(&"0.0.0.0/0".to_owned()), "{last:?}");
    }
}

#[test]
fn sysctls_of_a_link_come_and_go_with_it_and_follow_its_name() {
    let (host, _) = joined();
    let read = |key: &str| host.sysctl(&Netns::Host, key).unwrap();
    host.apply(&Netns::Host, &[set("net/ipv4/conf/br0/route_localnet", "1")]).unwrap();
    assert_eq!(read("net/ipv6/conf/br0/accept_ra").as_deref(), Some("0"), "a new bridge accepts no advertisements");
    host.apply(&Netns::Host, &[Op::Rename(name("br0"), name("br.1"))]).unwrap();
    assert_eq!(read("net/ipv4/conf/br.1/route_localnet").as_deref(), Some("1"));
    assert_eq!(read("net/ipv4/conf/br0/route_localnet"), None);
    host.delete_link(&Netns::Host, &name("br.1")).unwrap();
    assert_eq!(read("net/ipv4/conf/br.1/route_localnet"), None);
}

#[test]
fn settings_for_all_and_default_reach_the_links_they_are_for() {
    let (host, sandbox) = joined();
    let read = |key: &str| host.sysctl(&sandbox, key).unwrap();
    assert_eq!(read("net/ipv4/ip_forward").as_deref(), Some("0"), "a new namespace forwards nothing");
    let ops = [set("net/ipv4/ip_forward", "1"), set("net/ipv6/conf/default/disable_ipv6", "1")];
    host.apply(&sandbox, &ops).unwrap();
    assert_eq!(read("net/ipv4/conf/eth0/forwarding").as_deref(), Some("1"));
    assert_eq!(read("net/ipv6/conf/eth0/disable_ipv6").as_deref(), Some("0"), "default is for links to come");
    let second = VethSpec { peer: name("eth1"), ..veth("veth1", "br0", &sandbox) };
    host.apply(&Netns::Host, &[Op::CreateVeth(second)]).unwrap();
    assert_eq!(read("net/ipv6/conf/eth1/disable_ipv6").as_deref(), Some("1"));
    host.apply(&sandbox, &[set("net/ipv6/conf/all/disable_ipv6", "1")]).unwrap();
    assert_eq!(read("net/ipv6/conf/lo/disable_ipv6").as_deref(), Some("1"));
    assert_eq!(addresses(&host, &sandbox, "lo"), ["127.0.0.1/8"]);
}
