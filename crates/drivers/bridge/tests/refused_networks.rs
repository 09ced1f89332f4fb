//! Networks that are refused, in Docker's words (api-networks.md sections 4, 6, 7 and 11, bridge.md section 1, ipam.md),
//! and that a refusal changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod common;

use common::refusals::*;
use common::*;
use pontoon_cnm::PruneFilter;
use pontoon_types::ErrorKind::{self, Conflict, Forbidden, Invalid, NotFound, NotImplemented, System};
use pontoon_types::{IpamSpec, Kind, NetworkSpec, PoolSpec};

fn option(kind: ErrorKind, text: &'static str, key: &str, value: &str) -> Refusal {
    create(kind, text, with(dual("new"), &[(key, value)]))
}

fn ipam(pools: Vec<PoolSpec>) -> NetworkSpec {
    pooled(dual("new"), pools)
}

fn full(subnet: &str, range: Option<&str>, gateway: Option<&str>, aux: &[(&str, &str)]) -> PoolSpec {
    PoolSpec {
        subnet: Some(subnet.parse().unwrap()),
        ip_range: range.map(|range| range.parse().unwrap()),
        gateway: gateway.map(|gateway| gateway.parse().unwrap()),
        aux_addresses: aux.iter().map(|(key, value)| ((*key).to_owned(), value.parse().unwrap())).collect(),
    }
}

#[test]
fn networks_are_refused_in_dockers_words() {
    let operator = "configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.";
    let own = "user-specified configurations are not supported if the network depends on a configuration network";
    let follow = |spec: NetworkSpec| NetworkSpec { config_from: Some(from("settings")), ..spec };
    let config = || NetworkSpec { config_only: true, ..v4("new") };
    check(vec![
        create(Forbidden, "operation is not permitted on predefined bridge network ", v4("bridge")),
        create(Forbidden, "operation is not permitted on predefined host network ", v4("host")),
        create(Forbidden, "operation is not permitted on predefined none network ", v4("none")),
        create(Forbidden, "operation is not permitted on predefined default network ", v4("default")),
        create(
            Forbidden,
            "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.",
            NetworkSpec { driver: "overlay".into(), ..v4("new") },
        ),
        create(
            Invalid,
            "driver-opt \"com.docker.network.enable_ipv4\" is not a valid bool",
            with(v4("new"), &[("com.docker.network.enable_ipv4", "yes")]),
        ),
        create(
            Invalid,
            "driver-opt \"com.docker.network.enable_ipv6\" is not a valid bool",
            with(v4(""), &[("com.docker.network.enable_ipv6", "")]),
        ),
        create(Invalid, "invalid name: name is empty", v4("")),
        create(Invalid, "invalid name: name is empty", v4(" \t")),
        create(Conflict, "network with name net already exists", v4("net")),
        create(
            Conflict,
            "network with name net already exists",
            NetworkSpec { config_only: true, internal: true, ..v4("net") },
        ),
        create(Forbidden, operator, NetworkSpec { internal: true, ..config() }),
        create(Forbidden, operator, NetworkSpec { attachable: true, ..config() }),
        create(Forbidden, operator, NetworkSpec { ingress: true, ..config() }),
        create(Forbidden, operator, NetworkSpec { scope: "local".into(), ..config() }),
        option(
            System,
            "value for option com.docker.network.advertise_addr_nmsgs \"x\" must be an integer",
            "com.docker.network.advertise_addr_nmsgs",
            "x",
        ),
        option(
            System,
            "com.docker.network.advertise_addr_nmsgs must be in the range 0 to 3",
            "com.docker.network.advertise_addr_nmsgs",
            "4",
        ),
        option(
            System,
            "value for option com.docker.network.advertise_addr_ms \"1s\" must be integer milliseconds",
            "com.docker.network.advertise_addr_ms",
            "1s",
        ),
        option(
            System,
            "com.docker.network.advertise_addr_ms must be in the range 100 to 2000",
            "com.docker.network.advertise_addr_ms",
            "99",
        ),
        create(Forbidden, "a configuration network cannot depend on another configuration network", follow(config())),
        create(Forbidden, own, follow(NetworkSpec { enable_ipv4: Some(false), ..v4("new") })),
        create(Forbidden, own, follow(dual("new"))),
        create(Forbidden, own, follow(NetworkSpec { labels: [("a".into(), "b".into())].into(), ..v4("new") })),
        create(Forbidden, own, follow(pooled(v4("new"), vec![pool("10.9.0.0/16")]))),
        create(
            Forbidden,
            own,
            follow(NetworkSpec { ipam: IpamSpec { driver: Some("other".into()), ..IpamSpec::default() }, ..v4("new") }),
        ),
        create(
            Forbidden,
            "network driver options are not supported if the network depends on a configuration network",
            follow(with(v4("new"), &[("a", "b")])),
        ),
        create(NotFound, "plugin \"nonsense\" not found", NetworkSpec { driver: "nonsense".into(), ..v4("new") }),
        create(
            Forbidden,
            "Ingress network can only be global scope network",
            NetworkSpec { ingress: true, ..v4("new") },
        ),
        create(
            NotFound,
            "configuration network \"missing\" does not exist",
            NetworkSpec { config_from: Some(from("missing")), ..v4("new") },
        ),
        create(
            NotFound,
            "configuration network \"net\" does not exist",
            NetworkSpec { config_from: Some(from("net")), ..v4("new") },
        ),
        create(
            Forbidden,
            "cannot create a swarm scoped network when swarm is not active",
            NetworkSpec { scope: "swarm".into(), ..v4("new") },
        ),
        create(
            Invalid,
            "invalid ipam driver: \"other\"",
            NetworkSpec { ipam: IpamSpec { driver: Some("other".into()), ..IpamSpec::default() }, ..v4("new") },
        ),
        create(
            Invalid,
            "ipv4 pool is empty",
            NetworkSpec { ipam: IpamSpec { driver: Some("null".into()), ..IpamSpec::default() }, ..v4("new") },
        ),
        create(
            Invalid,
            "null ipam driver does not handle specific address pool requests",
            NetworkSpec {
                ipam: IpamSpec { driver: Some("null".into()), pools: vec![pool("10.9.0.0/16")], options: None },
                ..v4("new")
            },
        ),
    ]);
}

#[test]
fn address_settings_are_refused_in_dockers_words() {
    check(vec![
        create(
            Invalid,
            "invalid network config:\ninvalid subnet 10.0.0.1/8: it should be 10.0.0.0/8",
            ipam(vec![pool("10.0.0.1/8")]),
        ),
        create(
            Invalid,
            "invalid network config:\n* invalid subnet 10.9.0.1/16: it should be 10.9.0.0/16\n* invalid subnet fd00::1/64: it should be fd00::/64",
            ipam(vec![pool("10.9.0.1/16"), pool("fd00::1/64")]),
        ),
        create(
            Invalid,
            "invalid network config:\ninvalid ip-range fd00::/80: parent subnet is an IPv4 block",
            ipam(vec![full("10.9.0.0/16", Some("fd00::/80"), None, &[])]),
        ),
        create(
            Invalid,
            "invalid network config:\ninvalid ip-range 10.0.0.0/8: CIDR block is bigger than its parent subnet 10.9.0.0/16",
            ipam(vec![full("10.9.0.0/16", Some("10.0.0.0/8"), None, &[])]),
        ),
        create(
            Invalid,
            "invalid network config:\ninvalid ip-range 10.9.1.1/24: it should be 10.9.1.0/24",
            ipam(vec![full("10.9.0.0/16", Some("10.9.1.1/24"), None, &[])]),
        ),
        create(
            Invalid,
            "invalid network config:\ninvalid ip-range 10.8.1.0/24: parent subnet 10.9.0.0/16 doesn't contain ip-range",
            ipam(vec![full("10.9.0.0/16", Some("10.8.1.0/24"), None, &[])]),
        ),
        create(
            Invalid,
            "invalid network config:\ninvalid gateway fd00::1: parent subnet is an IPv4 block",
            ipam(vec![full("10.9.0.0/16", None, Some("fd00::1"), &[])]),
        ),
        create(
            Invalid,
            "invalid network config:\ninvalid gateway 10.8.0.1: parent subnet 10.9.0.0/16 doesn't contain this address",
            ipam(vec![full("10.9.0.0/16", None, Some("10.8.0.1"), &[])]),
        ),
        create(
            Invalid,
            "invalid network config:\ninvalid auxiliary address router: parent subnet 10.9.0.0/16 doesn't contain this address",
            ipam(vec![full("10.9.0.0/16", None, None, &[("router", "10.8.0.1")])]),
        ),
        create(
            Forbidden,
            "invalid pool request: Pool overlaps with other one on this address space (10.1.2.0/24 overlaps 10.1.0.0/16 of network \"net\")",
            ipam(vec![pool("10.1.2.0/24")]),
        ),
        create(
            System,
            "failed to allocate gateway (10.9.0.0): Address already in use",
            ipam(vec![full("10.9.0.0/16", None, Some("10.9.0.0"), &[])]),
        ),
        create(
            System,
            "failed to allocate secondary ip address (a:10.9.0.1): Address already in use",
            ipam(vec![full("10.9.0.0/16", None, Some("10.9.0.1"), &[("a", "10.9.0.1")])]),
        ),
        create(Invalid, "invalid address pool", ipam(vec![pool("0.0.0.0/8")])),
    ]);
}

#[test]
fn bridge_options_are_refused_in_dockers_words() {
    let b = "com.docker.network.bridge";
    let flag = |key: &'static str, text: &'static str| option(Invalid, text, key, "x");
    let refusals = vec![
        flag(
            "com.docker.network.bridge.enable_icc",
            "failed to parse com.docker.network.bridge.enable_icc value: x (strconv.ParseBool: parsing \"x\": invalid syntax)",
        ),
        flag(
            "com.docker.network.bridge.enable_ip_masquerade",
            "failed to parse com.docker.network.bridge.enable_ip_masquerade value: x (strconv.ParseBool: parsing \"x\": invalid syntax)",
        ),
        flag(
            "com.docker.network.bridge.inhibit_ipv4",
            "failed to parse com.docker.network.bridge.inhibit_ipv4 value: x (strconv.ParseBool: parsing \"x\": invalid syntax)",
        ),
        flag(
            "com.docker.network.bridge.host_binding_ipv4",
            "failed to parse com.docker.network.bridge.host_binding_ipv4 value: x (nil ip)",
        ),
        flag(
            "com.docker.network.bridge.gateway_mode_ipv4",
            "failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: x (unknown gateway mode x)",
        ),
        flag(
            "com.docker.network.bridge.gateway_mode_ipv6",
            "failed to parse com.docker.network.bridge.gateway_mode_ipv6 value: x (unknown gateway mode x)",
        ),
        flag(
            "com.docker.network.driver.mtu",
            "failed to parse com.docker.network.driver.mtu value: x (strconv.Atoi: parsing \"x\": invalid syntax)",
        ),
        option(Invalid, "invalid MTU number: -1", "com.docker.network.driver.mtu", "-1"),
        option(
            System,
            "gateway mode 'isolated' can only be used for an internal network",
            "com.docker.network.bridge.gateway_mode_ipv4",
            "isolated",
        ),
        create(Invalid, "IPv4 or IPv6 must be enabled", NetworkSpec { enable_ipv4: Some(false), ..v4("new") }),
        create(
            Forbidden,
            "bridge driver doesn't support multiple subnets",
            ipam(vec![pool("10.8.0.0/16"), pool("10.9.0.0/16")]),
        ),
        create(
            Invalid,
            "no gateway can be set on an internal bridge network",
            NetworkSpec {
                internal: true,
                ..ipam(vec![full("10.9.0.0/16", None, None, &[("DefaultGatewayIPv4", "10.9.0.9")])])
            },
        ),
        create(Invalid, "multicast subnet 'ff02::/64' is not allowed", ipam(vec![pool("ff02::/64")])),
        create(Invalid, "'fe80::/80' clashes with the Link-Local prefix 'fe80::/64'", ipam(vec![pool("fe80::/80")])),
        create(Invalid, "'fe80::/10' clashes with the Link-Local prefix 'fe80::/64'", ipam(vec![pool("fe80::/10")])),
        create(System, "existing interface eth0 is not a bridge", with(v4("new"), &[(&format!("{b}.name"), "eth0")])),
    ];
    check(refusals);
    let world = furnished();
    let net = world.network("net").record.clone();
    let name = format!("br-{}", net.id.short());
    let error = world.core.create_network(with(v4("new"), &[("com.docker.network.bridge.name", &name)])).unwrap_err();
    assert_eq!(error.kind(), Forbidden);
    assert!(text(&error).starts_with("cannot create network "), "{}", text(&error));
    let end = format!(" ({name}): conflicts with network {} ({name}): networks have same bridge name", net.id);
    assert!(text(&error).ends_with(&end), "{}", text(&error));
    // The book allows nested subnets when a range is given; the driver does not.
    let spec = ipam(vec![full("10.1.0.0/24", Some("10.1.0.0/25"), None, &[])]);
    let error = world.core.create_network(NetworkSpec { enable_ipv6: None, ..spec }).unwrap_err();
    assert_eq!(error.kind(), Forbidden);
    assert!(text(&error).ends_with("networks have overlapping IPv4"), "{}", text(&error));
    world.audit();
}

#[test]
fn what_comes_later_says_so() {
    let later = |what: &'static str, spec: NetworkSpec| create(NotImplemented, what, spec);
    check(vec![
        later(
            "gateway mode 'routed' is not implemented",
            with(v4("new"), &[("com.docker.network.bridge.gateway_mode_ipv4", "routed")]),
        ),
        later(
            "gateway mode 'nat-unprotected' is not implemented",
            with(v4("new"), &[("com.docker.network.bridge.gateway_mode_ipv6", "nat-unprotected")]),
        ),
        later(
            "network option com.docker.network.bridge.trusted_host_interfaces is not implemented",
            with(v4("new"), &[("com.docker.network.bridge.trusted_host_interfaces", "eth0")]),
        ),
        later(
            "network option com.docker.network.host_ipv4 is not implemented",
            with(v4("new"), &[("com.docker.network.host_ipv4", "192.0.2.2")]),
        ),
        later(
            "network option com.docker.network.host_ipv6 is not implemented",
            with(v4("new"), &[("com.docker.network.host_ipv6", "2001:db8::2")]),
        ),
        later("network driver \"macvlan\" is not implemented", NetworkSpec { driver: "macvlan".into(), ..v4("new") }),
        later("network driver \"ipvlan\" is not implemented", NetworkSpec { driver: "ipvlan".into(), ..v4("new") }),
    ]);
}

#[test]
fn finding_and_removing_is_refused_in_dockers_words() {
    check(vec![
        refusal(NotFound, "network missing not found", |world| world.core.network("missing").map(drop)),
        refusal(NotFound, "network missing not found", |world| world.core.remove_network("missing")),
        refusal(NotFound, "network  not found", |world| world.core.remove_network("")),
        refusal(Forbidden, "bridge is a pre-defined network and cannot be removed", |world| {
            world.core.remove_network("bridge")
        }),
        refusal(Forbidden, "host is a pre-defined network and cannot be removed", |world| {
            world.core.remove_network("host")
        }),
        refusal(Forbidden, "none is a pre-defined network and cannot be removed", |world| {
            let id = world.network("none").record.id.to_string();
            world.core.remove_network(&id)
        }),
        refusal(
            Forbidden,
            "error while removing network: network net has active endpoints (name:\"s\" id:\"<ep s>\")",
            |world| world.core.remove_network("net"),
        ),
        refusal(Forbidden, "error while removing network: configuration network \"settings\" is in use", |world| {
            world.core.remove_network("settings")
        }),
        refusal(NotFound, "No such container: missing", |world| world.core.remove_sandbox("missing")),
    ]);
}

#[test]
fn pruning_takes_what_is_unused_and_not_kept() {
    let world = furnished();
    world.core.create_network(NetworkSpec { labels: [("keep".into(), "1".into())].into(), ..v4("kept") }).unwrap();
    world.make_network("unused");
    let (_, mut news) = world.core.events().subscribe();
    let filter = PruneFilter { not_labels: vec![("keep".into(), None)], ..PruneFilter::default() };
    let mut removed = world.core.prune_networks(&filter).unwrap();
    removed.sort();
    assert_eq!(removed, ["follower", "unused"]);
    let mut told = Vec::new();
    while let Ok(event) = news.try_recv() {
        told.push((event.action.clone(), event.actor.is_empty(), event.attributes.get("reclaimed").cloned()));
    }
    assert_eq!(told.len(), 3);
    assert_eq!(told[2], ("prune".into(), true, Some("0".into())));
    world.audit();
    assert_eq!(world.core.prune_networks(&filter).unwrap(), Vec::<String>::new());
}
