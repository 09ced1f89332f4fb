//! Published ports: who reaches them, what is shown, which number is taken, and what is refused.

use pontoon_conformance::{Container, Engine, Transport, Value, answer, json, patient, reach, serve};
use std::net::SocketAddr;

/// A container that publishes so.
fn publishing<'a>(engine: &'a Engine, name: &str, bindings: Value, more: Value) -> Container<'a> {
    let exposed: pontoon_conformance::Map<String, Value> =
        bindings.as_object().unwrap().keys().map(|port| (port.clone(), json!({}))).collect();
    let mut host = json!({"PortBindings": bindings});
    host.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    engine.create(name, json!({"ExposedPorts": exposed, "HostConfig": host}))
}

/// A running one that serves on TCP port 80 and tells whom it sees.
fn serving<'a>(engine: &'a Engine, name: &str, bindings: Value, more: Value) -> Container<'a> {
    let web = publishing(engine, name, bindings, more);
    web.start();
    serve(&web.place(), Transport::Tcp, "[::]:80");
    serve(&web.place(), Transport::Tcp, "0.0.0.0:80");
    web
}

/// What is told at a port of the host to somebody on the lan, IPv4 or IPv6.
fn from_lan(engine: &Engine, family: usize, port: u16) -> String {
    let lan = engine.scene().lan();
    patient(lan, Transport::Tcp, SocketAddr::new(lan.host[family], port)).unwrap()
}

/// What is told at a port of the host to the host itself.
fn from_host(engine: &Engine, address: &str, port: u16) -> std::io::Result<String> {
    patient(engine.scene().host(), Transport::Tcp, SocketAddr::new(address.parse().unwrap(), port))
}

fn port_of(binding: &Value) -> u16 {
    binding["HostPort"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_published_port_is_reached_from_the_lan_and_from_the_host() {
    let Some(engine) = Engine::start() else { return };
    let bindings = json!({"80/tcp": [{"HostPort": "8080"}]});
    let web = serving(&engine, "web", bindings.clone(), json!({}));
    let lan = engine.scene().lan();
    assert_eq!(from_lan(&engine, 0, 8080), answer("web", lan.own[0]));
    assert!(from_lan(&engine, 1, 8080).starts_with("web sees "));
    for local in ["127.0.0.1", "::1"] {
        assert!(from_host(&engine, local, 8080).unwrap().starts_with("web sees "), "{local}");
    }
    let shown = web.inspect()["NetworkSettings"]["Ports"].clone();
    assert_eq!(
        shown,
        json!({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}]})
    );
    let mut listed = engine.get("/containers/json").ok()[0]["Ports"].as_array().unwrap().clone();
    listed.sort_by_key(|port| port["IP"].as_str().unwrap().to_owned());
    assert_eq!(
        listed,
        [
            json!({"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}),
            json!({"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}),
        ]
    );
    web.stop();
    assert_eq!(web.inspect()["NetworkSettings"]["Ports"], json!({}));
    assert!(from_host(&engine, "127.0.0.1", 8080).is_err());
    // It is free for others at once.
    serving(&engine, "other", bindings, json!({}));
    assert_eq!(from_lan(&engine, 0, 8080), answer("other", lan.own[0]));
}

#[test]
fn a_port_on_an_address_is_reached_there_only() {
    let Some(engine) = Engine::start() else { return };
    let bindings = json!({"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]});
    let web = serving(&engine, "web", bindings.clone(), json!({}));
    assert!(from_host(&engine, "127.0.0.1", 8080).unwrap().starts_with("web sees "));
    let lan = engine.scene().lan();
    assert!(!reach(lan, Transport::Tcp, SocketAddr::new(lan.host[0], 8080)));
    assert_eq!(web.inspect()["NetworkSettings"]["Ports"], bindings);
}

#[test]
fn numbers_that_are_left_open_are_chosen() {
    let Some(engine) = Engine::start() else { return };
    let web = serving(
        &engine,
        "web",
        json!({"80/tcp": [{}], "81/tcp": [{"HostPort": "0"}], "82/udp": [{"HostPort": ""}]}),
        json!({}),
    );
    let ports = web.inspect()["NetworkSettings"]["Ports"].clone();
    for port in ["80/tcp", "81/tcp", "82/udp"] {
        assert!(port_of(&ports[port][0]) >= 1024, "{ports}");
    }
    if !engine.before("1.44", "each family got a number of its own") {
        assert_eq!(ports["80/tcp"][0]["HostPort"], ports["80/tcp"][1]["HostPort"]);
    }
    assert_ne!(ports["80/tcp"][0]["HostPort"], ports["81/tcp"][0]["HostPort"]);
    assert!(from_lan(&engine, 0, port_of(&ports["80/tcp"][0])).starts_with("web sees "));
}

#[test]
fn the_first_free_number_of_a_range_is_taken() {
    let Some(engine) = Engine::start() else { return };
    let range = json!({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8000-8002"}]});
    for wanted in ["8000", "8001", "8002"] {
        let web = publishing(&engine, "", range.clone(), json!({}));
        web.start();
        assert_eq!(web.inspect()["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"], wanted);
    }
    let late = publishing(&engine, "late", range, json!({}));
    let status = 500;
    late.post("start").refuses(status, "all ports are allocated");
    assert_eq!(late.status(), "created");
}

#[test]
fn a_number_that_is_taken_is_refused_and_nothing_stays() {
    let Some(engine) = Engine::start() else { return };
    let bindings = json!({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]});
    let first = publishing(&engine, "first", bindings.clone(), json!({}));
    first.start();
    let second = publishing(&engine, "second", bindings, json!({}));
    second.post("start").refuses(500, "Bind for 0.0.0.0:8080 failed: port is already allocated");
    assert_eq!(second.status(), "created");
    assert_eq!(engine.get("/networks/bridge").ok()["Containers"].as_object().unwrap().len(), 1);
    first.stop();
    second.start();
    // Somebody else on the host has it.
    let host = engine.scene().host();
    let taken = host.run(|| std::net::TcpListener::bind("0.0.0.0:9090").unwrap());
    let third = publishing(&engine, "third", json!({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "9090"}]}), json!({}));
    third.post("start").refuses(500, "address already in use");
    drop(taken);
    third.start();
    let elsewhere =
        publishing(&engine, "elsewhere", json!({"80/tcp": [{"HostIp": "198.51.100.77", "HostPort": "80"}]}), json!({}));
    elsewhere.post("start").refuses(500, "cannot assign requested address");
}

#[test]
fn all_exposed_ports_are_published_on_request() {
    let Some(engine) = Engine::start() else { return };
    let fields = json!({"ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "HostConfig": {"PublishAllPorts": true}});
    let ports = engine.run("", fields).inspect()["NetworkSettings"]["Ports"].clone();
    assert!(port_of(&ports["80/tcp"][0]) > 0 && port_of(&ports["53/udp"][0]) > 0, "{ports}");
    let only = engine.run("", json!({"ExposedPorts": {"80/tcp": {}}}));
    assert_eq!(only.inspect()["NetworkSettings"]["Ports"], json!({"80/tcp": null}));
    let list = engine.get_with("/containers/json", &[("filters", &json!({"id": [only.id]}).to_string())]).ok();
    let port = &list[0]["Ports"][0];
    assert_eq!((&port["PrivatePort"], &port["Type"], port.get("PublicPort")), (&json!(80), &json!("tcp"), None));
}

#[test]
fn udp_is_answered_from_where_it_was_asked() {
    let Some(engine) = Engine::start() else { return };
    let web = publishing(&engine, "web", json!({"53/udp": [{"HostPort": "5353"}]}), json!({}));
    web.start();
    serve(&web.place(), Transport::Udp, "0.0.0.0:53");
    let lan = engine.scene().lan();
    // A connected socket takes an answer only from there.
    let told = patient(lan, Transport::Udp, SocketAddr::new(lan.host[0], 5353)).unwrap();
    assert_eq!(told, answer("web", lan.own[0]));
    let host = engine.scene().host();
    let told = patient(host, Transport::Udp, "127.0.0.1:5353".parse().unwrap()).unwrap();
    assert!(told.starts_with("web sees "), "{told}");
}

#[test]
fn publishing_implies_exposing() {
    let Some(engine) = Engine::start() else { return };
    let bindings = json!({"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}});
    let web = engine.run("web", bindings);
    if !engine.before("1.44", "a port that was not exposed was not published") {
        assert_eq!(port_of(&web.inspect()["NetworkSettings"]["Ports"]["80/tcp"][0]), 8080);
    }
}

#[test]
fn ports_follow_the_network_that_is_the_way_out() {
    let Some(engine) = Engine::start() else { return };
    engine.network("front", &json!({}));
    engine.network("inner", &json!({"Internal": true}));
    let web = serving(&engine, "web", json!({"80/tcp": [{"HostPort": "8080"}]}), json!({"NetworkMode": "inner"}));
    assert!(web.inspect()["NetworkSettings"]["Ports"]["80/tcp"].is_null());
    engine.post_json("/networks/front/connect", &json!({"Container": "web"})).is(200);
    assert!(from_lan(&engine, 0, 8080).starts_with("web sees "));
    assert_eq!(web.inspect()["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"], "8080");
    engine.post_json("/networks/front/disconnect", &json!({"Container": "web"})).is(200);
    if !engine.before("1.44", "ports were moved to a network without a way out") {
        assert!(from_host(&engine, "127.0.0.1", 8080).is_err());
    }
}
