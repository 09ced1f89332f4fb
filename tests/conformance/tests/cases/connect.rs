//! Connecting and disconnecting a container: while it runs, while it is stopped, before it ever ran.

use pontoon_conformance::{Answer, Container, Engine, Value, json, until_true};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn connect(engine: &Engine, network: &str, container: &str, settings: Value) -> Answer {
    let body = json!({"Container": container, "EndpointConfig": settings});
    engine.post_json(&format!("/networks/{network}/connect"), &body)
}

fn disconnect(engine: &Engine, network: &str, container: &str, force: bool) -> Answer {
    engine.post_json(&format!("/networks/{network}/disconnect"), &json!({"Container": container, "Force": force}))
}

/// The networks a container is in, sorted.
fn networks(of: &Container<'_>) -> Vec<String> {
    let networks = of.inspect()["NetworkSettings"]["Networks"].clone();
    let mut names: Vec<String> = networks.as_object().unwrap().keys().cloned().collect();
    names.sort();
    names
}

/// The ids of the containers in a network.
fn members(engine: &Engine, network: &str) -> Vec<String> {
    let network = engine.get(&format!("/networks/{network}")).ok();
    network["Containers"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_running_container_gets_a_link_and_loses_it() {
    let Some(engine) = Engine::start() else { return };
    engine.network("front", &json!({"IPAM": {"Config": [{"Subnet": "10.8.0.0/24"}]}}));
    let web = engine.run("web", json!({}));
    let settings = json!({"Aliases": ["shop"], "IPAMConfig": {"IPv4Address": "10.8.0.42"}});
    connect(&engine, "front", "web", settings).is(200);
    assert_eq!(networks(&web), ["bridge", "front"]);
    assert!(web.tell("ip -4 addr show eth1").contains("10.8.0.42/24"));
    assert!(web.tell("cat /etc/hosts").contains("10.8.0.42\t"));
    assert!(web.tell("cat /etc/resolv.conf").contains("127.0.0.11"));
    let endpoint = web.endpoint("front");
    assert_eq!((&endpoint["IPAddress"], &endpoint["IPPrefixLen"]), (&json!("10.8.0.42"), &json!(24)));
    let member = engine.get("/networks/front").ok()["Containers"][&web.id].clone();
    assert_eq!(member["Name"], "web");
    assert_eq!(member["IPv4Address"], "10.8.0.42/24");
    assert_eq!((&member["EndpointID"], &member["MacAddress"]), (&endpoint["EndpointID"], &endpoint["MacAddress"]));
    connect(&engine, "front", "web", json!({})).refuses(403, "endpoint with name web already exists in network front");
    engine.delete("/networks/front").refuses(403, "has active endpoints");
    disconnect(&engine, "front", "web", false).is(200);
    assert_eq!(networks(&web), ["bridge"]);
    // Ours takes links away when there is time.
    let links = |wanted: &str| until_true(wanted, PATIENCE, || web.tell("ls /sys/class/net") == wanted);
    links("eth0\nlo\n");
    assert!(!web.tell("cat /etc/hosts").contains("10.8.0.42"));
    assert_eq!(members(&engine, "front"), Vec::<String>::new());
    let again = disconnect(&engine, "front", "web", false);
    assert!(again.status >= 400 && again.message().contains("is not connected to"), "{}", again.text());
    // All of them: what is left is loopback, also after a restart.
    disconnect(&engine, "bridge", "web", false).is(200);
    links("lo\n");
    engine.delete("/networks/front").is(204);
}

#[test]
fn a_stopped_container_has_its_settings_changed_and_nothing_else() {
    let Some(engine) = Engine::start() else { return };
    engine.network("front", &json!({"IPAM": {"Config": [{"Subnet": "10.8.0.0/24"}]}}));
    for made in ["created", "exited"] {
        let web = engine.create(made, json!({}));
        if made == "exited" {
            web.start();
            web.stop();
        }
        connect(&engine, "front", made, json!({"IPAMConfig": {"IPv4Address": "10.8.0.42"}, "Aliases": ["x"]})).is(200);
        assert_eq!(members(&engine, "front"), Vec::<String>::new());
        assert_eq!(networks(&web), ["bridge", "front"]);
        assert_eq!(web.endpoint("front")["IPAddress"], "");
        web.start();
        assert_eq!(web.endpoint("front")["IPAddress"], "10.8.0.42");
        assert_eq!(members(&engine, "front"), std::slice::from_ref(&web.id));
        web.stop();
        assert_eq!(web.endpoint("front")["IPAddress"], "");
        assert_eq!(web.endpoint("front")["IPAMConfig"]["IPv4Address"], "10.8.0.42");
        disconnect(&engine, "front", made, false).is(200);
        assert_eq!(networks(&web), ["bridge"]);
        let again = disconnect(&engine, "front", made, false);
        assert!(
            again.status >= 400 && again.message().contains("is not connected to the network front"),
            "{}",
            again.text()
        );
        web.remove();
    }
}

#[test]
fn what_cannot_be_connected_is_refused() {
    let Some(engine) = Engine::start() else { return };
    engine.network("front", &json!({"IPAM": {"Config": [{"Subnet": "10.8.0.0/24"}]}}));
    let web = engine.run("web", json!({}));
    connect(&engine, "nowhere", "web", json!({})).refuses(404, "network nowhere not found");
    connect(&engine, "front", "nobody", json!({})).refuses(404, "No such container: nobody");
    disconnect(&engine, "nowhere", "web", false).refuses(404, "network nowhere not found");
    disconnect(&engine, "front", "nobody", false).refuses(404, "No such container: nobody");
    disconnect(&engine, "front", "nobody", true).is(404);
    let outside = connect(&engine, "front", "web", json!({"IPAMConfig": {"IPv4Address": "10.9.0.1"}}));
    if engine.before("1.44", "an address outside was a mistake of another kind") {
        assert!(outside.status >= 400);
    } else {
        outside.refuses(400, "no configured subnet contains IP address 10.9.0.1");
    }
    let other = engine.run("other", json!({"HostConfig": {"NetworkMode": "front"}}));
    let taken = other.ip4("front").to_string();
    connect(&engine, "front", "web", json!({"IPAMConfig": {"IPv4Address": taken}}))
        .refuses(403, "Address already in use");
    let host = connect(&engine, "host", "web", json!({}));
    assert!(host.status >= 400, "{}", host.text());
    if !engine.before("1.44", "the text was another") {
        host.refuses(400, "cannot connect container to host network - container must be created in host network mode");
    }
    let none = "container cannot be connected to multiple networks with one of the networks in private (none) mode";
    let status = 400;
    connect(&engine, "none", "web", json!({})).refuses(status, none);
    let lonely = engine.run("lonely", json!({"HostConfig": {"NetworkMode": "none"}}));
    connect(&engine, "front", "lonely", json!({})).refuses(status, none);
    let hosted = engine.run("hosted", json!({"HostConfig": {"NetworkMode": "host"}}));
    connect(&engine, "front", "hosted", json!({})).refuses(
        400,
        "container sharing network namespace with another container or host cannot be connected to any other network",
    );
    let text = engine.since(
        "1.44",
        "cannot disconnect container from host network - container was created in host network mode",
        "container cannot be disconnected from host network or connected to host network",
        "the text was another",
    );
    disconnect(&engine, "host", "hosted", false).refuses(400, text);
    if !engine.before("1.44", "a network stayed in the settings after a refusal") {
        assert_eq!(networks(&web), ["bridge"]);
    }
    assert_eq!((networks(&lonely), networks(&hosted)), (vec!["none".into()], vec!["host".into()]));
}

#[test]
fn settings_of_a_stopped_container_survive_and_a_missing_network_is_said() {
    let Some(engine) = Engine::start() else { return };
    let old = engine.network("front", &json!({}));
    let web = engine.run("web", json!({"HostConfig": {"NetworkMode": "front"}}));
    web.stop();
    // A network that only stopped containers name is free to go.
    engine.delete("/networks/front").is(204);
    web.post("start").refuses(404, &format!("network {old} not found"));
    engine.network("front", &json!({}));
    web.post("start").refuses(404, &format!("network {old} not found"));
    disconnect(&engine, "front", "web", true).is(200);
    connect(&engine, "front", "web", json!({})).is(200);
    web.start();
    assert_eq!(networks(&web), ["front"]);
}

#[test]
fn events_tell_of_networks_before_the_container_and_at_its_end() {
    let Some(engine) = Engine::start() else { return };
    engine.network("front", &json!({}));
    let web = engine.create("web", json!({"HostConfig": {"NetworkMode": "front"}, "Cmd": ["sh", "-c", "exit 3"]}));
    let mut live = engine.stream("/events");
    web.start();
    let mut seen: Vec<(String, String)> = Vec::new();
    while seen.last().is_none_or(|last| last.1 != "die") {
        let event = live.object().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        if event["Type"] == "network" {
            assert_eq!(event["Actor"]["Attributes"]["container"], json!(web.id));
            assert_eq!(event["Actor"]["Attributes"]["name"], "front");
        } else {
            assert_eq!(event["Actor"]["ID"], json!(web.id));
            assert_eq!(event["Actor"]["Attributes"]["name"], "web");
            assert_eq!(event["Actor"]["Attributes"]["image"], engine.image());
        }
        if event["Action"] == "die" {
            assert_eq!(event["Actor"]["Attributes"]["exitCode"], "3");
        }
        seen.push((text(&event["Type"]), text(&event["Action"])));
    }
    let place =
        |kind: &str, action: &str| seen.iter().position(|one| one == &(kind.to_owned(), action.to_owned())).unwrap();
    assert!(place("network", "connect") < place("container", "start"), "{seen:?}");
    if engine.before("1.44", "the end of networks came after the container's") {
        return;
    }
    assert!(place("network", "disconnect") < place("container", "die"), "{seen:?}");
}
