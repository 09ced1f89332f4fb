//! Tables of what containers ask for when they are made.

use super::*;
use crate::network::{Life, Other};
use pontoon_cnm::NetworkRecord;
use pontoon_types::{EndpointSpec, ErrorKind, Kind, NetworkId, Scope};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::SystemTime;

struct World {
    networks: Vec<Arc<NetworkRecord>>,
    containers: Vec<Other>,
    forwards: bool,
}

fn record(name: &str) -> Arc<NetworkRecord> {
    Arc::new(NetworkRecord {
        id: NetworkId::random(),
        name: name.into(),
        created: SystemTime::UNIX_EPOCH,
        driver: "bridge".into(),
        scope: Scope::Local,
        ipv4: true,
        ipv6: false,
        internal: false,
        attachable: false,
        ingress: false,
        config_only: false,
        config_from: None,
        ipam_driver: "default".into(),
        ipam_options: None,
        pools: Vec::new(),
        config_ipam: None,
        options: Default::default(),
        labels: Default::default(),
        predefined: matches!(name, "bridge" | "host" | "none"),
    })
}

fn other(name: &str, mode: &str) -> Other {
    Other {
        id: ContainerId::random(),
        name: name.into(),
        life: Life::Running,
        mode: NetworkMode::read(mode).unwrap(),
        config: Arc::default(),
        pid: Some(1),
        on_bridge: true,
        shares: None,
    }
}

impl World {
    fn new() -> Self {
        Self {
            networks: ["bridge", "host", "none", "mynet", "second"].map(record).to_vec(),
            containers: vec![other("db", "bridge"), other("loner", "host"), other("guest", "container:db")],
            forwards: true,
        }
    }
}

impl Networks for World {
    fn find(&self, term: &str) -> pontoon_cnm::Result<Arc<NetworkRecord>> {
        let is = |record: &&Arc<NetworkRecord>| record.name == term || record.id.to_string().starts_with(term);
        self.networks.iter().find(is).cloned().ok_or_else(|| pontoon_cnm::Error::NoNetwork(term.into()))
    }

    fn check(&self, term: &str, settings: &EndpointSpec) -> pontoon_cnm::Result<()> {
        match settings.aliases.is_empty() || is_user_defined(term) {
            true => Ok(()),
            false => Err(pontoon_cnm::Error::EndpointSettings("no aliases".into())),
        }
    }

    fn forwards(&self) -> bool {
        self.forwards
    }
}

impl Others for World {
    fn find(&self, term: &str) -> Option<Other> {
        self.containers.iter().find(|other| other.name == term || other.id.to_string().starts_with(term)).cloned()
    }

    fn linking_to(&self, _: ContainerId) -> Vec<(ContainerId, String)> {
        Vec::new()
    }
}

fn settled(world: &World, body: Value) -> Result<(Config, HostConfig, Admitted), Error> {
    let mut config: Config = serde_json::from_value(body["Config"].clone()).unwrap_or_default();
    let mut host: HostConfig = serde_json::from_value(body["Host"].clone()).unwrap_or_default();
    let endpoints = json!({"EndpointsConfig": body["Endpoints"]});
    let networking = serde_json::from_value(endpoints).unwrap_or_default();
    let id = ContainerId::random();
    let request = Request { id, config: &mut config, host: &mut host, networking };
    let admitted = admit(request, world, world)?;
    Ok((config, host, admitted))
}

fn keys(admitted: &Admitted) -> Vec<&str> {
    admitted.endpoints.keys().map(String::as_str).collect()
}

#[test]
fn the_mode_decides_which_network_is_joined_when_none_is_given() {
    let world = World::new();
    let id = world.networks[3].id.to_string();
    for (mode, written, networks) in [
        ("", "bridge", vec!["bridge"]),
        ("default", "bridge", vec!["bridge"]),
        ("host", "host", vec!["host"]),
        ("none", "none", vec!["none"]),
        ("mynet", "mynet", vec!["mynet"]),
        (&id, &id, vec!["mynet"]),
        (&id[..9], &id[..9], vec!["mynet"]),
        ("later", "later", vec!["later"]),
        ("container:nobody", "container:nobody", vec![]),
    ] {
        let (_, host, admitted) = settled(&world, json!({"Host": {"NetworkMode": mode}})).unwrap();
        assert_eq!((host.network_mode.as_str(), keys(&admitted)), (written, networks));
    }
    let (_, host, _) = settled(&world, json!({"Host": {"NetworkMode": "container:db"}})).unwrap();
    assert_eq!(host.network_mode, format!("container:{}", world.containers[0].id));
}

#[test]
fn given_endpoints_are_used_exactly_as_given() {
    let world = World::new();
    let id = world.networks[3].id.to_string();
    let table = [
        ("", json!({"default": {}}), vec!["bridge"]),
        ("mynet", json!({"second": {}}), vec!["second"]),
        ("mynet", json!({"second": {}, "mynet": {}}), vec!["mynet", "second"]),
        ("mynet", json!({id.clone(): {}}), vec!["mynet"]),
        ("container:db", json!({"second": {}}), vec![]),
    ];
    for (mode, endpoints, networks) in table {
        let (_, _, admitted) = settled(&world, json!({"Host": {"NetworkMode": mode}, "Endpoints": endpoints})).unwrap();
        assert_eq!(keys(&admitted), networks);
    }
    let body = json!({"Config": {"NetworkDisabled": true}, "Endpoints": {"second": {}}});
    assert_eq!(keys(&settled(&world, body).unwrap().2), Vec::<&str>::new());
}

#[test]
fn everything_wrong_with_endpoints_is_told_with_the_network_it_is_about() {
    let world = World::new();
    let told = |endpoints: Value| {
        let error = settled(&world, json!({"Host": {"NetworkMode": "mynet"}, "Endpoints": endpoints})).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.to_string()
    };
    assert_eq!(told(json!({"mynet": null})), "invalid config for network mynet: EndpointsConfig is nil");
    assert_eq!(
        told(json!({"bridge": {"Aliases": ["a"]}})),
        "invalid config for network bridge: invalid endpoint settings:\nno aliases"
    );
    let both = told(json!({"bridge": {"Aliases": ["a"]}, "host": {"Aliases": ["a"]}}));
    assert_eq!(both.matches("* invalid config for network").count(), 2, "{both}");
    let zone = told(json!({"mynet": {"IPAMConfig": {"IPv6Address": "fe80::1%eth0"}}}));
    assert_eq!(
        zone,
        "invalid config for network mynet: invalid endpoint settings:\ninvalid IPv6 address: fe80::1%eth0"
    );
}

#[test]
fn a_container_is_called_by_its_short_id_unless_it_says_otherwise() {
    let world = World::new();
    let hostname = |body: Value| settled(&world, body).unwrap().0.hostname;
    assert_eq!(hostname(json!({"Config": {"Hostname": "barker"}})), "barker");
    assert_eq!(hostname(json!({})).len(), 12);
    assert_eq!(hostname(json!({"Host": {"NetworkMode": "container:db"}})), "");
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(hostname(json!({"Host": {"NetworkMode": "host"}})), host.trim_end());
}

#[test]
fn warnings_are_dockers() {
    let mut world = World::new();
    let warned = |world: &World, body: Value| settled(world, body).unwrap().2.warnings.join("|");
    let ports = json!({"Host": {"NetworkMode": "host", "PortBindings": {"80/tcp": [{}]}}});
    assert_eq!(warned(&world, ports), "Published ports are discarded when using host network mode");
    let links = json!({"Host": {"Links": ["db"]}});
    assert_eq!(
        warned(&world, links),
        "Links on the default bridge network are deprecated and will be removed in a future release. Use a custom network instead."
    );
    world.forwards = false;
    assert_eq!(warned(&world, json!({})), "IPv4 forwarding is disabled. Networking will not work.");
}

#[test]
fn links_are_found_when_the_container_is_made() {
    let world = World::new();
    let links = |list: Value| settled(&world, json!({"Host": {"Links": list}})).map(|settled| settled.2.links);
    let db = world.containers[0].id;
    let link = |alias: &str| Link { child: db, alias: alias.into() };
    assert_eq!(
        links(json!(["db", "db:store", "guest:via", "/db:/me/old"])).unwrap(),
        ["db", "store", "via", "old"].map(link)
    );
    let host =
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior";
    for (text, told, kind) in [
        ("", "empty string specified for links", ErrorKind::System),
        ("a:b:c", "bad format for links: a:b:c", ErrorKind::System),
        (":b", "bad format for links: :b", ErrorKind::System),
        ("nobody:x", "could not get container for nobody: No such container: nobody", ErrorKind::Invalid),
        ("loner", host, ErrorKind::Invalid),
    ] {
        let error = links(json!([text])).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), (told, kind));
    }
    // On other networks the endpoint's own links count.
    let body = json!({"Host": {"NetworkMode": "mynet", "Links": ["nobody"]}});
    assert_eq!(settled(&world, body).unwrap().2.links, []);
}

#[test]
fn extra_hosts_that_mean_nothing_are_refused() {
    let world = World::new();
    for (text, told) in [
        ("noaddress", "bad format for add-host: \"noaddress\""),
        ("a:nowhere", "invalid IP address in add-host: \"nowhere\""),
    ] {
        let error = settled(&world, json!({"Host": {"ExtraHosts": [text]}})).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), (told, ErrorKind::Invalid));
    }
    settled(&world, json!({"Host": {"ExtraHosts": ["a:host-gateway", "b:fd00::1"]}})).unwrap();
}
