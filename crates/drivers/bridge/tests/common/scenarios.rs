//! Requests of every kind, each with what must be there before: what the failing and the dying tests walk through.

use super::*;
use pontoon_types::NamespaceSource;

/// A request and what comes before it.
pub struct Scenario {
    pub name: &'static str,
    pub prepare: fn(&World),
    pub request: fn(&World) -> Outcome,
    /// What it removes comes apart step by step, and a repeated request goes on where the first one failed.
    pub gradual: bool,
}

fn scenario(name: &'static str, prepare: fn(&World), request: fn(&World) -> Outcome) -> Scenario {
    Scenario { name, prepare, request, gradual: false }
}

fn gradual(name: &'static str, prepare: fn(&World), request: fn(&World) -> Outcome) -> Scenario {
    Scenario { name, prepare, request, gradual: true }
}

fn two_networks(world: &World) {
    world.make_network("b");
    // Better in both families than "b", by its name.
    world.make_network("a");
    // Only IPv4, and preferred.
    world.core.create_network(v4("four")).unwrap();
    world.make_sandbox("neighbour", &["a", "b", "bridge"]);
}

fn publishing(world: &World) {
    two_networks(world);
    let ports = vec![port("8080:80/tcp"), port("53/udp"), port("7000-7003:7000-7003/tcp")];
    world.core.create_sandbox(SandboxSpec { ports, ..sandbox("s", &["b"]) }).unwrap();
}

fn published_twice(world: &World) {
    publishing(world);
    world.core.connect("a", "s", EndpointSpec::default()).unwrap();
}

fn in_bridge(world: &World) {
    two_networks(world);
    world.make_sandbox("s", &["bridge"]);
}

fn owned(world: &World) {
    two_networks(world);
    world.host.start_process(42, 7);
}

fn adopted(world: &World) {
    owned(world);
    adopt(world).unwrap();
}

fn adopt(world: &World) -> Outcome {
    let spec = SandboxSpec {
        namespace: NamespaceSource::Pid(42),
        ports: vec![port("80:80/tcp")],
        ..sandbox("s", &["a", "bridge"])
    };
    world.core.create_sandbox(spec).map(drop)
}

fn user_bridge(world: &World) {
    let name = pontoon_types::LinkName::new("mine").unwrap();
    world.host.add_link(&pontoon_kernel::Netns::Host, &name, pontoon_kernel::LinkKind::Bridge).unwrap();
    // What it has of itself it keeps.
    let ops = [pontoon_kernel::Op::SetMtu(name.clone(), 1400), pontoon_kernel::Op::Up(name)];
    world.host.alter(&pontoon_kernel::Netns::Host, &ops).unwrap();
}

fn prefer(priority: i64) -> EndpointSpec {
    EndpointSpec { gw_priority: priority, ..EndpointSpec::default() }
}

pub fn all() -> Vec<Scenario> {
    let full = |world: &World| {
        let mut spec = sandbox("s", &["a", "b", "bridge"]);
        spec.ports = vec![port("8080:80/tcp"), port("53/udp"), port("9000-9010:9000-9010/udp")];
        spec.sysctls.insert("net.ipv4.ip_default_ttl".into(), "60".into());
        spec.networks[0].1.link_local_ips = vec!["169.254.7.7".parse().unwrap()];
        spec.networks[1].1.ipv4 = Some("172.18.5.5".parse().unwrap());
        world.core.create_sandbox(spec).map(drop)
    };
    vec![
        scenario("create a network", |_| {}, |world| world.core.create_network(dual("n")).map(drop)),
        scenario(
            "create an isolated network",
            |_| {},
            |world| {
                let spec = NetworkSpec { internal: true, ..dual("n") };
                let mode = "com.docker.network.bridge.gateway_mode_ipv4";
                world.core.create_network(with(spec, &[(mode, "isolated")])).map(drop)
            },
        ),
        scenario("create a network on a user's bridge", user_bridge, |world| {
            let options = [("com.docker.network.bridge.name", "mine"), ("com.docker.network.driver.mtu", "1400")];
            world.core.create_network(with(dual("n"), &options)).map(drop)
        }),
        scenario(
            "remove a network on a user's bridge",
            |world| {
                user_bridge(world);
                world.core.create_network(with(dual("n"), &[("com.docker.network.bridge.name", "mine")])).unwrap();
            },
            |world| world.core.remove_network("n"),
        ),
        scenario(
            "create a configuration",
            |_| {},
            |world| world.core.create_network(NetworkSpec { config_only: true, ..dual("n") }).map(drop),
        ),
        scenario("remove a network", two_networks, |world| world.core.remove_network("four")),
        scenario("create a sandbox", two_networks, full),
        scenario("adopt a namespace", owned, adopt),
        scenario("create a sandbox without network", two_networks, |world| {
            world.core.create_sandbox(sandbox("s", &["none"])).map(drop)
        }),
        gradual("remove a sandbox", published_twice, |world| world.core.remove_sandbox("s")),
        gradual("remove an adopted sandbox", adopted, |world| world.core.remove_sandbox("s")),
        scenario("connect to a better network", publishing, |world| {
            world.core.connect("a", "s", EndpointSpec::default())
        }),
        scenario("connect to a better network for IPv4", publishing, |world| {
            world.core.connect("four", "s", prefer(5))
        }),
        scenario("connect to a worse network", publishing, |world| world.core.connect("bridge", "s", prefer(-1))),
        scenario("connect to the first network with names", in_bridge, |world| {
            world.core.connect("a", "s", EndpointSpec::default())
        }),
        scenario("connect an adopted namespace", adopted, |world| world.core.connect("b", "s", prefer(1))),
        scenario("disconnect from the gateway", published_twice, |world| world.core.disconnect("a", "s", false)),
        scenario("disconnect from another network", published_twice, |world| world.core.disconnect("b", "s", false)),
        scenario("disconnect from the only network", publishing, |world| world.core.disconnect("b", "s", false)),
        scenario("disconnect an adopted namespace", adopted, |world| world.core.disconnect("a", "s", false)),
        scenario("publish other ports", published_twice, |world| {
            world.core.set_ports("s", vec![port("8081:80/tcp"), port("53/udp"), port("7001-7002:7001-7002/tcp")])
        }),
        scenario("rename a sandbox", published_twice, |world| world.core.rename_sandbox("s", "t")),
        scenario("move a linked sandbox", published_twice, |world| {
            let addresses = vec!["172.17.0.9".parse().unwrap()];
            let link = pontoon_types::HostsLink { alias: "db".into(), names: vec!["dbhost".into()], addresses };
            world.core.set_hosts_link("s", link)
        }),
        scenario("publish no ports", published_twice, |world| world.core.set_ports("s", Vec::new())),
    ]
}
