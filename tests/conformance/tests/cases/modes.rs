//! Network modes, what a process sees in each of them, and what contradicts them.

use pontoon_conformance::{Engine, Value, json};

/// A mode as part of a creation.
fn mode(mode: &str) -> Value {
    json!({"HostConfig": {"NetworkMode": mode}})
}

#[test]
fn without_a_wish_a_container_is_in_the_default_bridge() {
    let Some(engine) = Engine::start() else { return };
    for wish in [json!({}), mode("default"), mode("bridge")] {
        let web = engine.run("", wish.clone());
        let about = web.inspect();
        let settings = &about["NetworkSettings"];
        let endpoint = web.endpoint("bridge");
        assert_eq!(settings["Networks"].as_object().unwrap().len(), 1);
        for field in ["IPAddress", "Gateway", "MacAddress", "EndpointID", "IPPrefixLen"] {
            assert_eq!(settings[field], endpoint[field], "{field}");
        }
        assert_eq!(settings["SandboxID"].as_str().unwrap().len(), 64);
        assert_eq!(endpoint["NetworkID"], engine.get("/networks/bridge").ok()["Id"]);
        let address = endpoint["IPAddress"].as_str().unwrap();
        assert!(web.tell("ip -4 -o addr show eth0").contains(&format!("{address}/{}", endpoint["IPPrefixLen"])));
        assert!(web.tell("ip route").contains(&format!("default via {}", endpoint["Gateway"].as_str().unwrap())));
        assert!(web.tell("ip link show eth0").contains(endpoint["MacAddress"].as_str().unwrap()));
        let expected =
            if wish == json!({}) || wish == mode("default") { ["bridge", "default"] } else { ["bridge", "bridge"] };
        assert!(expected.contains(&about["HostConfig"]["NetworkMode"].as_str().unwrap()));
        if !engine.before("1.44", "the default mode was not written out") {
            assert_eq!(about["HostConfig"]["NetworkMode"], "bridge");
        }
    }
}

#[test]
fn with_none_there_is_only_loopback() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", mode("none"));
    assert_eq!(web.tell("ls /sys/class/net"), "lo\n");
    assert_eq!(web.tell("ip route"), "");
    assert!(web.tell("ip addr show lo").contains("127.0.0.1"));
    let endpoint = web.endpoint("none");
    assert_eq!((&endpoint["IPAddress"], &endpoint["Gateway"]), (&json!(""), &json!("")));
    assert_eq!(web.inspect()["NetworkSettings"]["Ports"], json!({}));
    assert!(web.tell("cat /etc/hosts").starts_with("127.0.0.1\tlocalhost\n"));
    assert_ne!(web.tell("readlink /proc/self/ns/net"), engine.run("", mode("none")).tell("readlink /proc/self/ns/net"));
}

#[test]
fn with_host_there_is_the_hosts_network() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", mode("host"));
    let links = web.tell("ls /sys/class/net");
    for link in ["lan", "wan"] {
        assert!(web.tell("ip -o link").contains(&format!(" {link}@")), "{links}");
    }
    let namespace = engine.scene().host().run(|| std::fs::read_link("/proc/thread-self/ns/net").unwrap());
    assert_eq!(web.tell("readlink /proc/1/ns/net").trim(), namespace.to_str().unwrap());
    assert_eq!(web.endpoint("host")["IPAddress"], "");
    let host = engine.scene().host().tell("hostname");
    assert_eq!(web.tell("hostname"), host);
    let warned = engine
        .post_json(
            "/containers/create",
            &engine.creation(json!({
                "HostConfig": {"NetworkMode": "host", "PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}
            })),
        )
        .is(201)
        .json();
    assert_eq!(warned["Warnings"], json!(["Published ports are discarded when using host network mode"]));
}

#[test]
fn with_another_containers_network_everything_of_it_is_shared() {
    let Some(engine) = Engine::start() else { return };
    engine.network("front", &json!({}));
    let donor = engine.run("donor", json!({"Hostname": "barker", "HostConfig": {"NetworkMode": "front"}}));
    let guest = engine.run("guest", mode("container:donor"));
    for look in
        ["readlink /proc/self/ns/net", "cat /etc/hosts", "cat /etc/resolv.conf", "hostname", "ip -4 addr show eth0"]
    {
        assert_eq!(guest.tell(look), donor.tell(look), "{look}");
    }
    let about = guest.inspect();
    assert_eq!(about["HostConfig"]["NetworkMode"], json!(format!("container:{}", donor.id)));
    assert_eq!(about["NetworkSettings"]["Networks"], json!({}));
    assert_eq!(about["HostsPath"], donor.inspect()["HostsPath"]);
    guest.stop();
    donor.stop();
    let refused = "cannot join network of a non running container";
    let newer = "cannot join network namespace of a non running container: container /donor is exited";
    let newer = engine.since("1.44", newer, refused, "the text was another");
    guest.post("start").refuses(409, &newer.replace("/donor", "donor").replace("container donor is exited", ""));
    donor.remove();
    let answer = guest.post("start");
    assert!(answer.status >= 400 && answer.message().contains("No such container: "), "{}", answer.text());
    engine.network("back", &json!({}));
    let lonely = engine.run("lonely", json!({}));
    let sharing = engine.run("sharing", mode("container:lonely"));
    let shared =
        "container sharing network namespace with another container or host cannot be connected to any other network";
    let connect = |id: &str| engine.post_json("/networks/back/connect", &json!({"Container": id}));
    connect(&sharing.id).refuses(400, shared);
    connect(&lonely.id).is(200);
}

#[test]
fn what_contradicts_the_mode_is_refused_when_it_is_made() {
    let Some(engine) = Engine::start() else { return };
    engine.run("donor", json!({}));
    engine.run("loud", mode("host"));
    let refused = |fields: Value, text: &str| {
        engine.post_json("/containers/create", &engine.creation(fields.clone())).refuses(400, text);
    };
    let shared = |more: Value| {
        let mut host = json!({"NetworkMode": "container:donor"});
        host.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"HostConfig": host})
    };
    let with = |mut fields: Value, key: &str, value: Value| {
        fields[key] = value;
        fields
    };
    refused(with(shared(json!({})), "Hostname", json!("x")), "conflicting options: hostname and the network mode");
    refused(
        shared(json!({"Links": ["donor:x"]})),
        "conflicting options: container type network can't be used with links.",
    );
    refused(shared(json!({"Dns": ["192.0.2.1"]})), "conflicting options: dns and the network mode");
    refused(
        shared(json!({"ExtraHosts": ["a:192.0.2.1"]})),
        "conflicting options: custom host-to-IP mapping and the network mode",
    );
    let publishing = "conflicting options: port publishing and the container type network mode";
    refused(shared(json!({"PortBindings": {"80/tcp": [{}]}})), publishing);
    refused(shared(json!({"PublishAllPorts": true})), publishing);
    refused(
        with(shared(json!({})), "ExposedPorts", json!({"80/tcp": {}})),
        "conflicting options: port exposing and the container type network mode",
    );
    refused(
        json!({"HostConfig": {"NetworkMode": "host", "Links": ["donor:x"]}}),
        "conflicting options: host type networking can't be used with links.",
    );
    refused(
        json!({"HostConfig": {"Links": ["loud:x"]}}),
        "conflicting options: host type networking can't be used with links.",
    );
    refused(
        json!({"HostConfig": {"Links": ["nobody:x"]}}),
        "could not get container for nobody: No such container: nobody",
    );
    refused(json!({"HostConfig": {"ExtraHosts": ["nothing"]}}), "bad format for add-host: \"nothing\"");
    refused(json!({"HostConfig": {"ExtraHosts": ["a:nothing"]}}), "invalid IP address in add-host: \"nothing\"");
    refused(mode("container:"), "nvalid");
    refused(
        json!({"Hostname": "x", "HostConfig": {"UTSMode": "host"}}),
        "conflicting options: hostname and the UTS mode",
    );
    refused(
        json!({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "90-80"}]}}}),
        "invalid port specification: \"90-80\"",
    );
}

#[test]
fn several_networks_at_once_need_a_newer_version_and_then_work() {
    let Some(engine) = Engine::start() else { return };
    engine.network("front", &json!({}));
    engine.network("back", &json!({}));
    let body = engine.creation(json!({
        "HostConfig": {"NetworkMode": "front"},
        "NetworkingConfig": {"EndpointsConfig": {"front": {}, "back": {"Aliases": ["b"]}}},
    }));
    let refused = engine.post_json("/containers/create?name=old", &body);
    refused.refuses(400, "Container cannot be ");
    if engine.before("1.44", "one network only at creation") {
        return;
    }
    let newer = engine.at("1.44");
    newer.post_json("/containers/create?name=web", &body).is(201);
    newer.post("/containers/web/start").is(204);
    let web = engine.container("web");
    assert_eq!(web.tell("ls /sys/class/net"), "eth0\neth1\nlo\n");
    assert_eq!(web.inspect()["NetworkSettings"]["Networks"].as_object().unwrap().len(), 2);
}

#[test]
fn a_network_that_is_not_there_is_missed_at_the_start() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.create("web", mode("nowhere"));
    let answer = web.post("start").refuses(404, "network nowhere not found");
    drop(answer);
    assert_eq!(web.status(), "created");
    engine.network("nowhere", &json!({}));
    web.start();
    assert!(!web.endpoint("nowhere")["IPAddress"].as_str().unwrap().is_empty());
}

#[test]
fn addresses_and_ethernet_addresses_are_those_that_were_asked_for() {
    let Some(engine) = Engine::start() else { return };
    let pools = json!({"EnableIPv6": true, "IPAM": {"Config": [{"Subnet": "10.8.0.0/24"}, {"Subnet": "fd08::/64"}]}});
    engine.network("front", &pools);
    let endpoint = json!({"IPAMConfig": {"IPv4Address": "10.8.0.77", "IPv6Address": "fd08::77"}});
    let fields = |endpoint: &Value| json!({"MacAddress": "02:00:00:00:00:77", "HostConfig": {"NetworkMode": "front"}, "NetworkingConfig": {"EndpointsConfig": {"front": endpoint}}});
    let web = engine.run("web", fields(&endpoint));
    let shown = web.endpoint("front");
    assert_eq!(
        (&shown["IPAddress"], &shown["GlobalIPv6Address"], &shown["MacAddress"]),
        (&json!("10.8.0.77"), &json!("fd08::77"), &json!("02:00:00:00:00:77"))
    );
    assert_eq!(shown["IPAMConfig"], endpoint["IPAMConfig"]);
    let seen = web.tell("ip addr show eth0");
    assert!(
        seen.contains("10.8.0.77/24") && seen.contains("fd08::77/64") && seen.contains("02:00:00:00:00:77"),
        "{seen}"
    );
    // Nothing is taken before the start.
    let twin = engine.create("twin", fields(&endpoint));
    let in_use = twin.post("start").refuses(403, "Address already in use");
    drop(in_use);
    assert_eq!(twin.status(), "created");
    web.stop();
    twin.start();
    assert_eq!(twin.endpoint("front")["IPAddress"], "10.8.0.77");
    let outside = json!({"IPAMConfig": {"IPv4Address": "10.9.0.1"}});
    let made = engine.post_json("/containers/create", &engine.creation(fields(&outside)));
    if engine.before("1.44", "an address outside was found at the start only") {
        assert_eq!(made.status, 201);
    } else {
        made.refuses(400, "no configured subnet contains IP address 10.9.0.1");
    }
    let default =
        json!({"NetworkingConfig": {"EndpointsConfig": {"bridge": {"IPAMConfig": {"IPv4Address": "172.17.0.9"}}}}});
    let made = engine.post_json("/containers/create?name=fixed", &engine.creation(default));
    let text = "user";
    if engine.before("1.44", "an address in a predefined network was found at the start only") {
        engine.post("/containers/fixed/start").refuses(400, text);
    } else {
        made.refuses(400, "user-specified IP address is supported on user-defined networks only");
    }
}
