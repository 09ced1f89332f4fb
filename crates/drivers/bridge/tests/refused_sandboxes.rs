//! Sandboxes, endpoints and ports that are refused, in Docker's words (api-networks.md sections 8 to 10, ports.md section
//! 4), and that a refusal changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod common;

use common::refusals::*;
use common::*;
use pontoon_cnm::PruneFilter;
use pontoon_types::ErrorKind::{self, Conflict, Forbidden, Invalid, NotFound, System};
use pontoon_types::{EndpointSpec, Kind, NamespaceSource, SandboxSpec};

fn connect(
    kind: ErrorKind,
    text: &'static str,
    network: &'static str,
    sandbox: &'static str,
    spec: EndpointSpec,
) -> Refusal {
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
    let shared =
        "container sharing network namespace with another container or host cannot be connected to any other network";
    let private = "container cannot be connected to multiple networks with one of the networks in private (none) mode";
    check(vec![
        connect(NotFound, "No such container: missing", "net", "missing", nothing()),
        connect(NotFound, "No such container: missing", "missing", "missing", nothing()),
        connect(NotFound, "network missing not found", "missing", "s", nothing()),
        connect(
            Invalid,
            "cannot connect container to host network - container must be created in host network mode",
            "host",
            "s",
            nothing(),
        ),
        connect(Invalid, shared, "net", "h", nothing()),
        connect(Invalid, private, "none", "s", nothing()),
        connect(Invalid, private, "net", "alone", nothing()),
        connect(Forbidden, "endpoint with name s already exists in network net", "net", "s", nothing()),
        connect(Forbidden, "cannot create endpoint on configuration-only network", "settings", "s", nothing()),
        connect(Forbidden, "Address already in use", "tiny", "s", at("10.2.0.1")),
        connect(Forbidden, "Address already in use", "tiny", "s", at("10.2.0.3")),
        connect(
            Invalid,
            "invalid endpoint settings:\nno configured subnet contains IP address 10.9.9.9",
            "tiny",
            "s",
            at("10.9.9.9"),
        ),
        connect(
            Invalid,
            "invalid endpoint settings:\nno configured subnet contains IP address fd00::9",
            "tiny",
            "s",
            at("fd00::9"),
        ),
        connect(
            System,
            "no available IPv4 addresses on this network's address pools: tiny (<tiny>)",
            "tiny",
            "s",
            nothing(),
        ),
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
        connect(
            Invalid,
            "invalid endpoint settings:\ninvalid IPv6 address: ::ffff:10.2.0.2",
            "tiny",
            "s",
            at("::ffff:10.2.0.2"),
        ),
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
        refusal(System, "container <s> is not connected to network tiny", |world| {
            world.core.disconnect("tiny", "s", false)
        }),
        refusal(System, "container <s> is not connected to network tiny", |world| {
            world.core.disconnect("tiny", "s", true)
        }),
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
        "driver failed programming external connectivity on endpoint t ({endpoint}): Bind for 0.0.0.0:8080 failed: port is already allocated"
    );
    assert_eq!((text(&error), error.kind()), (expected, System));
    assert_same(&world.picture(), &before, "a refused port");
    world.host.occupy(pontoon_kernel::Reservation {
        protocol: pontoon_types::Protocol::Tcp,
        address: "0.0.0.0".parse().unwrap(),
        ports: pontoon_types::PortRange::single(81),
    });
    let error = world.core.set_ports("t", vec![port("81:80/tcp")]).unwrap_err();
    assert!(
        text(&error).ends_with("failed to bind host port 0.0.0.0:81/tcp: address already in use"),
        "{}",
        text(&error)
    );
    let elsewhere = pontoon_types::PortBinding { host_ip: Some("198.51.100.1".parse().unwrap()), ..port("80:80/tcp") };
    let error = world.core.set_ports("t", vec![elsewhere]).unwrap_err();
    let end = "failed to bind host port 198.51.100.1:80/tcp: cannot assign requested address";
    assert!(text(&error).ends_with(end), "{}", text(&error));
    assert_same(&world.picture(), &before, "a refused port");
    world.audit();
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
        bad(SandboxSpec {
            namespace: NamespaceSource::Host,
            ports: vec![port("80:80/tcp")],
            ..sandbox("x", &["host"])
        }),
        bad(SandboxSpec { sysctls: [("kernel.x".into(), "1".into())].into(), ..sandbox("x", &[]) }),
        bad(SandboxSpec { sysctls: [("net..x".into(), "1".into())].into(), ..sandbox("x", &[]) }),
        bad(SandboxSpec { sysctls: [("net.ipv4.../../x".into(), "1".into())].into(), ..sandbox("x", &[]) }),
        bad(SandboxSpec { hostname: "a b".into(), ..sandbox("x", &[]) }),
        bad(SandboxSpec { dns_search: vec!["a\nb".into()], ..sandbox("x", &[]) }),
        refusal_of(sandbox("s", &[]), Conflict),
        refusal_of(SandboxSpec { namespace: NamespaceSource::Pid(4242), ..sandbox("x", &[]) }, NotFound),
        refusal_of(
            SandboxSpec { namespace: NamespaceSource::Path("/run/netns/no".into()), ..sandbox("x", &[]) },
            NotFound,
        ),
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
