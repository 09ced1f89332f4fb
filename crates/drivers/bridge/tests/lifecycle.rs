//! What comes and goes on the host with networks, sandboxes and endpoints.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod common;

use common::*;
use pontoon_kernel::{LinkGroup, LinkKind, Netns};
use pontoon_types::{EndpointSpec, Family, LinkName, NamespaceSource, SandboxLink, SandboxSpec};
use std::path::Path;

const NAME: &str = "com.docker.network.bridge.name";
const PREFIX: &str = "com.docker.network.container_iface_prefix";

fn network_specs() -> Vec<pontoon_types::NetworkSpec> {
    let b = "com.docker.network.bridge";
    let gateway = |spec: pontoon_types::PoolSpec, key: &str, address: &str| {
        let mut spec = spec;
        spec.aux_addresses.insert(key.into(), address.parse().unwrap());
        spec
    };
    let range =
        |subnet: &str, range: &str| pontoon_types::PoolSpec { ip_range: Some(range.parse().unwrap()), ..pool(subnet) };
    vec![
        v4("plain"),
        dual("dual"),
        pontoon_types::NetworkSpec { enable_ipv4: Some(false), ..dual("six") },
        pontoon_types::NetworkSpec { internal: true, ..dual("internal") },
        with(
            pontoon_types::NetworkSpec { internal: true, ..dual("isolated") },
            &[(&format!("{b}.gateway_mode_ipv4"), "isolated"), (&format!("{b}.gateway_mode_ipv6"), "isolated")],
        ),
        with(dual("no-icc"), &[(&format!("{b}.enable_icc"), "false")]),
        with(dual("no-masquerade"), &[(&format!("{b}.enable_ip_masquerade"), "false")]),
        with(v4("mtu"), &[("com.docker.network.driver.mtu", "9000")]),
        with(v4("named"), &[(NAME, "my-bridge")]),
        with(v4("binding"), &[(&format!("{b}.host_binding_ipv4"), "192.0.2.2")]),
        with(v4("prefix"), &[(PREFIX, "lan")]),
        with(v4("inhibit"), &[(&format!("{b}.inhibit_ipv4"), "true")]),
        pooled(
            dual("gateways"),
            vec![
                gateway(pool("10.9.0.0/24"), "DefaultGatewayIPv4", "10.9.0.77"),
                gateway(pool("fd09::/64"), "DefaultGatewayIPv6", "fd09::77"),
            ],
        ),
        pooled(v4("range"), vec![range("10.8.0.0/16", "10.8.7.0/24")]),
    ]
}

#[test]
fn a_first_start_makes_the_predefined_networks() {
    let world = World::new();
    let names: Vec<_> = world.core.networks().iter().map(|view| view.record.name.clone()).collect();
    assert_eq!(names.len(), 3);
    for name in ["bridge", "host", "none"] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    assert_eq!(world.network("bridge").subnets[0].subnet, "172.17.0.0/16".parse().unwrap());
    world.audit();
}

#[test]
fn every_kind_of_network_comes_takes_sandboxes_and_goes_without_a_trace() {
    let world = World::new();
    let before = world.picture();
    for spec in network_specs() {
        let name = spec.name.clone();
        let only_six = spec.enable_ipv4 == Some(false);
        world.core.create_network(spec).unwrap();
        world.audit();
        let mut one = sandbox("one", &[&name]);
        one.ports = vec![port("8080:80/tcp"), port("53/udp")];
        world.core.create_sandbox(one).unwrap_or_else(|error| panic!("{name}: {}", text(&error)));
        world.make_sandbox("two", &[&name]);
        world.audit();
        assert_eq!(world.network(&name).members.len(), 2);
        let published = world.sandbox("one").record.mappings.len();
        let expected = match name.as_str() {
            "internal" | "isolated" => 0,
            "binding" | "six" => 2,
            _ => 4,
        };
        assert_eq!(published, expected, "{name}");
        assert_eq!(world.sandbox("one").record.endpoints[0].ipv4.is_none(), only_six);
        world.core.disconnect(&name, "two", false).unwrap();
        world.audit();
        world.core.remove_sandbox("one").unwrap();
        world.core.remove_sandbox("two").unwrap();
        world.core.remove_network(&name).unwrap();
        world.audit();
        assert_same(&world.picture(), &before, &name);
    }
    world.quiet();
}

#[test]
fn options_of_a_network_are_what_the_host_then_has() {
    let world = World::new();
    network_specs().into_iter().for_each(|spec| assert!(world.core.create_network(spec).is_ok()));
    let host = world.host.observe_host();
    let link = |name: &str| {
        let name = audit_name(&world, name);
        host.links.iter().find(|link| link.name.as_str() == name).unwrap().clone()
    };
    assert_eq!(link("mtu").mtu, 9000);
    assert_eq!(link("named").name.as_str(), "my-bridge");
    let addresses = |name: &str| {
        let index = link(name).index;
        let global = |net: &&ipnet::IpNet| !matches!(net.addr(), std::net::IpAddr::V6(a) if a.is_unicast_link_local());
        let all: Vec<_> = host.addresses.iter().filter(|a| a.link == index).map(|a| a.net).collect();
        all.iter().filter(global).count()
    };
    for (name, count) in [("plain", 1), ("dual", 2), ("six", 1), ("internal", 2), ("isolated", 0), ("inhibit", 0)] {
        assert_eq!(addresses(name), count, "{name}");
    }
    let view = world.make_sandbox("s", &["mtu", "prefix", "gateways", "range"]);
    let names: Vec<_> = view.record.endpoints.iter().map(|e| e.link.clone().unwrap().to_string()).collect();
    assert_eq!(names, ["eth0", "lan0", "eth1", "eth2"]);
    let gateways = &view.record.endpoints[2];
    assert_eq!(gateways.gateway_v4, Some("10.9.0.77".parse().unwrap()));
    assert_eq!(gateways.gateway_v6, Some("fd09::77".parse().unwrap()));
    assert_eq!(gateways.ipv4, Some("10.9.0.2/24".parse().unwrap()));
    let range = world.network("range");
    assert_eq!(range.record.pools[0].gateway, Some("10.8.7.0".parse().unwrap()));
    assert_eq!(view.record.endpoints[3].ipv4, Some("10.8.7.1/16".parse().unwrap()));
    let inside = &world.host.snapshot().namespaces[&view.record.netns_id.unwrap()];
    assert_eq!(inside.links.iter().find(|link| link.name.as_str() == "eth0").unwrap().mtu, 9000);
    world.audit();
}

fn audit_name(world: &World, name: &str) -> String {
    let record = world.network(name).record;
    record.options.get(NAME).cloned().unwrap_or_else(|| format!("br-{}", record.id.short()))
}

trait ObserveHost {
    fn observe_host(&self) -> pontoon_kernel::Observed;
}

impl ObserveHost for pontoon_kernel::fake::FakeHost {
    fn observe_host(&self) -> pontoon_kernel::Observed {
        pontoon_kernel::Kernel::observe(self, &Netns::Host).unwrap()
    }
}

#[test]
fn adopted_namespaces_are_given_back_as_they_were() {
    let world = World::new();
    world.make_network("n");
    // Bridges that have carrier have a link-local address, and keep it.
    world.make_sandbox("neighbour", &["n", "bridge"]);
    world.host.start_process(42, 7);
    world.host.add_netns(Path::new("/run/netns/theirs")).unwrap();
    let before = world.picture();
    for source in [NamespaceSource::Pid(42), NamespaceSource::Path("/run/netns/theirs".into())] {
        let spec = SandboxSpec { namespace: source, ports: vec![port("80:80/tcp")], ..sandbox("s", &["n", "bridge"]) };
        world.core.create_sandbox(spec).unwrap();
        world.audit();
        world.core.remove_sandbox("s").unwrap();
        world.quiet();
        assert_same(&world.picture(), &before, "picture");
    }
}

#[test]
fn a_link_that_was_in_an_adopted_namespace_keeps_its_name() {
    let world = World::new();
    world.make_network("n");
    let path = Path::new("/run/netns/theirs");
    world.host.add_netns(path).unwrap();
    world.host.add_link(&Netns::At(path.into()), &LinkName::new("eth0").unwrap(), LinkKind::Veth).unwrap();
    let spec = SandboxSpec { namespace: NamespaceSource::Path(path.into()), ..sandbox("s", &["n"]) };
    world.core.create_sandbox(spec).unwrap();
    assert_eq!(world.sandbox("s").record.endpoints[0].link.as_ref().unwrap().as_str(), "eth1");
    world.audit();
}

#[test]
fn one_namespace_has_one_sandbox() {
    let world = World::new();
    world.host.start_process(42, 7);
    let adopt = |name: &str| SandboxSpec { namespace: NamespaceSource::Pid(42), ..sandbox(name, &[]) };
    world.core.create_sandbox(adopt("a")).unwrap();
    let before = world.picture();
    let error = world.core.create_sandbox(adopt("b")).unwrap_err();
    assert_eq!(pontoon_types::Kind::kind(&error), pontoon_types::ErrorKind::Conflict);
    assert_same(&world.picture(), &before, "picture");
    world.core.remove_sandbox("a").unwrap();
    world.core.create_sandbox(adopt("b")).unwrap();
    world.audit();
}

#[test]
fn sandboxes_in_the_hosts_namespace_and_with_loopback_only_take_nothing() {
    let world = World::new();
    let before = world.host.snapshot();
    let spec = SandboxSpec { namespace: NamespaceSource::Host, ..sandbox("h", &["host"]) };
    world.core.create_sandbox(spec).unwrap();
    assert_eq!(world.host.snapshot(), before);
    world.make_sandbox("n", &["none"]);
    world.audit();
    world.core.remove_sandbox("h").unwrap();
    world.core.remove_sandbox("n").unwrap();
    assert_eq!(world.host.snapshot(), before);
    world.audit();
}

#[test]
fn a_bridge_that_the_user_made_is_used_and_stays() {
    let world = World::new();
    let mine = LinkName::new("mine").unwrap();
    world.host.add_link(&Netns::Host, &mine, LinkKind::Bridge).unwrap();
    let before = world.host.observe_host();
    let spec = with(v4("n"), &[(NAME, "mine"), ("com.docker.network.driver.mtu", "1400")]);
    world.core.create_network(spec).unwrap();
    assert_eq!(world.host.observe_host().link(&mine).unwrap().mtu, 1400);
    world.audit();
    world.make_sandbox("s", &["n"]);
    world.audit();
    world.core.remove_sandbox("s").unwrap();
    world.core.remove_network("n").unwrap();
    let after = world.host.observe_host();
    let given = |seen: &pontoon_kernel::Observed| {
        let own = |net: &ipnet::IpNet| matches!(net.addr(), std::net::IpAddr::V6(a) if a.is_unicast_link_local());
        seen.addresses.iter().map(|address| address.net).filter(|net| !own(net)).collect::<Vec<_>>()
    };
    assert_eq!(given(&after), given(&before));
    assert_eq!(after.link(&mine).unwrap().group, 0);
    world.audit();
}

#[test]
fn a_user_made_bridge_keeps_the_gateway_address_that_it_had_before() {
    let world = World::new();
    let mine = LinkName::new("mine").unwrap();
    world.host.add_link(&Netns::Host, &mine, LinkKind::Bridge).unwrap();
    let theirs: ipnet::IpNet = "10.9.0.1/24".parse().unwrap();
    world.host.give_address(&Netns::Host, &mine, theirs).unwrap();
    let gateway = |subnet: &str, address: &str| pontoon_types::PoolSpec {
        gateway: Some(address.parse().unwrap()),
        ..pool(subnet)
    };
    let pools = vec![gateway("10.9.0.0/24", "10.9.0.1"), gateway("fd00:9::/64", "fd00:9::1")];
    let mut spec = pooled(with(v4("n"), &[(NAME, "mine")]), pools);
    spec.enable_ipv6 = Some(true);
    world.core.create_network(spec).unwrap();
    let addresses = || world.host.observe_host().addresses.iter().map(|a| a.net.to_string()).collect::<Vec<_>>();
    assert!(addresses().contains(&"fd00:9::1/64".to_owned()), "{:?}", addresses());
    world.core.remove_network("n").unwrap();
    let left = addresses();
    assert!(left.contains(&theirs.to_string()), "what the user gave stays: {left:?}");
    assert!(!left.contains(&"fd00:9::1/64".to_owned()), "what we gave goes: {left:?}");
    world.audit();
}

#[test]
fn a_foreign_link_in_the_way_is_not_touched() {
    let world = World::new();
    world.make_network("n");
    let s = world.make_sandbox("s", &["n"]);
    let before = world.picture();
    let veth = s.record.endpoints[0].host_link.clone().unwrap().to_string();
    for name in ["eth0", veth.as_str()] {
        let spec = pooled(
            with(v4("x"), &[(NAME, name)]),
            vec![pontoon_types::PoolSpec { gateway: Some("192.0.2.2".parse().unwrap()), ..pool("192.0.2.0/24") }],
        );
        let error = world.core.create_network(spec).unwrap_err();
        assert_eq!(text(&error), format!("existing interface {name} is not a bridge"));
        assert_same(&world.picture(), &before, "picture");
    }
}

#[test]
fn an_address_is_announced_as_often_as_asked_and_no_more_once_it_left() {
    let world = World::new();
    let often =
        |times| [("com.docker.network.advertise_addr_nmsgs", times), ("com.docker.network.advertise_addr_ms", "100")];
    world.core.create_network(with(dual("n"), &often("3"))).unwrap();
    world.core.create_network(with(dual("once"), &often("1"))).unwrap();
    world.make_sandbox("quiet", &["once"]);
    // Before the link can come up: how late the rest of the test gets to run is nobody's fault.
    let begin = std::time::Instant::now();
    let s = world.make_sandbox("s", &["n"]).record;
    let announced = || world.host.announced();
    // The kernel says it first, when the link comes up: two are left, for each family.
    while announced().len() < 4 {
        assert!(begin.elapsed().as_secs() < 30, "{:?}", announced());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(begin.elapsed().as_millis() >= 200, "not at once");
    let endpoint = &s.endpoints[0];
    for address in [endpoint.ipv4.unwrap().addr(), endpoint.ipv6.unwrap().addr()] {
        let of = |(ns, link, other): &&(Netns, LinkName, std::net::IpAddr)| {
            *ns == Netns::At(s.netns_path.clone().unwrap()) && link.as_str() == "eth0" && *other == address
        };
        assert_eq!(announced().iter().filter(of).count(), 2, "{address}");
    }
    world.make_sandbox("gone", &["n"]);
    world.core.disconnect("n", "gone", false).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(announced().len(), 4, "the others had nothing to say any more");
    world.audit();
}

#[test]
fn a_sandbox_goes_with_the_process_that_keeps_it() {
    let kept = |name: &str, pid| pontoon_types::SandboxSpec {
        keeper: Some(pontoon_types::Keeper { pid, start: 0 }),
        ..sandbox(name, &["n"])
    };
    let world = World::new();
    world.make_network("n");
    for pid in [41, 42] {
        world.host.start_process_in_host(pid, 7);
    }
    world.core.create_sandbox(kept("one", 41)).unwrap();
    world.core.create_sandbox(kept("two", 42)).unwrap();
    world.core.create_sandbox(kept("stays", 43)).unwrap();
    world.core.forget_gone();
    world.host.end_process(41);
    world.core.forget_gone();
    assert!(world.core.sandbox("one").is_err());
    assert!(world.core.sandbox("two").is_ok() && world.core.sandbox("stays").is_ok());
    // Another process with its number is not it, also for a daemon that was away.
    world.host.start_process_in_host(42, 8);
    let world = world.restart();
    assert_eq!(world.ready.gone, 1);
    assert!(world.core.sandbox("two").is_err() && world.core.sandbox("stays").is_ok());
    world.quiet();
    world.audit();
}

#[test]
fn events_tell_each_network_that_is_joined_and_left() {
    let world = World::new();
    let n = world.make_network("n");
    let (_, mut news) = world.core.events().subscribe();
    let s = world.make_sandbox("s", &["n", "bridge"]);
    world.core.disconnect("n", "s", false).unwrap();
    world.core.connect("n", "s", EndpointSpec::default()).unwrap();
    world.core.remove_sandbox("s").unwrap();
    let mut told = Vec::new();
    while let Ok(event) = news.try_recv() {
        let network = event.attributes.get("name").cloned().unwrap_or_default();
        if event.subject == pontoon_types::EventSubject::Network {
            assert_eq!(event.attributes["container"], s.record.id.to_string());
            assert_eq!(event.attributes["type"], "bridge");
        }
        if network == "n" {
            assert_eq!(event.actor, n.record.id.to_string());
        }
        told.push(format!("{} {network}", event.action));
    }
    let expected = [
        "create s",
        "connect n",
        "connect bridge",
        "disconnect n",
        "connect n",
        "disconnect n",
        "disconnect bridge",
        "destroy s",
    ];
    assert_eq!(told, expected);
}

#[test]
fn names_aliases_links_and_addresses_are_found_where_they_are_visible() {
    let world = World::new();
    world.make_network("n");
    world.make_network("m");
    let mut db = sandbox("db", &[]);
    db.hostname = "database".into();
    db.networks.push(("n".into(), EndpointSpec { aliases: vec!["store".into()], ..EndpointSpec::default() }));
    world.core.create_sandbox(db).unwrap();
    let mut web = sandbox("web", &[]);
    let links = vec![SandboxLink { target: "db".into(), alias: "backend".into() }];
    web.networks.push(("n".into(), EndpointSpec { links, ..EndpointSpec::default() }));
    world.core.create_sandbox(web).unwrap();
    let other = world.make_sandbox("other", &["m"]);
    let (db, web) = (world.sandbox("db"), world.sandbox("web"));
    let address = db.record.endpoints[0].ipv4.unwrap().addr();
    let names = world.resolver.names(web.record.id).unwrap();
    for name in ["db", "store", "database", "backend", "db.n", &db.record.id.short()] {
        assert_eq!(names.forward(name, Family::V4), pontoon_cnm::Answer::Found(vec![address]), "{name}");
    }
    assert_eq!(names.reverse(address), Some("db.n".into()));
    let strangers = world.resolver.names(other.record.id).unwrap();
    assert_eq!(strangers.forward("db", Family::V4), pontoon_cnm::Answer::Unknown);
    let own = world.resolver.names(db.record.id).unwrap();
    assert_eq!(own.forward("backend", Family::V4), pontoon_cnm::Answer::Unknown);
    world.core.connect("m", "db", EndpointSpec::default()).unwrap();
    assert!(matches!(
        world.resolver.names(other.record.id).unwrap().forward("db", Family::V6),
        pontoon_cnm::Answer::Found(_)
    ));
    world.core.remove_sandbox("db").unwrap();
    assert_eq!(world.resolver.names(web.record.id).unwrap().forward("db", Family::V4), pontoon_cnm::Answer::Unknown);
    assert_eq!(world.resolver.names(web.record.id).unwrap().reverse(address), None);
    world.audit();
}

#[test]
fn only_sandboxes_with_a_way_out_ask_the_hosts_servers() {
    let world = World::new();
    world.core.create_network(pontoon_types::NetworkSpec { internal: true, ..dual("inner") }).unwrap();
    world.make_network("n");
    let s = world.make_sandbox("s", &["inner"]);
    let forwards = || world.resolver.served()[&s.record.id].upstreams.forward_host;
    assert!(!forwards());
    world.core.connect("n", "s", EndpointSpec::default()).unwrap();
    assert!(forwards());
    world.core.disconnect("n", "s", false).unwrap();
    assert!(!forwards());
    assert_eq!(
        world.resolver.served()[&s.record.id].upstreams.servers[0].address,
        "192.0.2.53".parse::<std::net::IpAddr>().unwrap()
    );
}

#[test]
fn files_follow_the_networks_and_keep_what_a_user_wrote() {
    let world = World::new();
    let n = world.make_network("n");
    let s = world.make_sandbox("s", &["bridge"]);
    let address = |name: &str| {
        world.sandbox("s").record.endpoints.iter().find(|e| e.network_name == name).unwrap().ipv4.unwrap().addr()
    };
    assert!(world.hosts("s").ends_with(&format!("{}\t{}\n", address("bridge"), s.record.id.short())));
    assert!(world.resolv_conf("s").contains("nameserver 192.0.2.53"));
    let before = world.hosts("s");
    world.core.connect("n", "s", EndpointSpec::default()).unwrap();
    assert!(world.hosts("s").contains(&format!("{}\t", address("n"))));
    assert!(world.resolv_conf("s").contains("nameserver 127.0.0.11"));
    world.core.disconnect("n", "s", false).unwrap();
    assert_eq!(world.hosts("s"), before);
    assert!(world.resolv_conf("s").contains("nameserver 192.0.2.53"));
    std::fs::write(&s.files.hosts, format!("{before}198.51.100.1\tmine")).unwrap();
    std::fs::write(&s.files.resolv_conf, "nameserver 198.51.100.1\n").unwrap();
    world.core.connect("n", "s", EndpointSpec::default()).unwrap();
    assert!(world.hosts("s").contains("198.51.100.1\tmine\n"));
    assert_eq!(world.resolv_conf("s"), "nameserver 198.51.100.1\n");
    world.core.disconnect("n", "s", false).unwrap();
    assert!(world.hosts("s").contains("198.51.100.1\tmine\n"));
    assert_eq!(n.members.len(), 0);
    world.audit();
}

#[test]
fn an_endpoint_whose_link_has_ipv6_switched_off_gets_no_ipv6_address() {
    let world = World::new();
    world.make_network("n");
    let opts = [("com.docker.network.endpoint.sysctls".to_owned(), "net.ipv6.conf.IFNAME.disable_ipv6=1".to_owned())];
    let mut spec = sandbox("s", &[]);
    spec.networks.push(("n".into(), EndpointSpec { driver_opts: opts.into(), ..EndpointSpec::default() }));
    world.core.create_sandbox(spec).unwrap();
    let endpoint = world.sandbox("s").record.endpoints[0].clone();
    assert_eq!((endpoint.ipv6, endpoint.gateway_v6), (None, None));
    world.audit();
}

#[test]
fn a_sandbox_without_ipv6_gets_none_anywhere() {
    let world = World::new();
    world.make_network("n");
    let mut spec = sandbox("s", &["n"]);
    spec.sysctls.insert("net.ipv6.conf.all.disable_ipv6".into(), "1".into());
    world.core.create_sandbox(spec).unwrap();
    assert_eq!(world.sandbox("s").record.endpoints[0].ipv6, None);
    assert!(!world.hosts("s").contains("::"));
    world.audit();
}

#[test]
fn a_host_without_ipv6_has_ipv4_networks() {
    let world = World::on(pontoon_kernel::fake::FakeHost::without_ipv6());
    world.core.create_network(v4("n")).unwrap();
    let mut spec = sandbox("s", &["n"]);
    spec.ports = vec![port("80:80/tcp")];
    world.core.create_sandbox(spec).unwrap();
    world.audit();
    let mappings = world.sandbox("s").record.mappings.clone();
    assert!(mappings.iter().all(|mapping| mapping.host_ip.is_ipv4()), "{mappings:?}");
    let before = world.picture();
    assert!(world.core.create_network(dual("six")).is_err());
    assert_same(&world.picture(), &before, "picture");
}

#[test]
fn nothing_marked_as_ours_is_left_after_cleaning_up() {
    let world = World::new();
    world.make_network("n");
    world.core.remove_network("n").unwrap();
    world.quiet();
    let ours = world.host.observe_host().links.into_iter().filter(|link| link.group == LinkGroup::Live.number());
    assert_eq!(ours.map(|link| link.name.to_string()).collect::<Vec<_>>(), ["pontoon0"]);
}
