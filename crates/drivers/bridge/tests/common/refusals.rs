//! Requests that must be refused, with kind and text, and the world in which those hold.

use super::*;
use pontoon_types::{ConfigFrom, ErrorKind, Kind, NamespaceSource};

pub struct Refusal {
    kind: ErrorKind,
    text: &'static str,
    request: Box<dyn Fn(&World) -> Outcome>,
}

pub fn refusal(kind: ErrorKind, text: &'static str, request: impl Fn(&World) -> Outcome + 'static) -> Refusal {
    Refusal { kind, text, request: Box::new(request) }
}

pub fn create(kind: ErrorKind, text: &'static str, spec: NetworkSpec) -> Refusal {
    refusal(kind, text, move |world| world.core.create_network(spec.clone()).map(drop))
}

/// A world in which the texts below hold; ids in them are put in.
pub fn furnished() -> World {
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

pub fn from(name: &str) -> ConfigFrom {
    ConfigFrom { network: name.into() }
}

pub fn check(refusals: Vec<Refusal>) {
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
