//! Sandboxes of containers: an id that is given, another name while they live, and coming back at once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod common;

use common::*;
use pontoon_cnm::Answer;
use pontoon_types::{EndpointSpec, Family, SandboxId, SandboxSpec};
use std::net::IpAddr;

fn container(id: SandboxId, name: &str, networks: &[&str]) -> SandboxSpec {
    SandboxSpec { id: Some(id), ..sandbox(name, networks) }
}

fn address(world: &World, name: &str) -> IpAddr {
    world.core.sandbox(name).unwrap().record.endpoints[0].ipv4.unwrap().addr()
}

#[test]
fn a_sandbox_has_the_id_it_is_given_and_nobody_else_gets_it() {
    let world = World::new();
    world.make_network("a");
    let id = SandboxId::random();
    assert_eq!(world.core.create_sandbox(container(id, "web", &["a"])).unwrap(), id);
    let record = world.core.sandbox(&id.to_string()).unwrap().record;
    assert_eq!((record.id, record.hostname()), (id, id.short()));
    let before = world.picture();
    let refused = world.core.create_sandbox(container(id, "other", &["a"])).unwrap_err();
    assert!(text(&refused).contains(&id.to_string()), "{refused}");
    assert_same(&world.picture(), &before, "after the refusal");
    let world = world.restart();
    world.audit();
    assert_eq!(world.core.sandbox("web").unwrap().record.id, id);
    world.core.remove_sandbox("web").unwrap();
    world.core.create_sandbox(container(id, "web", &["a"])).unwrap();
    world.audit();
}

#[test]
fn a_container_that_is_restarted_takes_its_addresses_with_it_though_their_flows_are_not_forgotten_yet() {
    let world = World::tracking();
    world.make_network("a");
    let (id, other) = (SandboxId::random(), SandboxId::random());
    world.core.create_sandbox(container(id, "web", &["a"])).unwrap();
    let first = address(&world, "web");
    for _ in 0..50 {
        world.core.remove_sandbox("web").unwrap();
        world.core.create_sandbox(container(id, "web", &["a"])).unwrap();
        assert_eq!(address(&world, "web"), first);
    }
    world.core.create_sandbox(container(other, "db", &["a"])).unwrap();
    assert_ne!(address(&world, "db"), first);
    // A certain address is the sandbox's own at once, too.
    let asked = EndpointSpec { ipv4: Some(first), ..EndpointSpec::default() };
    world.core.remove_sandbox("web").unwrap();
    let spec = SandboxSpec { networks: vec![("a".into(), asked)], ..container(id, "web", &[]) };
    world.core.create_sandbox(spec).unwrap();
    assert_eq!(address(&world, "web"), first);
    world.audit();
}

#[test]
fn a_renamed_sandbox_is_found_by_its_new_name_at_once_and_no_longer_by_the_old_one() {
    let world = World::new();
    world.make_network("a");
    world.make_network("b");
    let aliased = EndpointSpec { aliases: vec!["www".into()], ..EndpointSpec::default() };
    let networks = vec![("a".into(), aliased), ("b".into(), EndpointSpec::default())];
    world.core.create_sandbox(SandboxSpec { networks, hostname: "host".into(), ..sandbox("web", &[]) }).unwrap();
    let client = world.make_sandbox("client", &["a"]).record.id;
    let files = world.core.sandbox("web").unwrap().files;
    let hosts = std::fs::read(&files.hosts).unwrap();
    let found = Answer::Found(vec![address(&world, "web")]);
    let ask = |world: &World, name: &str| world.resolver.names(client).unwrap().forward(name, Family::V4);

    world.core.rename_sandbox("web", "site").unwrap();
    assert_eq!(ask(&world, "web"), Answer::Unknown);
    for name in ["site", "www", "host"] {
        assert_eq!(ask(&world, name), found, "{name}");
    }
    let names = world.resolver.names(client).unwrap();
    assert_eq!(names.reverse(address(&world, "site")).as_deref(), Some("site.a"));
    assert!(world.core.sandbox("web").is_err());
    assert!(world.network("b").members.iter().any(|member| member.name == "site"));
    assert_eq!(std::fs::read(&files.hosts).unwrap(), hosts, "its files stay");
    world.audit();
    // The name is free, and a name that is taken is refused.
    world.make_sandbox("web", &["a"]);
    let before = world.picture();
    let refused = text(&world.core.rename_sandbox("web", "site").unwrap_err());
    assert!(refused.starts_with("Conflict. The sandbox name \"/site\" is already in use by sandbox"), "{refused}");
    for name in ["", "-x", "a/b"] {
        assert!(text(&world.core.rename_sandbox("web", name).unwrap_err()).starts_with("Invalid sandbox name"));
    }
    world.core.rename_sandbox("web", "web").unwrap();
    assert_same(&world.picture(), &before, "after refusals");
    let world = world.restart();
    assert_eq!(world.ready.failures, Vec::<String>::new());
    world.audit();
    let names = world.resolver.names(client).unwrap();
    assert_eq!(names.forward("site", Family::V4), found);
}

#[test]
fn a_containers_sandbox_is_announced_by_its_networks_only() {
    let world = World::new();
    world.make_network("a");
    let id = SandboxId::random();
    world.core.create_sandbox(container(id, "web", &["a"])).unwrap();
    world.core.remove_sandbox("web").unwrap();
    let (events, _) = world.core.events().subscribe();
    let about: Vec<_> = events
        .iter()
        .filter(|event| event.actor == id.to_string() || event.attributes.get("container") == Some(&id.to_string()))
        .map(|event| format!("{} {}", event.subject, event.action))
        .collect();
    assert_eq!(about, ["network connect", "network disconnect"]);
}
