//! The daemon goes and comes back: nothing is written where nothing changed, and whatever happened meanwhile is put right.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod common;

use common::scenarios::all;
use common::*;
use pontoon_kernel::fake::FakeHost;
use pontoon_kernel::{Kernel, LinkGroup, LinkKind, Netns, Op, Reservation};
use pontoon_types::{LinkName, NamespaceSource, PortRange, Protocol, SandboxSpec};
use std::panic::AssertUnwindSafe;

fn furnished() -> World {
    let world = World::new();
    world.make_network("a");
    world.make_network("b");
    let icc = with(dual("apart"), &[("com.docker.network.bridge.enable_icc", "false")]);
    world.core.create_network(icc).unwrap();
    world.core.create_network(pontoon_types::NetworkSpec { internal: true, ..dual("inner") }).unwrap();
    let ports = vec![port("8080:80/tcp"), port("53/udp"), port("7000-7100:7000-7100/tcp")];
    world.core.create_sandbox(SandboxSpec { ports, ..sandbox("web", &["a", "b", "bridge"]) }).unwrap();
    world.make_sandbox("db", &["apart", "inner"]);
    world.host.start_process(42, 7);
    let spec = SandboxSpec {
        namespace: NamespaceSource::Pid(42),
        ports: vec![port("81:80/tcp")],
        ..sandbox("theirs", &["b"])
    };
    world.core.create_sandbox(spec).unwrap();
    world.core.create_sandbox(SandboxSpec { namespace: NamespaceSource::Host, ..sandbox("h", &["host"]) }).unwrap();
    world.make_sandbox("alone", &["none"]);
    world.core.create_network(pontoon_types::NetworkSpec { config_only: true, ..v4("settings") }).unwrap();
    world.audit();
    world
}

/// Starts again, expects no write of any kind, and the same picture.
fn settled(world: World) -> World {
    let (before, writes) = (world.picture(), world.stores.writes());
    let world = world.restart();
    assert_eq!(world.host.writes(), [], "a start that finds nothing changed writes nothing");
    assert_eq!(world.ready.writes, 0);
    assert_eq!(world.ready.failures, Vec::<String>::new());
    assert_eq!(world.stores.writes(), writes);
    assert_same(&world.picture(), &before, "after a restart");
    world.audit();
    world
}

#[test]
fn a_restart_without_changes_writes_nothing_and_shows_the_same() {
    let world = settled(furnished());
    assert_eq!((world.ready.networks, world.ready.sandboxes, world.ready.gone), (8, 5, 0));
    let world = settled(world);
    // And everything can be changed and removed as before.
    world.core.disconnect("a", "web", false).unwrap();
    world.core.set_ports("web", vec![port("80/tcp")]).unwrap();
    world.audit();
    for name in ["web", "db", "theirs", "h", "alone"] {
        world.core.remove_sandbox(name).unwrap();
    }
    for name in ["a", "b", "apart", "inner", "settings"] {
        world.core.remove_network(name).unwrap();
    }
    world.quiet();
    world.audit();
}

#[test]
fn a_start_tells_every_network_and_port_that_new_ones_must_keep_away_from() {
    let world = furnished().restart();
    let clash = world.core.create_network(v4("a")).unwrap_err();
    assert_eq!(text(&clash), "network with name a already exists");
    let taken = world.network("a").subnets[0].subnet.to_string();
    let overlap = world.core.create_network(pooled(v4("x"), vec![pool(&taken)])).unwrap_err();
    assert!(text(&overlap).starts_with("invalid pool request: Pool overlaps with other one on this address space"));
    let before = world.picture();
    let mut spec = sandbox("x", &["b"]);
    spec.ports = vec![port("8080:80/tcp")];
    let error = world.core.create_sandbox(spec).unwrap_err();
    assert!(text(&error).contains("Bind for 0.0.0.0:8080 failed: port is already allocated"), "{}", text(&error));
    assert_same(&world.picture(), &before, "after a refused port");
}

/// What somebody did while the daemon was away, and then once more while it runs.
fn damage(name: &str, hurt: impl Fn(&World, &FakeHost)) {
    let world = furnished();
    let (before, host) = (world.picture(), world.host.clone());
    hurt(&world, &host);
    let world = world.restart();
    assert!(world.ready.writes > 0, "{name}: something was put right");
    assert_eq!(world.ready.failures, Vec::<String>::new(), "{name}");
    world.quiet();
    world.audit();
    let after = world.picture();
    assert_eq!(
        (&after.sandboxes, &after.networks, &after.stored),
        (&before.sandboxes, &before.networks, &before.stored),
        "{name}"
    );
    let world = settled(world);
    hurt(&world, &host);
    assert!(world.core.repair_if_needed().unwrap(), "{name}: noticed while running");
    world.quiet();
    world.audit();
    settled(world);
}

fn bridge(world: &World, network: &str) -> LinkName {
    LinkName::of_network(&world.network(network).record.id)
}

fn veth(world: &World, sandbox: &str, index: usize) -> LinkName {
    world.sandbox(sandbox).record.endpoints[index].host_link.clone().unwrap()
}

#[test]
fn a_deleted_bridge_is_made_again_with_its_ports() {
    damage("bridge", |world, host| host.delete_link(&Netns::Host, &bridge(world, "b")).unwrap());
    damage("icc", |world, host| host.delete_link(&Netns::Host, &bridge(world, "apart")).unwrap());
    damage("default", |_, host| host.delete_link(&Netns::Host, &LinkName::new("pontoon0").unwrap()).unwrap());
}

#[test]
fn a_deleted_pair_is_made_again_and_configured() {
    for index in 0..3 {
        damage("pair", |world, host| host.delete_link(&Netns::Host, &veth(world, "web", index)).unwrap());
    }
}

#[test]
fn flushed_and_foreign_rules_are_put_right() {
    damage("flush", |_, host| host.flush_rules(&Netns::Host).unwrap());
    damage("one element", |_, host| {
        let table = host.snapshot().namespaces.values().next().unwrap().tables[0].clone();
        let element = table.elements().next().unwrap();
        host.alter_rules(&Netns::Host, &pontoon_ruleset::remove(vec![element])).unwrap();
    });
}

#[test]
fn changed_links_addresses_and_sysctls_of_bridges_are_put_right() {
    let alter = |ops: fn(&World) -> Vec<Op>| {
        move |world: &World, host: &FakeHost| host.alter(&Netns::Host, &ops(world)).unwrap()
    };
    damage(
        "address",
        alter(|world| {
            let pool = world.network("a").record.pools[0].clone();
            let address = ipnet::IpNet::new(pool.gateway.unwrap(), pool.subnet.prefix_len()).unwrap();
            vec![Op::RemoveAddress(bridge(world, "a"), address)]
        }),
    );
    damage("down", alter(|world| vec![Op::Down(bridge(world, "a"))]));
    damage(
        "sysctl",
        alter(|world| vec![Op::SetSysctl(format!("net/ipv4/conf/{}/route_localnet", bridge(world, "a")), "0".into())]),
    );
    damage("port down", alter(|world| vec![Op::Down(veth(world, "web", 0))]));
    damage("port moved", alter(|world| vec![Op::SetMaster(veth(world, "web", 0), bridge(world, "b"))]));
    damage("isolation", alter(|world| vec![Op::SetIsolated(veth(world, "db", 0), false)]));
}

#[test]
fn strays_with_our_mark_are_removed() {
    damage("bridge", |_, host| {
        let spec = pontoon_kernel::BridgeSpec {
            name: LinkName::new("br-stray").unwrap(),
            mac: pontoon_types::MacAddr::random(),
            mtu: None,
        };
        host.alter(&Netns::Host, &[Op::CreateBridge(spec)]).unwrap();
    });
}

#[test]
fn addresses_and_routes_inside_a_sandbox_are_put_right_at_a_start() {
    type Hurt = fn(&World, &FakeHost, &Netns);
    let cases: [(&str, Hurt); 4] = [
        ("route", |_, host, ns| host.alter(ns, &[Op::RemoveRoute("0.0.0.0/0".parse().unwrap())]).unwrap()),
        ("address", |world, host, ns| {
            let endpoint = world.sandbox("web").record.endpoints[0].clone();
            host.alter(ns, &[Op::RemoveAddress(endpoint.link.unwrap(), endpoint.ipv4.unwrap())]).unwrap();
        }),
        ("down", |world, host, ns| {
            host.alter(ns, &[Op::Down(world.sandbox("web").record.endpoints[0].link.clone().unwrap())]).unwrap();
        }),
        ("inner end", |world, host, ns| {
            host.delete_link(ns, world.sandbox("web").record.endpoints[0].link.as_ref().unwrap()).unwrap();
        }),
    ];
    for (name, hurt) in cases {
        let world = furnished();
        let (host, ns) = (world.host.clone(), world.sandbox("web").record.netns_path.clone().map(Netns::At).unwrap());
        hurt(&world, &host, &ns);
        let world = world.restart();
        assert_eq!(world.ready.failures, Vec::<String>::new(), "{name}");
        world.audit();
        settled(world);
    }
}

#[test]
fn a_sandbox_whose_namespace_went_is_forgotten_with_all_it_had() {
    for running in [true, false] {
        let world = furnished();
        let path = world.sandbox("web").record.netns_path.clone().unwrap();
        let (host, dir) = (world.host.clone(), world.dir.path().to_owned());
        host.remove_netns(&path);
        let world = if running {
            world.core.forget_gone();
            world
        } else {
            let world = world.restart();
            assert_eq!((world.ready.gone, world.ready.sandboxes), (1, 4));
            world
        };
        assert!(world.core.sandbox("web").is_err());
        assert!(dir.join("run/netns").exists());
        world.quiet();
        world.audit();
        settled(world);
    }
}

#[test]
fn a_sandbox_goes_with_the_owner_of_its_namespace() {
    for running in [true, false] {
        let world = furnished();
        let host = world.host.clone();
        host.end_process(42);
        let world = if running {
            world.core.forget_gone();
            world
        } else {
            world.restart()
        };
        assert!(world.core.sandbox("theirs").is_err());
        world.quiet();
        world.audit();
        assert!(!host.snapshot().files.keys().any(|path| path.starts_with("/proc")));
        settled(world);
    }
}

#[test]
fn a_question_that_fails_ends_no_sandbox() {
    let world = furnished();
    for nth in 1..=8 {
        world.host.fail_on(nth, pontoon_kernel::Kind::Exhausted);
        world.core.forget_gone();
        world.host.cancel_failure();
        assert_eq!(world.core.sandboxes().len(), 5, "question {nth}");
    }
    world.audit();
}

#[test]
fn a_leftover_namespace_file_and_leftover_files_are_removed() {
    let world = furnished();
    let netns = world.dir.path().join("run/netns/0123456789ab");
    world.host.add_netns(&netns).unwrap();
    let folder = world.dir.path().join("run/files").join(pontoon_types::SandboxId::random().to_string());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("hosts"), "x").unwrap();
    let world = world.restart();
    assert!(!folder.exists());
    world.audit();
    settled(world);
}

#[test]
fn after_a_reboot_networks_are_there_and_sandboxes_are_not() {
    let world = furnished();
    let world = world.restart_after(FakeHost::reboot);
    let names: Vec<_> = world.core.sandboxes().iter().map(|view| view.record.name.clone()).collect();
    assert_eq!(names, ["h"]);
    assert_eq!(world.ready.failures, Vec::<String>::new());
    world.audit();
    world.make_sandbox("s", &["a", "b"]);
    world.audit();
    settled(world);
}

#[test]
fn a_port_that_another_program_took_meanwhile_is_published_no_longer() {
    let world = furnished();
    let taken =
        Reservation { protocol: Protocol::Tcp, address: "0.0.0.0".parse().unwrap(), ports: PortRange::single(8080) };
    let host = world.host.clone();
    let reservation = taken.clone();
    let world = world.restart_after(move |host| host.occupy(reservation));
    assert_eq!(world.ready.failures.len(), 1, "{:?}", world.ready.failures);
    assert_eq!(world.sandbox("web").record.mappings, []);
    world.audit();
    let world = world.restart();
    world.audit();
    host.vacate(&taken);
    world.core.set_ports("web", vec![port("8080:80/tcp")]).unwrap();
    assert_eq!(world.sandbox("web").record.mappings.len(), 2);
    world.audit();
}

#[test]
fn resolvers_come_back_on_their_ports_or_are_led_to_new_ones() {
    let world = furnished();
    let ports = world.sandbox("web").record.dns.unwrap();
    let world = world.restart();
    assert_eq!(world.sandbox("web").record.dns, Some(ports));
    world.audit();
}

/// The daemon is killed at each operation of each request; the next start finds whatever there then is.
#[test]
fn a_daemon_killed_at_any_moment_leaves_nothing_that_a_start_does_not_put_right() {
    for scenario in all() {
        for count in 0.. {
            let what = format!("{}, killed after {count} operations", scenario.name);
            let world = World::new();
            (scenario.prepare)(&world);
            let host = world.host.clone();
            world.life.end_after(count);
            let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| (scenario.request)(&world)));
            if !world.life.is_over() {
                assert!(outcome.unwrap().is_ok(), "{what}");
                break;
            }
            assert!(outcome.is_err(), "{what}");
            let world = world.restart();
            assert_eq!(world.ready.failures, Vec::<String>::new(), "{what}");
            world.quiet();
            let audit = std::panic::catch_unwind(AssertUnwindSafe(|| world.audit()));
            assert!(audit.is_ok(), "{what}");
            let own: Vec<_> = host.snapshot().files.into_keys().filter(|path| path.starts_with("/proc")).collect();
            assert_eq!(own, Vec::<std::path::PathBuf>::new());
            let world = settled(world);
            let again = (scenario.request)(&world);
            // It may have been done already, or be there again to be done.
            if let Err(error) = again {
                let kind = pontoon_types::Kind::kind(&error);
                let done = matches!(
                    error,
                    pontoon_cnm::Error::NotConnected { .. } | pontoon_cnm::Error::EndpointExists { .. }
                ) || matches!(kind, pontoon_types::ErrorKind::NotFound | pontoon_types::ErrorKind::Conflict);
                assert!(done, "{what}: {}", text(&error));
            }
            world.audit();
            assert!(count < 500, "{what}: there is no end");
        }
    }
}

#[test]
fn a_user_bridge_is_not_taken_for_a_stray() {
    let world = World::new();
    let name = LinkName::new("mine").unwrap();
    world.host.add_link(&Netns::Host, &name, LinkKind::Bridge).unwrap();
    let world = settled(world);
    let found = world.host.link(&Netns::Host, &name).unwrap().unwrap();
    assert_ne!(found.group, LinkGroup::Live.number());
    world.core.create_network(with(v4("n"), &[("com.docker.network.bridge.name", "mine")])).unwrap();
    world.make_sandbox("s", &["n"]);
    settled(world);
}
