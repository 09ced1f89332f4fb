//! Stored networks that this version cannot use: they are shown, kept and removable, and trouble nobody else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod common;

use common::*;
use pontoon_cnm::BROKEN_LABEL;
use pontoon_types::{EndpointSpec, SandboxSpec};
use serde_json::Value;

/// What is altered, and how.
type Alteration = (&'static str, fn(&mut Value));

/// Three ways in which a later version may have stored what this one does not know.
fn alterations() -> [Alteration; 3] {
    [
        ("an option", |record| record["options"]["com.docker.network.bridge.gateway_mode_ipv4"] = "teleport".into()),
        ("a driver", |record| record["driver"] = "warp".into()),
        ("a shape", |record| record["scope"] = serde_json::json!({"galaxy": 1})),
    ]
}

fn furnished() -> World {
    let world = World::new();
    world.make_network("good");
    world.make_network("bad");
    let web = SandboxSpec { ports: vec![port("8080:80/tcp")], ..sandbox("web", &["good"]) };
    world.core.create_sandbox(web).unwrap();
    world
        .core
        .create_sandbox(SandboxSpec { ports: vec![port("81:80/tcp")], ..sandbox("both", &["bad", "good"]) })
        .unwrap();
    world
}

#[test]
fn a_network_that_cannot_be_used_keeps_no_other_from_working() {
    for (what, alter) in alterations() {
        let world = furnished();
        let bad = world.network("bad").record.id;
        world.stores.alter_network(bad, alter);
        let world = world.restart();
        let told = world.ready.failures.join("; ");
        assert!(told.contains("network bad: it cannot be used"), "{what}: {told}");
        assert!(told.contains("pontoon network rm"), "{what}: the remedy is told: {told}");
        assert!(world.network("bad").record.labels.contains_key(BROKEN_LABEL), "{what}: it is shown as broken");
        assert!(!world.network("good").record.labels.contains_key(BROKEN_LABEL), "{what}");

        // The others work, and what happens to them is still put right.
        world.make_sandbox("new", &["good"]);
        world.make_network("another");
        world.host.flush_rules(&pontoon_kernel::Netns::Host).unwrap();
        assert!(world.core.repair_if_needed().unwrap(), "{what}");
        assert!(!world.core.repair_if_needed().unwrap(), "{what}: nothing is left to repair");

        // Nobody joins it, and nobody gets its subnet.
        let error = world.core.connect("bad", "new", EndpointSpec::default()).unwrap_err();
        assert!(text(&error).contains("this version cannot use network bad"), "{what}: {}", text(&error));
        assert_eq!(world.core.prune_networks(&Default::default()).unwrap(), ["another"], "{what}");
    }
}

#[test]
fn a_network_that_cannot_be_used_is_left_and_removed() {
    for (what, alter) in alterations() {
        let world = furnished();
        let network = world.network("bad");
        world.stores.alter_network(network.record.id, alter);
        let world = world.restart();
        let subnet = network.record.pools[0].subnet.to_string();
        let taken = world.core.create_network(pooled(v4("x"), vec![pool(&subnet)])).unwrap_err();
        assert!(text(&taken).contains("Pool overlaps"), "{what}: {}", text(&taken));
        assert!(text(&world.core.remove_network("bad").unwrap_err()).contains("active endpoints"), "{what}");
        world.core.disconnect("bad", "both", false).unwrap();
        world.core.remove_network("bad").unwrap();
        world.core.create_network(pooled(v4("bad"), vec![pool(&subnet)])).unwrap();
        world.quiet();
        world.audit();
        let world = world.restart();
        assert_eq!(world.ready.failures, Vec::<String>::new(), "{what}");
        world.audit();
    }
}

#[test]
fn the_version_that_knows_the_network_finds_everything_as_it_was() {
    for (what, alter) in alterations() {
        let world = furnished();
        let network = world.network("bad");
        let stored = world.stores.content().0[&network.record.id.to_string()].clone();
        world.stores.alter_network(network.record.id, alter);
        let world = world.restart();
        world.stores.alter_network(network.record.id, |record| *record = serde_json::from_str(&stored).unwrap());
        let world = world.restart();
        assert_eq!(world.ready.failures, Vec::<String>::new(), "{what}");
        assert_eq!(world.network("bad").record, network.record, "{what}");
        assert_eq!(world.network("bad").members, network.members, "{what}");
        world.quiet();
        world.audit();
    }
}
