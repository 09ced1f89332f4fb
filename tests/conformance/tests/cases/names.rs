//! Names: the hosts file, the resolver, aliases, links of both kinds, and the settings of the resolver.

use pontoon_conformance::{Container, Engine, Value, json, until_true};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn mode(mode: &str) -> Value {
    json!({"HostConfig": {"NetworkMode": mode}})
}

/// The IPv4 addresses that a name has for a container; none when it is unknown.
fn lookup(of: &Container<'_>, name: &str) -> Vec<String> {
    let output = of.exec(&format!("nslookup -type=a {name}. 127.0.0.11"));
    let answers =
        output.out.split("Name:").skip(1).flat_map(str::lines).filter_map(|line| line.strip_prefix("Address"));
    let mut addresses: Vec<String> =
        answers.map(|line| line.split(": ").nth(1).unwrap_or_default().trim().to_owned()).collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

fn address(of: &Container<'_>, network: &str) -> String {
    of.ip4(network).to_string()
}

#[test]
fn the_files_of_a_container_tell_its_names_and_servers() {
    let Some(engine) = Engine::start() else { return };
    let host = json!({
        "Dns": ["192.0.2.53"], "DnsSearch": ["example.test"], "DnsOptions": ["timeout:1"],
        "ExtraHosts": ["test:10.10.10.2", "other:fd00::2"],
    });
    let web = engine.run("web", json!({"Hostname": "barker", "Domainname": "example.org", "HostConfig": host}));
    assert_eq!(web.tell("cat /etc/hostname"), "barker\n");
    assert_eq!(web.tell("hostname"), "barker\n");
    assert_eq!(web.tell("echo $HOSTNAME"), "barker\n");
    let hosts = web.tell("cat /etc/hosts");
    for line in [
        "127.0.0.1\tlocalhost",
        "10.10.10.2\ttest",
        "fd00::2\tother",
        &format!("{}\tbarker.example.org barker", address(&web, "bridge")),
    ] {
        assert!(hosts.lines().any(|one| one == line), "{line:?} in {hosts}");
    }
    let resolv = web.tell("cat /etc/resolv.conf");
    for line in ["nameserver 192.0.2.53", "search example.test", "options timeout:1"] {
        assert!(resolv.lines().any(|one| one == line), "{line:?} in {resolv}");
    }
    let shown = web.inspect();
    assert_eq!(shown["HostConfig"]["ExtraHosts"], host["ExtraHosts"]);
    assert_eq!(
        (&shown["Config"]["Hostname"], &shown["Config"]["Domainname"]),
        (&json!("barker"), &json!("example.org"))
    );
    for path in ["HostsPath", "HostnamePath", "ResolvConfPath"] {
        assert!(shown[path].as_str().unwrap().starts_with('/'), "{path}");
    }
}

#[test]
fn without_wishes_the_default_bridge_has_the_hosts_servers_and_no_resolver() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({}));
    let other = engine.run("other", json!({}));
    let resolv = web.tell("cat /etc/resolv.conf");
    assert!(resolv.contains(&format!("nameserver {}", engine.scene().wan().own[0])), "{resolv}");
    assert!(!resolv.contains("127.0.0.11"));
    assert_ne!(web.exec("ping -c 1 -W 1 other").code, 0);
    assert_eq!(web.exec(&format!("ping -c 1 -W 5 {}", address(&other, "bridge"))).code, 0);
    let gateway = engine.run("gateway", json!({"HostConfig": {"ExtraHosts": ["host.internal:host-gateway"]}}));
    let bridge = gateway.endpoint("bridge")["Gateway"].as_str().unwrap().to_owned();
    assert!(gateway.tell("cat /etc/hosts").contains(&format!("{bridge}\thost.internal\n")));
}

#[test]
fn in_a_network_of_ones_own_names_are_found() {
    let Some(engine) = Engine::start() else { return };
    engine.network("front", &json!({}));
    engine.network("back", &json!({}));
    let web = engine.run(
        "web",
        json!({
            "Hostname": "barker", "HostConfig": {"NetworkMode": "front"},
            "NetworkingConfig": {"EndpointsConfig": {"front": {"Aliases": ["shop", "store"]}}},
        }),
    );
    let client = engine.run("client", mode("front"));
    let stranger = engine.run("stranger", mode("back"));
    let resolv = client.tell("cat /etc/resolv.conf");
    assert!(resolv.contains("nameserver 127.0.0.11\n") && resolv.contains("ndots:0"), "{resolv}");
    let at = address(&web, "front");
    for name in ["web", "shop", "store", &web.id[..12], "web.front"] {
        assert_eq!(lookup(&client, name), [&*at], "{name}");
        assert_eq!(lookup(&stranger, name), Vec::<String>::new(), "{name}");
    }
    if !engine.before("1.45", "a hostname was no name of the endpoint") {
        assert_eq!(lookup(&client, "barker"), [&*at]);
        let newer = engine.at("1.45").get("/containers/web/json").ok();
        assert_eq!(newer["NetworkSettings"]["Networks"]["front"]["Aliases"], json!(["shop", "store"]));
    }
    assert_eq!(client.exec("ping -c 1 -W 5 web").code, 0);
    let back: String = client.exec(&format!("nslookup {at} 127.0.0.11")).out;
    assert!(back.contains("name = web.front"), "{back}");
    // Two with one name.
    let second = engine.run("second", json!({
        "HostConfig": {"NetworkMode": "front"}, "NetworkingConfig": {"EndpointsConfig": {"front": {"Aliases": ["shop"]}}},
    }));
    let mut both = [at.clone(), address(&second, "front")];
    both.sort();
    assert_eq!(lookup(&client, "shop"), both);
    second.stop();
    assert_eq!(lookup(&client, "shop"), [at]);
}

#[test]
fn a_new_name_is_found_at_once_and_the_old_no_longer() {
    let Some(engine) = Engine::start() else { return };
    engine.network("front", &json!({}));
    let web = engine.run("web", mode("front"));
    let client = engine.run("client", mode("front"));
    let at = address(&web, "front");
    assert_eq!(lookup(&client, "web"), [&*at]);
    web.post("rename?name=shop").is(204);
    assert_eq!(lookup(&client, "shop"), [&*at]);
    assert_eq!(lookup(&client, "web"), Vec::<String>::new());
    let shown = engine.get("/networks/front").ok()["Containers"][&web.id].clone();
    assert_eq!(shown["Name"], "shop");
    web.post("restart?t=5").is(204);
    until_true("the name is there after a restart", PATIENCE, || lookup(&client, "shop") == [address(&web, "front")]);
}

#[test]
fn a_link_in_a_network_of_ones_own_is_a_private_alias() {
    let Some(engine) = Engine::start() else { return };
    engine.network("front", &json!({}));
    let provider = engine.run("provider", mode("front"));
    let client = engine.run("client", json!({
        "HostConfig": {"NetworkMode": "front"}, "NetworkingConfig": {"EndpointsConfig": {"front": {"Links": ["provider:giver"]}}},
    }));
    let other = engine.run("other", mode("front"));
    assert_eq!(lookup(&client, "giver"), [address(&provider, "front")]);
    assert_eq!(lookup(&other, "giver"), Vec::<String>::new());
    assert_eq!(client.endpoint("front")["Links"], json!(["provider:giver"]));
}

#[test]
fn a_link_in_the_default_bridge_is_a_line_in_the_hosts_file() {
    let Some(engine) = Engine::start() else { return };
    let database = engine.run("db", json!({"ExposedPorts": {"5432/tcp": {}}, "Env": ["SECRET=x"]}));
    let client = engine.run("client", json!({"HostConfig": {"Links": ["db:my-link"]}}));
    let at = address(&database, "bridge");
    let line = format!("{at}\tmy-link {} db\n", &database.id[..12]);
    assert!(client.tell("cat /etc/hosts").contains(&line), "{}", client.tell("cat /etc/hosts"));
    assert_eq!(client.inspect()["HostConfig"]["Links"], json!(["/db:/client/my-link"]));
    assert_eq!(client.exec("ping -c 1 -W 5 my-link").code, 0);
    let environment = client.tell("env");
    if engine.before("1.52", "links set variables, which newer ones only do on request") {
        assert!(environment.contains("MY_LINK_PORT_5432_TCP_ADDR="));
    } else {
        assert!(!environment.contains("MY_LINK_"), "{environment}");
    }
    // It follows the other to a new address.
    database.stop();
    let between = engine.run("between", json!({}));
    assert_eq!(address(&between, "bridge"), at);
    database.start();
    let line = format!("{}\tmy-link {} db\n", address(&database, "bridge"), &database.id[..12]);
    until_true("the line follows", PATIENCE, || client.tell("cat /etc/hosts").contains(&line));
    database.stop();
    let late = engine.create("late", json!({"HostConfig": {"Links": ["db:x"]}}));
    let answer = late.post("start");
    assert!(answer.status >= 400);
    assert!(answer.message().contains("Cannot link to a non running container: /db AS /late/x"), "{}", answer.text());
    engine.delete("/containers/client/my-link?link=1").is(204);
    assert_eq!(client.inspect()["HostConfig"]["Links"], Value::Null);
}

#[test]
fn what_a_user_wrote_into_the_files_stays() {
    let Some(engine) = Engine::start() else { return };
    engine.network("front", &json!({}));
    let web = engine.run("web", json!({}));
    web.tell("echo '192.0.2.9 mine' >> /etc/hosts; echo 'nameserver 192.0.2.77' > /etc/resolv.conf");
    engine.post_json("/networks/front/connect", &json!({"Container": "web"})).is(200);
    let hosts = web.tell("cat /etc/hosts");
    assert!(hosts.contains("192.0.2.9 mine") && hosts.contains(&address(&web, "front")), "{hosts}");
    engine.post_json("/networks/front/disconnect", &json!({"Container": "web"})).is(200);
    assert!(web.tell("cat /etc/hosts").contains("192.0.2.9 mine"));
    if !engine.before("1.47", "the resolver's lines went over a user's") {
        assert_eq!(web.tell("cat /etc/resolv.conf"), "nameserver 192.0.2.77\n");
    }
}
