//! What is refused, in Docker's words (api-networks.md sections 4 and 6 to 11, bridge.md section 1, ipam.md), and that a
//! refusal changes nothing.

mod common;

use common::*;
use pontoon_cnm::PruneFilter;
use pontoon_types::ErrorKind::{self, Conflict, Forbidden, Invalid, NotFound, NotImplemented, System};
use pontoon_types::{
    ConfigFrom, EndpointSpec, IpamSpec, Kind, NamespaceSource, NetworkSpec, PoolSpec, SandboxSpec,
};

struct Refusal {
    kind: ErrorKind,
    text: &'static str,
    request: Box<dyn Fn(&World) -> Outcome>,
}

fn refusal(kind: ErrorKind, text: &'static str, request: impl Fn(&World) -> Outcome + 'static) -> Refusal {
    Refusal { kind, text, request: Box::new(request) }
}

fn create(kind: ErrorKind, text: &'static str, spec: NetworkSpec) -> Refusal {
    refusal(kind, text, move |world| world.core.create_network(spec.clone()).map(drop))
}

fn option(kind: ErrorKind, text: &'static str, key: &str, value: &str) -> Refusal {
    create(kind, text, with(dual("new"), &[(key, value)]))
}

/// A world in which the texts below hold; ids in them are put in.
fn furnished() -> World {
    let world = World::new();
    world.core.create_network(pooled(v4("net"), vec![pool("10.1.0.0/16")])).unwrap();
    world.core.create_network(pooled(v4("tiny"), vec![pool("10.2.0.0/30")])).unwrap();
    world.core.create_network(NetworkSpec { config_only: true, ..v4("settings") }).unwrap();
    world.core.create_network(NetworkSpec { config_from: Some(from("settings")), ..v4("follower") }).unwrap();
    world.make_sandbox("s", &["net"]);
    world.make_sandbox("t", &["tiny"]);
    world.make_sandbox("alone", &["none"]);
    world.core.create_sandbox(SandboxSpec { namespace: NamespaceSource::Host, ..sandbox("h", &["host"]) }).unwrap();
    world
}

fn from(name: &str) -> ConfigFrom {
    ConfigFrom { network: name.into() }
}

fn check(refusals: Vec<Refusal>) {
    let world = furnished();
    world.audit();
    let before = world.picture();
    for Refusal { kind, text: wanted, request } in refusals {
        let mut wanted = wanted.to_owned();
        for network in world.core.networks() {
            let record = &network.record;
            wanted = wanted.replace(&format!("<{}>", record.name), &record.id.to_string());
        }
        for sandbox in world.core.sandboxes() {
            let record = &sandbox.record;
            wanted = wanted.replace(&format!("<{}>", record.name), &record.id.to_string());
            for endpoint in &record.endpoints {
                wanted = wanted.replace(&format!("<ep {}>", record.name), &endpoint.id.short());
            }
        }
        let error = request(&world).expect_err(&wanted);
        let told = text(&error);
        assert_eq!(told, wanted);
        assert_eq!(error.kind(), kind, "{told}");
        assert_same(&world.picture(), &before, &told);
    }
    world.audit();
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
        create(Conflict, "network with name net already exists", NetworkSpec { config_only: true, internal: true, ..v4("net") }),
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
        create(Invalid, "invalid network config:\ninvalid subnet 10.0.0.1/8: it should be 10.0.0.0/8", ipam(vec![pool("10.0.0.1/8")])),
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
        create(
            Invalid,
            "invalid address pool",
            ipam(vec![pool("0.0.0.0/8")]),
        ),
    ]);
}

#[test]
fn bridge_options_are_refused_in_dockers_words() {
    let b = "com.docker.network.bridge";
    let flag = |key: &'static str, text: &'static str| option(Invalid, text, key, "x");
    let refusals = vec![
        flag("com.docker.network.bridge.enable_icc", "failed to parse com.docker.network.bridge.enable_icc value: x (strconv.ParseBool: parsing \"x\": invalid syntax)"),
        flag("com.docker.network.bridge.enable_ip_masquerade", "failed to parse com.docker.network.bridge.enable_ip_masquerade value: x (strconv.ParseBool: parsing \"x\": invalid syntax)"),
        flag("com.docker.network.bridge.inhibit_ipv4", "failed to parse com.docker.network.bridge.inhibit_ipv4 value: x (strconv.ParseBool: parsing \"x\": invalid syntax)"),
        flag("com.docker.network.bridge.host_binding_ipv4", "failed to parse com.docker.network.bridge.host_binding_ipv4 value: x (nil ip)"),
        flag("com.docker.network.bridge.gateway_mode_ipv4", "failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: x (unknown gateway mode x)"),
        flag("com.docker.network.bridge.gateway_mode_ipv6", "failed to parse com.docker.network.bridge.gateway_mode_ipv6 value: x (unknown gateway mode x)"),
        flag("com.docker.network.driver.mtu", "failed to parse com.docker.network.driver.mtu value: x (strconv.Atoi: parsing \"x\": invalid syntax)"),
        option(Invalid, "invalid MTU number: -1", "com.docker.network.driver.mtu", "-1"),
        option(
            System,
            "gateway mode 'isolated' can only be used for an internal network",
            "com.docker.network.bridge.gateway_mode_ipv4",
            "isolated",
        ),
        create(Invalid, "IPv4 or IPv6 must be enabled", NetworkSpec { enable_ipv4: Some(false), ..v4("new") }),
        create(Forbidden, "bridge driver doesn't support multiple subnets", ipam(vec![pool("10.8.0.0/16"), pool("10.9.0.0/16")])),
        create(
            Invalid,
            "no gateway can be set on an internal bridge network",
            NetworkSpec { internal: true, ..ipam(vec![full("10.9.0.0/16", None, None, &[("DefaultGatewayIPv4", "10.9.0.9")])]) },
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
        refusal(Forbidden, "bridge is a pre-defined network and cannot be removed", |world| world.core.remove_network("bridge")),
        refusal(Forbidden, "host is a pre-defined network and cannot be removed", |world| world.core.remove_network("host")),
        refusal(Forbidden, "none is a pre-defined network and cannot be removed", |world| {
            let id = world.network("none").record.id.to_string();
            world.core.remove_network(&id)
        }),
        refusal(
            Forbidden,
            "error while removing network: network net has active endpoints (name:\"s\" id:\"<ep s>\")",
            |world| world.core.remove_network("net"),
        ),
        refusal(
            Forbidden,
            "error while removing network: configuration network \"settings\" is in use",
            |world| world.core.remove_network("settings"),
        ),
        refusal(NotFound, "No such container: missing", |world| world.core.remove_sandbox("missing")),
    ]);
}

fn connect(kind: ErrorKind, text: &'static str, network: &'static str, sandbox: &'static str, spec: EndpointSpec) -> Refusal {
    refusal(kind, text, move |world| world.core.connect(network, sandbox, spec.clone()))
}

fn at(address: &str) -> EndpointSpec {
    let address: std::net::IpAddr = address.parse().unwrap();
    match address.is_ipv4() {
        true => EndpointSpec { ipv4: Some(address), ..EndpointSpec::default() },
        false => EndpointSpec { ipv6: Some(address), ..EndpointSpec::default() },
    }
}

fn opt(key: &str, value: &str) -> EndpointSpec {
    EndpointSpec { driver_opts: [(key.to_owned(), value.to_owned())].into(), ..EndpointSpec::default() }
}

#[test]
fn connecting_is_refused_in_dockers_words() {
    let nothing = EndpointSpec::default;
    let shared = "container sharing network namespace with another container or host cannot be connected to any other network";
    let private = "container cannot be connected to multiple networks with one of the networks in private (none) mode";
    check(vec![
        connect(NotFound, "No such container: missing", "net", "missing", nothing()),
        connect(NotFound, "No such container: missing", "missing", "missing", nothing()),
        connect(NotFound, "network missing not found", "missing", "s", nothing()),
        connect(Invalid, "cannot connect container to host network - container must be created in host network mode", "host", "s", nothing()),
        connect(Invalid, shared, "net", "h", nothing()),
        connect(Invalid, private, "none", "s", nothing()),
        connect(Invalid, private, "net", "alone", nothing()),
        connect(Forbidden, "endpoint with name s already exists in network net", "net", "s", nothing()),
        connect(Forbidden, "cannot create endpoint on configuration-only network", "settings", "s", nothing()),
        connect(Forbidden, "Address already in use", "tiny", "s", at("10.2.0.1")),
        connect(Forbidden, "Address already in use", "tiny", "s", at("10.2.0.3")),
        connect(Invalid, "invalid endpoint settings:\nno configured subnet contains IP address 10.9.9.9", "tiny", "s", at("10.9.9.9")),
        connect(Invalid, "invalid endpoint settings:\nno configured subnet contains IP address fd00::9", "tiny", "s", at("fd00::9")),
        connect(System, "no available IPv4 addresses on this network's address pools: tiny (<tiny>)", "tiny", "s", nothing()),
        connect(
            Invalid,
            "invalid endpoint settings:\nuser-specified IP address is supported on user-defined networks only",
            "bridge",
            "s",
            at("172.17.0.9"),
        ),
        connect(
            Invalid,
            "invalid endpoint settings:\nnetwork-scoped aliases are only supported for user-defined networks",
            "bridge",
            "s",
            EndpointSpec { aliases: vec!["a".into()], ..nothing() },
        ),
        connect(Invalid, "invalid endpoint settings:\ninvalid IPv4 address: 0.0.0.0", "tiny", "s", at("0.0.0.0")),
        connect(
            Invalid,
            "invalid endpoint settings:\n* invalid IPv4 address: fd00::1\n* invalid IPv6 address: 10.2.0.2",
            "tiny",
            "s",
            EndpointSpec {
                ipv4: Some("fd00::1".parse().unwrap()),
                ipv6: Some("10.2.0.2".parse().unwrap()),
                ..nothing()
            },
        ),
        connect(Invalid, "invalid endpoint settings:\ninvalid IPv6 address: ::", "tiny", "s", at("::")),
        connect(Invalid, "invalid endpoint settings:\ninvalid IPv6 address: ::ffff:10.2.0.2", "tiny", "s", at("::ffff:10.2.0.2")),
        connect(
            Invalid,
            "invalid endpoint settings:\ninvalid link-local IP address: 0.0.0.0",
            "tiny",
            "s",
            EndpointSpec { link_local_ips: vec!["0.0.0.0".parse().unwrap()], ..nothing() },
        ),
        connect(
            Invalid,
            "invalid link local IP address: 10.1.1.1",
            "tiny",
            "s",
            EndpointSpec { link_local_ips: vec!["10.1.1.1".parse().unwrap()], ..nothing() },
        ),
        connect(
            Invalid,
            "invalid endpoint settings:\nunrecognised network interface sysctl 'net.ipv4.conf.eth0.x=1'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'",
            "tiny",
            "s",
            opt("com.docker.network.endpoint.sysctls", "net.ipv4.conf.eth0.x=1"),
        ),
        refusal(NotFound, "network missing not found", |world| {
            world.core.create_sandbox(sandbox("new", &["net", "missing"])).map(drop)
        }),
    ]);
}

#[test]
fn a_mapped_address_is_the_ipv4_address_in_it() {
    let world = furnished();
    world.make_sandbox("new", &[]);
    let spec = EndpointSpec { ipv4: Some("::ffff:10.1.7.7".parse().unwrap()), ..EndpointSpec::default() };
    world.core.connect("net", "new", spec).unwrap();
    assert_eq!(world.sandbox("new").record.endpoints[0].ipv4, Some("10.1.7.7/16".parse().unwrap()));
    world.audit();
}

#[test]
fn disconnecting_is_refused_in_dockers_words() {
    check(vec![
        refusal(NotFound, "No such container: missing", |world| world.core.disconnect("net", "missing", false)),
        refusal(NotFound, "endpoint missing not found", |world| world.core.disconnect("net", "missing", true)),
        refusal(NotFound, "network missing not found", |world| world.core.disconnect("missing", "missing", true)),
        refusal(NotFound, "network missing not found", |world| world.core.disconnect("missing", "s", false)),
        refusal(
            Invalid,
            "cannot disconnect container from host network - container was created in host network mode",
            |world| world.core.disconnect("host", "h", false),
        ),
        refusal(System, "container <s> is not connected to network tiny", |world| world.core.disconnect("tiny", "s", false)),
        refusal(System, "container <s> is not connected to network tiny", |world| world.core.disconnect("tiny", "s", true)),
    ]);
}

#[test]
fn ports_are_refused_in_dockers_words() {
    let world = furnished();
    world.core.set_ports("s", vec![port("8080:80/tcp")]).unwrap();
    let before = world.picture();
    let error = world.core.set_ports("t", vec![port("8080:80/tcp")]).unwrap_err();
    let endpoint = world.sandbox("t").record.endpoints[0].id;
    let expected = format!(
        "failed to set up container networking: driver failed programming external connectivity on endpoint t ({endpoint}): Bind for 0.0.0.0:8080 failed: port is already allocated"
    );
    assert_eq!((text(&error), error.kind()), (expected, System));
    assert_same(&world.picture(), &before, "a refused port");
    world.host.occupy(pontoon_kernel::Reservation {
        protocol: pontoon_types::Protocol::Tcp,
        address: "0.0.0.0".parse().unwrap(),
        ports: pontoon_types::PortRange::single(81),
    });
    let error = world.core.set_ports("t", vec![port("81:80/tcp")]).unwrap_err();
    assert!(text(&error).ends_with("failed to bind host port 0.0.0.0:81/tcp: address already in use"), "{}", text(&error));
    let elsewhere = pontoon_types::PortBinding { host_ip: Some("198.51.100.1".parse().unwrap()), ..port("80:80/tcp") };
    let error = world.core.set_ports("t", vec![elsewhere]).unwrap_err();
    let end = "failed to bind host port 198.51.100.1:80/tcp: cannot assign requested address";
    assert!(text(&error).ends_with(end), "{}", text(&error));
    assert_same(&world.picture(), &before, "a refused port");
    world.audit();
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

#[test]
fn a_core_that_shuts_down_changes_nothing_more() {
    let world = furnished();
    let before = world.picture();
    world.core.close();
    let outcomes = [
        world.core.create_network(v4("new")).map(drop),
        world.core.remove_network("net"),
        world.core.create_sandbox(sandbox("new", &[])).map(drop),
        world.core.remove_sandbox("s"),
        world.core.connect("net", "alone", EndpointSpec::default()),
        world.core.disconnect("net", "s", true),
        world.core.set_ports("s", Vec::new()),
        world.core.prune_networks(&PruneFilter::default()).map(drop),
    ];
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    assert_same(&world.picture(), &before, "after closing");
}

#[test]
fn sandboxes_that_make_no_sense_are_refused() {
    let bad = |spec: SandboxSpec| refusal_of(spec, Invalid);
    let refusals = vec![
        bad(sandbox("-x", &[])),
        bad(sandbox("a/b", &[])),
        bad(sandbox(&"x".repeat(129), &[])),
        bad(SandboxSpec { namespace: NamespaceSource::Host, ports: vec![port("80:80/tcp")], ..sandbox("x", &["host"]) }),
        bad(SandboxSpec { sysctls: [("kernel.x".into(), "1".into())].into(), ..sandbox("x", &[]) }),
        bad(SandboxSpec { sysctls: [("net..x".into(), "1".into())].into(), ..sandbox("x", &[]) }),
        bad(SandboxSpec { sysctls: [("net.ipv4.../../x".into(), "1".into())].into(), ..sandbox("x", &[]) }),
        bad(SandboxSpec { hostname: "a b".into(), ..sandbox("x", &[]) }),
        bad(SandboxSpec { dns_search: vec!["a\nb".into()], ..sandbox("x", &[]) }),
        refusal_of(sandbox("s", &[]), Conflict),
        refusal_of(SandboxSpec { namespace: NamespaceSource::Pid(4242), ..sandbox("x", &[]) }, NotFound),
        refusal_of(SandboxSpec { namespace: NamespaceSource::Path("/run/netns/no".into()), ..sandbox("x", &[]) }, NotFound),
    ];
    let world = furnished();
    let before = world.picture();
    for (spec, kind) in refusals {
        let error = world.core.create_sandbox(spec.clone()).expect_err(&format!("{spec:?}"));
        assert_eq!(error.kind(), kind, "{spec:?}: {}", text(&error));
        assert_same(&world.picture(), &before, &text(&error));
    }
}

fn refusal_of(spec: SandboxSpec, kind: ErrorKind) -> (SandboxSpec, ErrorKind) {
    (spec, kind)
}
