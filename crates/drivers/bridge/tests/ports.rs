//! Which network carries the default routes and the published ports, and how ports move and change (sandbox.md section
//! 4, ports.md sections 2 to 4 and 8).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod common;

use common::*;
use pontoon_kernel::fake::Flow;
use pontoon_kernel::{FlowKey, Kind, Reservation, RouteTarget};
use pontoon_types::{EndpointSpec, Family, PortBinding, PortMapping, PortRange, Protocol, SandboxSpec};
use std::net::IpAddr;

fn via(world: &World, sandbox: &str, family: Family) -> Option<IpAddr> {
    let record = world.sandbox(sandbox).record;
    let state = &world.host.snapshot().namespaces[&record.netns_id.unwrap()];
    let is_default = |route: &&pontoon_kernel::Route| {
        route.destination.prefix_len() == 0 && Family::of_net(&route.destination) == family
    };
    state.routes.iter().find(is_default).map(|route| match route.target {
        RouteTarget::Via(gateway) => gateway,
        RouteTarget::OnLink => unreachable!("default routes have a next hop"),
    })
}

fn gateway(world: &World, network: &str, family: Family) -> Option<IpAddr> {
    world.network(network).record.pool(family).and_then(|pool| pool.gateway)
}

fn carrier(world: &World, family: Family) -> Option<String> {
    let hop = via(world, "s", family)?;
    let networks = world.core.networks();
    let found = networks.iter().find(|view| view.record.pool(family).is_some_and(|pool| pool.gateway == Some(hop)));
    Some(found.unwrap().record.name.clone())
}

fn prefer(priority: i64) -> EndpointSpec {
    EndpointSpec { gw_priority: priority, ..EndpointSpec::default() }
}

#[test]
fn the_best_network_carries_the_default_routes() {
    let world = World::new();
    world.make_network("m");
    world.make_network("k");
    world.core.create_network(v4("a4")).unwrap();
    world.core.create_network(pontoon_types::NetworkSpec { enable_ipv4: Some(false), ..dual("a6") }).unwrap();
    world.core.create_network(pontoon_types::NetworkSpec { internal: true, ..dual("a-inner") }).unwrap();
    world.make_sandbox("s", &[]);
    assert_eq!((via(&world, "s", Family::V4), via(&world, "s", Family::V6)), (None, None));
    /// Network, joining or leaving, priority; and then who carries IPv4 and IPv6.
    type Step = (&'static str, bool, i64, Option<&'static str>, Option<&'static str>);
    let steps: [Step; 10] = [
        ("a-inner", true, 0, None, None),
        ("a4", true, 0, Some("a4"), None),
        ("m", true, 0, Some("m"), Some("m")),
        ("k", true, 0, Some("k"), Some("k")),
        ("a6", true, 0, Some("k"), Some("k")),
        ("k", false, 0, Some("m"), Some("m")),
        ("k", true, -1, Some("m"), Some("m")),
        ("a6", false, 0, Some("m"), Some("m")),
        ("a6", true, 9, Some("m"), Some("a6")),
        ("m", false, 0, Some("a4"), Some("a6")),
    ];
    for (network, joins, priority, v4, v6) in steps {
        match joins {
            true => world.core.connect(network, "s", prefer(priority)).unwrap(),
            false => world.core.disconnect(network, "s", false).unwrap(),
        }
        assert_eq!(carrier(&world, Family::V4).as_deref(), v4, "after {network}");
        assert_eq!(carrier(&world, Family::V6).as_deref(), v6, "after {network}");
        world.audit();
    }
    assert_eq!(gateway(&world, "a-inner", Family::V4).map(|_| ()), Some(()));
}

fn inside(world: &World, sandbox: &str, network: &str, family: Family) -> IpAddr {
    let record = world.sandbox(sandbox).record;
    record.endpoints.iter().find(|e| e.network_name == network).unwrap().address(family).unwrap().addr()
}

fn mappings(world: &World) -> Vec<PortMapping> {
    world.sandbox("s").record.mappings.clone()
}

#[test]
fn ports_follow_the_default_routes() {
    let world = World::new();
    world.make_network("b");
    world.make_network("a");
    world.core.create_network(v4("four")).unwrap();
    let ports = vec![port("8080:80/tcp"), port("53/udp")];
    world.core.create_sandbox(SandboxSpec { ports, ..sandbox("s", &["b"]) }).unwrap();
    let leads = |v4: &str, v6: &str| {
        for mapping in mappings(&world) {
            let family = Family::of(mapping.host_ip);
            let network = if family == Family::V4 { v4 } else { v6 };
            assert_eq!(mapping.container_ip, inside(&world, "s", network, family), "{mapping:?}");
        }
        assert_eq!(mappings(&world).len(), 4);
        world.audit();
    };
    leads("b", "b");
    world.core.connect("a", "s", EndpointSpec::default()).unwrap();
    leads("a", "a");
    world.core.connect("four", "s", prefer(1)).unwrap();
    leads("four", "a");
    world.core.disconnect("a", "s", false).unwrap();
    leads("four", "b");
    world.core.disconnect("four", "s", false).unwrap();
    leads("b", "b");
    world.core.disconnect("b", "s", false).unwrap();
    assert_eq!(mappings(&world), []);
    world.audit();
    world.core.connect("a", "s", EndpointSpec::default()).unwrap();
    leads("a", "a");
}

#[test]
fn a_port_has_the_same_number_in_both_families() {
    let world = World::new();
    world.make_network("n");
    let ports =
        (0..40).map(|index| PortBinding { container: PortRange::single(1000 + index), ..port("80/tcp") }).collect();
    world.core.create_sandbox(SandboxSpec { ports, ..sandbox("s", &["n"]) }).unwrap();
    let all = mappings(&world);
    for index in 0..40 {
        let of = |is_v4: bool| {
            let found = all.iter().find(|m| m.host_ip.is_ipv4() == is_v4 && m.container().contains(1000 + index));
            let mapping = found.unwrap();
            mapping.host.start + (1000 + index - mapping.container_start)
        };
        assert_eq!(of(true), of(false));
    }
    world.audit();
}

#[test]
fn an_ephemeral_port_avoids_what_other_programs_hold() {
    let world = World::new();
    world.make_network("n");
    for number in 32768..32773 {
        world.host.occupy(Reservation {
            protocol: Protocol::Tcp,
            address: "::".parse().unwrap(),
            ports: PortRange::single(number),
        });
    }
    world.core.create_sandbox(SandboxSpec { ports: vec![port("80/tcp")], ..sandbox("s", &["n"]) }).unwrap();
    let numbers: Vec<_> = mappings(&world).iter().map(|m| m.host.start).collect();
    assert_eq!(numbers, [32773, 32773]);
    world.audit();
}

#[test]
fn every_kind_of_port_works_on_every_kind_of_network() {
    let world = World::new();
    world.core.create_network(v4("four")).unwrap();
    world.core.create_network(pontoon_types::NetworkSpec { enable_ipv4: Some(false), ..dual("six") }).unwrap();
    world.make_network("both");
    for network in ["four", "six", "both", "bridge"] {
        for protocol in ["tcp", "udp", "sctp"] {
            for host in ["", "80:", "8000-8010:"] {
                let what = format!("{host}80/{protocol} on {network}");
                let spec =
                    SandboxSpec { ports: vec![port(&format!("{host}80/{protocol}"))], ..sandbox("s", &[network]) };
                world.core.create_sandbox(spec).unwrap_or_else(|error| panic!("{what}: {}", text(&error)));
                assert!(!mappings(&world).is_empty(), "{what}");
                world.audit();
                world.core.remove_sandbox("s").unwrap();
            }
        }
    }
}

#[test]
fn addresses_of_the_host_choose_the_family() {
    let world = World::new();
    world.make_network("n");
    world.make_sandbox("s", &["n"]);
    for (address, count) in
        [("127.0.0.1", 1), ("::1", 1), ("0.0.0.0", 1), ("::", 1), ("192.0.2.2", 1), ("2001:db8::2", 1)]
    {
        let address: IpAddr = address.parse().unwrap();
        let binding = PortBinding { host_ip: Some(address), ..port("80:80/tcp") };
        world.core.set_ports("s", vec![binding]).unwrap();
        assert_eq!(mappings(&world).len(), count, "{address}");
        assert_eq!(mappings(&world)[0].host_ip, address);
        world.audit();
    }
}

#[test]
fn ports_in_both_lists_are_not_interrupted() {
    let world = World::new();
    world.make_network("n");
    let ports = vec![port("8080:80/tcp"), port("443/tcp"), port("53:53/udp")];
    world.core.create_sandbox(SandboxSpec { ports, ..sandbox("s", &["n"]) }).unwrap();
    let before = mappings(&world);
    world.host.forget_writes();
    world.core.set_ports("s", vec![port("8080:80/tcp"), port("443/tcp"), port("54:53/udp")]).unwrap();
    let kept: Vec<_> = before.iter().filter(|mapping| mapping.protocol == Protocol::Tcp).collect();
    assert_eq!(kept.len(), 4);
    assert!(kept.iter().all(|mapping| mappings(&world).contains(mapping)), "ephemeral numbers stay");
    let commits: Vec<_> = world
        .host
        .writes()
        .into_iter()
        .filter_map(|write| match write {
            pontoon_kernel::fake::Write::Commit(_, transaction) => Some(transaction.changes),
            _ => None,
        })
        .collect();
    assert_eq!(commits.len(), 1, "one transaction");
    let elements: usize = commits[0]
        .iter()
        .map(|change| match change {
            pontoon_kernel::nft::Change::AddElements(all) | pontoon_kernel::nft::Change::DeleteElements(all) => {
                all.len()
            }
            _ => 99,
        })
        .sum();
    // Out and in, in each family; IPv6 has one more for sources that only the forwarder can answer.
    assert_eq!(elements, 6);
    world.audit();
    world.host.forget_writes();
    world.core.set_ports("s", vec![port("8080:80/tcp"), port("443/tcp"), port("54:53/udp")]).unwrap();
    assert_eq!(world.host.writes(), []);
}

#[test]
fn a_range_is_one_element_whatever_its_length() {
    let world = World::new();
    world.make_network("n");
    world.make_sandbox("s", &["n"]);
    world.host.forget_writes();
    world.core.set_ports("s", vec![port("20000-29999:20000-29999/tcp"), port("20000-29999:20000-29999/udp")]).unwrap();
    assert_eq!(mappings(&world).len(), 4);
    let elements: usize = world
        .host
        .writes()
        .into_iter()
        .map(|write| match write {
            pontoon_kernel::fake::Write::Commit(_, transaction) => transaction
                .changes
                .iter()
                .map(|change| match change {
                    pontoon_kernel::nft::Change::AddElements(all) => all.len(),
                    _ => 99,
                })
                .sum(),
            _ => 0,
        })
        .sum();
    assert!(elements <= 8, "{elements}");
    world.audit();
}

#[test]
fn two_sandboxes_never_have_one_port() {
    let world = World::new();
    world.make_network("n");
    world.make_network("m");
    world.core.create_sandbox(SandboxSpec { ports: vec![port("80:80/tcp")], ..sandbox("a", &["n"]) }).unwrap();
    let before = world.picture();
    for (binding, taken) in [("80:80/tcp", true), ("79-81:90-92/tcp", true), ("80:80/udp", false), ("81:80/tcp", false)]
    {
        let made = world.core.create_sandbox(SandboxSpec { ports: vec![port(binding)], ..sandbox("s", &["m"]) });
        assert_eq!(made.is_err(), taken, "{binding}");
        if made.is_ok() {
            world.audit();
            world.core.remove_sandbox("s").unwrap();
        }
        world.audit();
    }
    assert_eq!(world.picture().ports, before.ports);
    world.core.remove_sandbox("a").unwrap();
    world.core.create_sandbox(SandboxSpec { ports: vec![port("80:80/tcp")], ..sandbox("s", &["m"]) }).unwrap();
    world.audit();
}

#[test]
fn a_failed_move_leaves_every_number_what_it_was() {
    let world = World::new();
    world.make_network("b");
    world.make_network("a");
    world.make_sandbox("neighbour", &["a"]);
    let ports = vec![port("80/tcp"), port("90/tcp"), port("8080:81/tcp")];
    world.core.create_sandbox(SandboxSpec { ports, ..sandbox("s", &["b"]) }).unwrap();
    // So that a new search would find other numbers.
    world.core.create_sandbox(SandboxSpec { ports: vec![port("80/tcp")], ..sandbox("t", &["b"]) }).unwrap();
    world.core.remove_sandbox("t").unwrap();
    let before = world.picture();
    world.stores.fail_on(1);
    assert!(world.core.connect("a", "s", EndpointSpec::default()).is_err());
    assert_same(&world.picture(), &before, "a failed connect");
    world.host.fail_on(5, Kind::Busy);
    assert!(world.core.set_ports("s", vec![port("70:80/tcp"), port("71:90/tcp")]).is_err());
    world.host.cancel_failure();
    assert_same(&world.picture(), &before, "a failed change");
    world.audit();
}

#[test]
fn ports_that_cannot_move_on_leaving_are_left_closed_and_open_later() {
    let world = World::new();
    world.make_network("b");
    world.make_network("a");
    let ports = vec![port("8080:80/tcp")];
    world.core.create_sandbox(SandboxSpec { ports, ..sandbox("s", &["a", "b"]) }).unwrap();
    let ops = {
        let count = world.host.operations();
        world.core.disconnect("a", "s", false).unwrap();
        let ops = world.host.operations() - count;
        world.core.connect("a", "s", EndpointSpec::default()).unwrap();
        ops
    };
    let mut closed = 0;
    for nth in 1..=ops {
        world.host.fail_on(nth, Kind::Busy);
        let left = world.core.disconnect("a", "s", false);
        world.host.cancel_failure();
        if left.is_ok() {
            closed += usize::from(mappings(&world).is_empty());
            world.core.connect("a", "s", EndpointSpec::default()).unwrap();
        }
        assert_eq!(mappings(&world).len(), 2, "operation {nth}");
        world.core.repair().unwrap();
        world.audit();
    }
    assert!(closed > 0, "some failure must have hit the move");
}

fn flow(protocol: Protocol, source: &str, destination: &str, inside: &str) -> Flow {
    let address = |text: &str| text.parse().unwrap();
    Flow {
        original: FlowKey { protocol, source: address(source), destination: address(destination) },
        reply: FlowKey { protocol, source: address(inside), destination: address(source) },
    }
}

#[test]
fn flows_of_addresses_and_ports_that_change_hands_are_forgotten_before_they_are_used_again() {
    let world = World::tracking();
    world.core.create_network(pooled(v4("n"), vec![pool("10.9.0.0/30")])).unwrap();
    world.core.create_sandbox(SandboxSpec { ports: vec![port("53:53/udp")], ..sandbox("s", &["n"]) }).unwrap();
    world.host.track(flow(Protocol::Udp, "192.0.2.9:5000", "192.0.2.2:53", "10.9.0.2:53"));
    world.host.track(flow(Protocol::Tcp, "10.9.0.2:4000", "198.51.100.1:80", "198.51.100.1:80"));
    world.host.track(flow(Protocol::Tcp, "192.0.2.9:5001", "192.0.2.2:22", "192.0.2.2:22"));
    world.core.remove_sandbox("s").unwrap();
    // The only address there is: whoever takes it waits until nothing remembers its last owner.
    world.make_sandbox("t", &["n"]);
    let left = world.host.snapshot().flows;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].original.destination.port(), 22);
    world.core.remove_sandbox("t").unwrap();
    world.core.remove_network("n").unwrap();
}
