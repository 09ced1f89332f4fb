//! Containers meet the core on a fake host: started, stopped, connected, shared and shown, with everything failing once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

#[path = "../../drivers/bridge/tests/common/mod.rs"]
mod common;

use common::{World, assert_same, dual, text};
use pontoon_containers::network::{self, *};
use pontoon_containers::spec::{Config, EndpointSettings, HostConfig};
use pontoon_kernel::Kind as KernelKind;
use pontoon_types::{ContainerId, ErrorKind, Kind, NetworkSpec};
use serde_json::{Value, json};
use std::sync::Arc;

/// A definition, kept as the containers' core keeps it.
#[derive(Clone)]
struct Defined {
    id: ContainerId,
    name: String,
    config: Config,
    host: HostConfig,
    endpoints: Endpoints,
    links: Vec<Link>,
}

/// The containers that others can see.
#[derive(Default)]
struct Neighbours(Vec<Other>, Vec<(ContainerId, ContainerId, String)>);

impl Others for Neighbours {
    fn find(&self, term: &str) -> Option<Other> {
        self.0.iter().find(|other| other.name == term || other.id.to_string().starts_with(term)).cloned()
    }

    fn linking_to(&self, child: ContainerId) -> Vec<(ContainerId, String)> {
        let linking = self.1.iter().filter(|(_, to, _)| *to == child);
        linking.map(|(parent, _, alias)| (*parent, alias.clone())).collect()
    }
}

fn define(world: &World, name: &str, body: Value) -> Result<Defined, network::Error> {
    define_beside(world, name, body, &Neighbours::default())
}

fn define_beside(world: &World, name: &str, body: Value, others: &Neighbours) -> Result<Defined, network::Error> {
    let mut config: Config = serde_json::from_value(body["Config"].clone()).unwrap_or_default();
    let mut host: HostConfig = serde_json::from_value(body["Host"].clone()).unwrap_or_default();
    let networking = serde_json::from_value(json!({"EndpointsConfig": body["Endpoints"]})).unwrap_or_default();
    let id = ContainerId::random();
    let request = Request { id, config: &mut config, host: &mut host, networking };
    let admitted = admit(request, world.core.as_ref(), others)?;
    Ok(Defined { id, name: name.into(), config, host, endpoints: admitted.endpoints, links: admitted.links })
}

impl Defined {
    fn new(world: &World, name: &str, body: Value) -> Self {
        define(world, name, body).unwrap()
    }

    fn container(&self) -> Container<'_> {
        let Self { id, name, config, host, endpoints, links } = self;
        Container { id: *id, name, config, host, endpoints, links }
    }

    fn start(&mut self, world: &World) -> Result<Joined, network::Error> {
        self.start_beside(world, &Neighbours::default())
    }

    fn start_beside(&mut self, world: &World, others: &Neighbours) -> Result<Joined, network::Error> {
        let joined = start(&world.core, &self.container(), others, true)?;
        self.endpoints = joined.endpoints.clone();
        Ok(joined)
    }

    fn stop(&self, world: &World) {
        stop(&world.core, self.id).unwrap();
    }

    fn change(&mut self, changed: Changed) {
        self.endpoints = changed.endpoints;
        self.host.network_mode = changed.network_mode.unwrap_or_else(|| self.host.network_mode.clone());
    }

    fn connect(&mut self, world: &World, standing: Standing, network: &str, body: Value) -> Result<(), network::Error> {
        let settings: EndpointSettings = serde_json::from_value(body).unwrap();
        let changed = connect(&world.core, &self.container(), standing, network, settings)?;
        self.change(changed);
        Ok(())
    }

    fn disconnect(
        &mut self,
        world: &World,
        standing: Standing,
        network: &str,
        force: bool,
    ) -> Result<(), network::Error> {
        let changed = disconnect(&world.core, &self.container(), standing, network, force)?;
        self.change(changed);
        Ok(())
    }

    fn view(&self, world: &World) -> NetworkView {
        let sandbox = world.core.sandbox(&self.id.to_string()).ok();
        view(&self.container(), sandbox.as_ref().map(|view| view.record.as_ref()))
    }

    fn as_other(&self, life: Life) -> Other {
        Other {
            id: self.id,
            name: self.name.clone(),
            life,
            mode: self.container().mode(),
            config: Arc::new(self.config.clone()),
            pid: Some(77),
            on_bridge: self.endpoints.contains_key("bridge"),
            shares: None,
        }
    }
}

fn told(result: Result<impl Sized, network::Error>) -> (String, ErrorKind) {
    let error = result.err().expect("an error");
    (pontoon_types::chain(&error), error.kind())
}

fn world() -> World {
    let world = World::new();
    world.make_network("a");
    world.make_network("b");
    world.core.create_network(NetworkSpec { internal: true, ..dual("inner") }).unwrap();
    world
}

#[test]
fn a_container_is_shown_as_docker_shows_it_before_while_and_after_it_runs() {
    let world = world();
    let body = json!({
        "Config": {"Hostname": "barker", "ExposedPorts": {"80/tcp": {}, "443/tcp": {}}},
        "Host": {"NetworkMode": "a", "PortBindings": {"80/tcp": [{"HostPort": "8080"}]}},
        "Endpoints": {"a": {"Aliases": ["www"], "MacAddress": "02:42:00:00:00:09"}, "inner": {"GwPriority": -1}},
    });
    let mut web = Defined::new(&world, "web", body);
    let before = web.view(&world);
    assert_eq!((before.sandbox_id.as_str(), before.sandbox_key.as_str(), before.ports.len()), ("", "", 0));
    let mac = |view: &NetworkView| view.networks["a"].mac_address.to_string();
    assert_eq!((mac(&before).as_str(), before.networks["a"].network_id.as_str()), ("02:42:00:00:00:09", ""));

    let joined = web.start(&world).unwrap();
    let record = world.sandbox("web").record;
    assert_eq!(joined.namespace, Namespace::At(record.netns_path.clone().unwrap()));
    assert_eq!((joined.hostname.as_str(), record.endpoints.len()), ("barker", 2));
    assert_eq!(record.endpoints[0].network_name, "a", "the mode's network is eth0");
    let files = joined.files.unwrap();
    assert!(std::fs::read_to_string(&files.hosts).unwrap().contains("\tbarker\n"));
    let running = web.view(&world);
    assert_eq!(running.sandbox_id, web.id.to_string());
    let end = |ip: &str| json!({"HostIp": ip, "HostPort": "8080"});
    assert_eq!(
        serde_json::to_value(&running.ports).unwrap(),
        json!({"80/tcp": [end("0.0.0.0"), end("::")], "443/tcp": null})
    );
    let a = &running.networks["a"];
    assert_eq!(a.dns_names.as_deref().unwrap(), ["web", "www", &web.id.short(), "barker"]);
    assert_eq!((a.mac_address.to_string().as_str(), a.ip_prefix_len), ("02:42:00:00:00:09", 16));
    assert_eq!(a.endpoint_id, record.endpoints[0].id.to_string());
    assert!(!a.gateway.is_unset() && running.networks["inner"].gateway.is_unset());
    let short = &listed_networks(&running)["a"];
    assert_eq!((short.aliases.clone(), short.dns_names.clone()), (None, None));
    assert_eq!(short.ip_address, a.ip_address);

    let counted = counters(&world.core, web.id).unwrap().unwrap();
    assert_eq!(counted.into_keys().map(|name| name.to_string()).collect::<Vec<_>>(), ["eth0", "eth1"]);

    web.stop(&world);
    assert_eq!(counters(&world.core, web.id).unwrap(), None);
    let after = web.view(&world);
    assert_eq!((mac(&after).as_str(), after.sandbox_id.as_str(), after.ports.len()), ("", "", 0));
    assert_eq!(after.networks["a"].network_id, a.network_id);
    assert_eq!(after.networks["a"].dns_names, a.dns_names);
    assert!(after.networks["a"].ip_address.is_unset() && after.networks["a"].endpoint_id.is_empty());
    web.start(&world).unwrap();
    assert_eq!(web.view(&world).networks["a"].mac_address.to_string(), "02:42:00:00:00:09", "a configured one stays");
    world.audit();
}

#[test]
fn every_mode_gets_its_namespace_files_and_networks() {
    let world = world();
    let mut on_bridge = Defined::new(&world, "on-bridge", json!({}));
    let joined = on_bridge.start(&world).unwrap();
    assert!(matches!(joined.namespace, Namespace::At(_)));
    assert_eq!(on_bridge.view(&world).networks["bridge"].dns_names, None);
    let none = Defined::new(&world, "none", json!({"Host": {"NetworkMode": "none"}})).start(&world).unwrap();
    assert!(matches!(none.namespace, Namespace::At(_)));
    let ports = json!({"80/tcp": [{"HostPort": "80"}]});
    let body = json!({"Host": {"NetworkMode": "host", "PortBindings": ports, "Sysctls": {"net.ipv4.ip_forward": "1"}}});
    let mut in_host = Defined::new(&world, "in-host", body);
    let joined = in_host.start(&world).unwrap();
    assert_eq!(joined.namespace, Namespace::Host);
    assert!(joined.files.is_some());
    let view = in_host.view(&world);
    assert_eq!((view.ports.len(), view.networks.keys().map(String::as_str).collect::<Vec<_>>()), (0, vec!["host"]));
    assert!(view.sandbox_key.ends_with("/ns/net"));
    // The runtime refuses what would change the host.
    assert_eq!(other_sysctls(&in_host.container()).len(), 1);
    let off = json!({"Config": {"NetworkDisabled": true}});
    let joined = Defined::new(&world, "off", off).start(&world).unwrap();
    assert_eq!((joined.namespace, joined.files), (Namespace::New, None));
    world.audit();
}

#[test]
fn programs_may_ping_and_bind_any_port_unless_the_user_says_otherwise() {
    let world = world();
    let sysctls = json!({"net.ipv4.ip_unprivileged_port_start": "1024", "net.ipv4.ip_default_ttl": "60", "kernel.shm_rmid_forced": "1"});
    let mut container = Defined::new(&world, "c", json!({"Host": {"Sysctls": sysctls}}));
    container.start(&world).unwrap();
    let spec = world.sandbox("c").record.spec.clone();
    let pairs: Vec<_> = spec.sysctls.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(
        pairs,
        [
            "net.ipv4.ip_default_ttl=60",
            "net.ipv4.ip_unprivileged_port_start=1024",
            "net.ipv4.ping_group_range=0 2147483647"
        ]
    );
    assert_eq!(other_sysctls(&container.container()).into_keys().collect::<Vec<_>>(), ["kernel.shm_rmid_forced"]);
}

#[test]
fn a_start_that_fails_says_so_in_dockers_words_and_leaves_nothing() {
    let world = world();
    let address = world.network("a").subnets[0].subnet.to_string().replace(".0.0/16", ".0.77");
    let body = json!({"Host": {"NetworkMode": "a"}, "Endpoints": {"a": {"IPAMConfig": {"IPv4Address": address}}}});
    let (mut one, mut two) = (Defined::new(&world, "one", body.clone()), Defined::new(&world, "two", body));
    one.start(&world).unwrap();
    let before = world.picture();
    let in_use = "failed to set up container networking: Address already in use".to_owned();
    assert_eq!(told(two.start(&world)), (in_use, ErrorKind::Forbidden));
    let later = json!({"Host": {"NetworkMode": "later"}});
    let text = "failed to set up container networking: network later not found".to_owned();
    assert_eq!(told(Defined::new(&world, "three", later).start(&world)), (text, ErrorKind::NotFound));
    let port = json!({"Host": {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}});
    Defined::new(&world, "four", port.clone()).start(&world).unwrap();
    let (text, kind) = told(Defined::new(&world, "five", port).start(&world));
    assert!(
        text.starts_with(
            "failed to set up container networking: driver failed programming external connectivity on endpoint five ("
        ),
        "{text}"
    );
    assert!(text.ends_with("Bind for 0.0.0.0:8080 failed: port is already allocated"), "{text}");
    assert_eq!(kind, ErrorKind::System);
    stop(&world.core, world.sandbox("four").record.id.to_string().parse().unwrap()).unwrap();
    assert_same(&world.picture(), &before, "after failed starts");
    world.audit();
}

#[test]
fn a_network_made_again_is_another_one_until_the_container_is_connected_to_it() {
    let world = world();
    let mut web = Defined::new(&world, "web", json!({"Host": {"NetworkMode": "a"}}));
    web.start(&world).unwrap();
    let old = world.network("a").record.id;
    assert!(text(&world.core.remove_network("a").unwrap_err()).contains("has active endpoints"));
    web.stop(&world);
    world.core.remove_network("a").unwrap();
    world.make_network("a");
    let text = format!("failed to set up container networking: network {old} not found");
    assert_eq!(told(web.start(&world)), (text, ErrorKind::NotFound));
    web.connect(&world, Standing::Stopped, "a", json!({})).unwrap();
    web.start(&world).unwrap();
    assert_eq!(web.view(&world).networks["a"].network_id, world.network("a").record.id.to_string());
    // One that is always there is found by its name, whatever its id was.
    let mut on_bridge = Defined::new(&world, "on-bridge", json!({}));
    on_bridge.start(&world).unwrap();
    on_bridge.stop(&world);
    on_bridge.endpoints.get_mut("bridge").unwrap().settings.network_id = "0".repeat(64);
    on_bridge.start(&world).unwrap();
}

#[test]
fn networks_of_a_running_container_come_and_go() {
    let world = world();
    let mut web = Defined::new(&world, "web", json!({"Host": {"NetworkMode": "a"}}));
    web.start(&world).unwrap();
    web.connect(&world, Standing::Running, "b", json!({"Aliases": ["x"], "GwPriority": 3})).unwrap();
    assert_eq!(web.endpoints["b"].settings.aliases.as_deref().unwrap(), ["x"]);
    assert_eq!(web.view(&world).networks["b"].dns_names.as_deref().unwrap()[..2], ["web", "x"]);
    let before = world.picture();
    let again = told(web.connect(&world, Standing::Running, "b", json!({})));
    assert_eq!(again, ("endpoint with name web already exists in network b".to_owned(), ErrorKind::Forbidden));
    let to_host = told(web.connect(&world, Standing::Running, "host", json!({})));
    assert_eq!(to_host.0, "cannot connect container to host network - container must be created in host network mode");
    let to_none = told(web.connect(&world, Standing::Running, "none", json!({})));
    assert_eq!(
        to_none.0,
        "container cannot be connected to multiple networks with one of the networks in private (none) mode"
    );
    let nowhere = told(web.connect(&world, Standing::Running, "nowhere", json!({})));
    assert_eq!(nowhere, ("network nowhere not found".to_owned(), ErrorKind::NotFound));
    let settings = json!({"IPAMConfig": {"IPv4Address": "10.9.9.9"}});
    let outside = told(web.connect(&world, Standing::Running, "inner", settings));
    assert_eq!(outside.0, "invalid endpoint settings:\nno configured subnet contains IP address 10.9.9.9");
    assert_same(&world.picture(), &before, "after refusals");
    // Links that clients send along on the default bridge mean nothing there.
    web.connect(&world, Standing::Running, "bridge", json!({"Links": ["db"]})).unwrap();

    web.disconnect(&world, Standing::Running, "a", false).unwrap();
    let not = told(web.disconnect(&world, Standing::Running, "a", false));
    assert_eq!(not, (format!("container {} is not connected to network a", web.id), ErrorKind::System));
    web.disconnect(&world, Standing::Running, "b", false).unwrap();
    web.disconnect(&world, Standing::Running, "bridge", true).unwrap();
    assert!(web.view(&world).networks.is_empty());
    web.stop(&world);
    web.start(&world).unwrap();
    assert!(web.view(&world).networks.is_empty(), "the first network does not come back by itself");
    world.audit();
}

#[test]
fn of_a_stopped_container_only_the_definition_changes() {
    let world = world();
    let mut web = Defined::new(&world, "web", json!({"Host": {"NetworkMode": "a"}}));
    let before = world.picture();
    web.connect(&world, Standing::Stopped, "b", json!({"Aliases": ["first"]})).unwrap();
    web.connect(&world, Standing::Stopped, "b", json!({"Aliases": ["second"]})).unwrap();
    assert_eq!(web.endpoints["b"].settings.aliases.as_deref().unwrap(), ["first"], "a second time is a no-op");
    web.connect(&world, Standing::Stopped, "later", json!({})).unwrap();
    for (network, text) in [
        ("host", "cannot connect container to host network - container must be created in host network mode"),
        ("none", "container cannot be connected to multiple networks with one of the networks in private (none) mode"),
    ] {
        assert_eq!(told(web.connect(&world, Standing::Stopped, network, json!({}))).0, text);
    }
    let aliases = told(web.connect(&world, Standing::Stopped, "bridge", json!({"Aliases": ["x"]})));
    assert_eq!(
        aliases.0,
        "invalid endpoint settings:\nnetwork-scoped aliases are only supported for user-defined networks"
    );
    let leaving = told(web.connect(&world, Standing::Leaving, "b", json!({})));
    let text =
        format!("Container {} is marked for removal and cannot be connected or disconnected to the network", web.id);
    assert_eq!(leaving, (text, ErrorKind::System));
    let id = world.network("b").record.id.to_string();
    web.disconnect(&world, Standing::Stopped, &id[..10], false).unwrap();
    let not = told(web.disconnect(&world, Standing::Stopped, "b", false));
    assert_eq!(not, (format!("container {} is not connected to the network b", web.id), ErrorKind::System));
    web.disconnect(&world, Standing::Stopped, "later", true).unwrap();
    assert_eq!(web.endpoints.keys().map(String::as_str).collect::<Vec<_>>(), ["a"]);
    assert_same(&world.picture(), &before, "nothing is allocated");
    // A mode that is the beginning of an id becomes the whole.
    let id = world.network("a").record.id.to_string();
    let mut short = Defined::new(&world, "short", json!({"Host": {"NetworkMode": id[..11]}}));
    short.connect(&world, Standing::Stopped, "b", json!({})).unwrap();
    assert_eq!(short.host.network_mode, id);
}

#[test]
fn a_shared_namespace_is_the_donors_with_its_files_and_name() {
    let world = world();
    let mut donor = Defined::new(&world, "donor", json!({"Config": {"Hostname": "dh", "Domainname": "d.test"}}));
    donor.start(&world).unwrap();
    let mut guest = Defined::new(&world, "guest", json!({"Host": {"NetworkMode": "container:donor"}}));
    let others = Neighbours(vec![donor.as_other(Life::Running), guest.as_other(Life::Stopped("created"))], vec![]);
    let joined = guest.start_beside(&world, &others).unwrap();
    let view = world.sandbox("donor");
    assert_eq!(joined.namespace, Namespace::At(view.record.netns_path.clone().unwrap()));
    assert_eq!(joined.files.as_ref().unwrap().hosts, view.files.hosts);
    assert_eq!((joined.hostname.as_str(), joined.domainname.as_str(), joined.shares), ("dh", "d.test", Some(donor.id)));
    assert_eq!(guest.view(&world), NetworkView::default());
    let shared =
        "container sharing network namespace with another container or host cannot be connected to any other network";
    assert_eq!(told(guest.connect(&world, Standing::Running, "a", json!({}))), (shared.to_owned(), ErrorKind::Invalid));
    // A guest of the guest gets the same files.
    let mut second = Defined::new(&world, "second", json!({"Host": {"NetworkMode": "container:guest"}}));
    let of_guest = Other { shares: joined.shares, pid: Some(99), ..guest.as_other(Life::Running) };
    let others = Neighbours(vec![donor.as_other(Life::Running), of_guest], vec![]);
    let joined = second.start_beside(&world, &others).unwrap();
    assert_eq!((joined.namespace, joined.hostname.as_str()), (Namespace::At("/proc/99/ns/net".into()), "dh"));
    assert_eq!(joined.files.unwrap().hosts, view.files.hosts);
}

#[test]
fn a_donor_that_cannot_be_joined_is_told_in_dockers_words() {
    let world = world();
    let donor = Defined::new(&world, "donor", json!({}));
    let mut guest = Defined::new(&world, "guest", json!({"Host": {"NetworkMode": "container:donor"}}));
    let cases = [
        (vec![], "joining network namespace of container: No such container: donor", ErrorKind::System),
        (
            vec![Other { id: guest.id, ..donor.as_other(Life::Running) }],
            "cannot join own network namespace",
            ErrorKind::System,
        ),
        (
            vec![donor.as_other(Life::Stopped("exited"))],
            "cannot join network namespace of a non running container: container donor is exited",
            ErrorKind::Conflict,
        ),
        (
            vec![donor.as_other(Life::Restarting)],
            "cannot join network namespace of container: container donor is restarting, wait until the container is running",
            ErrorKind::Conflict,
        ),
    ];
    for (others, text, kind) in cases {
        assert_eq!(told(guest.start_beside(&world, &Neighbours(others, vec![]))), (text.to_owned(), kind));
    }
}

#[test]
fn a_renamed_container_is_shown_and_found_by_its_new_name() {
    let world = world();
    let mut web = Defined::new(&world, "web", json!({"Host": {"NetworkMode": "a"}}));
    rename(&world.core, web.id, "nobody-knows-it-yet").unwrap();
    web.start(&world).unwrap();
    rename(&world.core, web.id, "site").unwrap();
    web.name = "site".into();
    assert_eq!(web.view(&world).networks["a"].dns_names.as_deref().unwrap()[0], "site");
    assert_eq!(world.network("a").members[0].name, "site");
}

#[test]
fn running_containers_are_found_again_after_the_daemon_was_away() {
    let world = world();
    let mut web = Defined::new(
        &world,
        "web",
        json!({"Host": {"NetworkMode": "a", "PublishAllPorts": true}, "Config": {"ExposedPorts": {"80/tcp": {}}}}),
    );
    web.start(&world).unwrap();
    let shown = web.view(&world);
    let world = world.restart();
    assert_eq!(web.view(&world), shown);
    web.connect(&world, Standing::Running, "b", json!({})).unwrap();
    web.stop(&world);
    web.start(&world).unwrap();
    assert_eq!(web.view(&world).networks.len(), 2);
    world.audit();
}

#[test]
fn a_start_in_which_anything_fails_once_leaves_nothing_and_can_be_repeated() {
    let body = json!({
        "Config": {"Hostname": "h", "ExposedPorts": {"80/tcp": {}}},
        "Host": {"NetworkMode": "a", "PublishAllPorts": true, "PortBindings": {"53/udp": [{"HostPort": "53"}]}},
        "Endpoints": {"a": {"Aliases": ["x"]}, "b": {}, "bridge": {}},
    });
    let mut nth = 1;
    loop {
        let world = world();
        let mut web = Defined::new(&world, "web", body.clone());
        // A bridge has its link-local address once somebody has been in it.
        world.make_sandbox("before", &["a", "b", "bridge"]);
        let before = world.picture();
        world.host.fail_on(nth, KernelKind::Other);
        let started = web.start(&world);
        if world.host.is_failure_pending() {
            world.host.cancel_failure();
            started.unwrap();
            break;
        }
        if let Err(error) = started {
            let text = pontoon_types::chain(&error);
            assert!(text.starts_with("failed to set up container networking: "), "operation {nth}: {text}");
            assert_same(&world.picture(), &before, &format!("operation {nth}, after: {text}"));
            web.start(&world).unwrap();
        }
        world.core.repair().unwrap();
        world.audit();
        nth += 1;
        assert!(nth < 500, "there is no end");
    }
}

#[test]
fn a_linked_container_has_lines_and_variables_that_follow_it() {
    let world = World::new();
    let mut db = Defined::new(
        &world,
        "db",
        json!({"Config": {"Hostname": "dbhost", "Env": ["K=v"], "ExposedPorts": {"5432/tcp": {}}}}),
    );
    db.start(&world).unwrap();
    let others = Neighbours(vec![db.as_other(Life::Running)], vec![]);
    let body = json!({"Host": {"Links": ["db:store", "db"], "ExtraHosts": ["x:192.0.2.1"]}});
    let mut web = define_beside(&world, "web", body, &others).unwrap();
    let joined = web.start_beside(&world, &others).unwrap();
    let address = |world: &World| world.sandbox("db").record.endpoints[0].ipv4.unwrap().addr();
    let lines = |at: std::net::IpAddr| format!("192.0.2.1\tx\n{at}\tstore dbhost db\n{at}\tdb dbhost\n");
    let first = address(&world);
    assert!(world.hosts("web").contains(&lines(first)), "{}", world.hosts("web"));
    assert!(joined.environment.contains(&format!("STORE_PORT=tcp://{first}:5432")));
    assert!(joined.environment.contains(&"DB_ENV_K=v".to_owned()));
    assert_eq!(shown_links(&web.container(), &others), ["/db:/web/store", "/db:/web/db"]);
    // It comes back elsewhere; another one has its address.
    db.stop(&world);
    world.make_sandbox("squatter", &["bridge"]);
    let linking = vec![(web.id, db.id, "store".to_owned()), (web.id, db.id, "db".to_owned())];
    db.start_beside(&world, &Neighbours(vec![], linking)).unwrap();
    let second = address(&world);
    assert_ne!(first, second);
    assert!(world.hosts("web").contains(&lines(second)), "{}", world.hosts("web"));
    world.audit();
    let world = world.restart();
    unlink(&world.core, web.id, "store").unwrap();
    assert!(!world.hosts("web").contains("store") && world.hosts("web").contains("\tdb dbhost\n"));
    world.audit();
    web.stop(&world);
    unlink(&world.core, web.id, "db").unwrap();
}

#[test]
fn a_link_to_a_container_that_cannot_be_reached_is_told_in_dockers_words() {
    let world = World::new();
    world.make_network("a");
    let db = Defined::new(&world, "db", json!({}));
    let others = |other: Other| Neighbours(vec![other], vec![]);
    let body = json!({"Host": {"Links": ["db:store"]}});
    let mut web = define_beside(&world, "web", body, &others(db.as_other(Life::Running))).unwrap();
    let stopped = told(web.start_beside(&world, &others(db.as_other(Life::Stopped("exited")))));
    assert_eq!(stopped, ("Cannot link to a non running container: /db AS /web/store".to_owned(), ErrorKind::System));
    let elsewhere = told(web.start_beside(&world, &others(Other { on_bridge: false, ..db.as_other(Life::Running) })));
    assert_eq!(elsewhere.0, "Cannot link to /db, as it does not belong to the default network");
    let gone = told(web.start_beside(&world, &others(db.as_other(Life::Running))));
    assert_eq!(gone.0, format!("container {} not attached to default bridge network", db.id));
    // One that has been removed is linked to no longer.
    web.start(&world).unwrap();
    assert_eq!(shown_links(&web.container(), &Neighbours::default()), Vec::<String>::new());
}

#[test]
fn filters_of_a_list_find_ports_and_networks() {
    let world = world();
    let body = json!({
        "Config": {"ExposedPorts": {"80/tcp": {}, "53/udp": {}}},
        "Host": {"NetworkMode": "a", "PortBindings": {"8000/tcp": []}},
    });
    let mut web = Defined::new(&world, "web", body);
    let port = |key, value: &str| PortFilter::parse(key, value).unwrap();
    let container = web.container();
    for (value, published, exposed) in [
        ("80", false, true),
        ("53", false, false),
        ("53/udp", false, true),
        ("7999-8001", true, false),
        ("1-65535", true, true),
    ] {
        assert_eq!(port("publish", value).is_published(&container), published, "{value}");
        assert_eq!(port("expose", value).is_exposed(&container), exposed, "{value}");
    }
    let error = PortFilter::parse("publish", "1:2").unwrap_err().to_string();
    assert_eq!(error, "filter for 'publish' should not contain ':': 1:2");
    assert!(PortFilter::parse("publish", "x").is_err());
    assert!(is_in_network(&container, "a") && !is_in_network(&container, "b") && !is_in_network(&container, ""));
    web.start(&world).unwrap();
    let id = world.network("a").record.id.to_string();
    assert!(is_in_network(&web.container(), &id[..8]));
}
