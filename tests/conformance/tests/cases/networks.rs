//! Networks by themselves: made, looked at, listed, pruned, removed, and every refusal that names its reason.

use pontoon_conformance::{Engine, Value, json};

/// The names in a list, sorted.
fn names(list: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = list.as_array().unwrap().iter().map(|one| one["Name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

fn listed(engine: &Engine, filters: &Value) -> Vec<String> {
    let answer = engine.get_with("/networks", &[("filters", &filters.to_string())]).is(200).json();
    names(&answer).into_iter().map(str::to_owned).collect()
}

#[test]
fn three_networks_are_there_from_the_beginning() {
    let Some(engine) = Engine::empty(&[]) else { return };
    assert_eq!(names(&engine.get("/networks").is(200).json()), ["bridge", "host", "none"]);
    for (name, driver) in [("bridge", "bridge"), ("host", "host"), ("none", "null")] {
        let network = engine.get(&format!("/networks/{name}")).is(200).json();
        assert_eq!((&network["Name"], &network["Driver"]), (&json!(name), &json!(driver)));
        assert_eq!(network["Scope"], "local");
        assert_eq!(network["Containers"], json!({}));
        let removed = format!("{name} is a pre-defined network and cannot be removed");
        engine.delete(&format!("/networks/{name}")).refuses(403, &removed);
        let made = format!("operation is not permitted on predefined {name} network");
        engine.post_json("/networks/create", &json!({"Name": name})).refuses(403, &made);
    }
    let bridge = engine.get("/networks/bridge").json();
    assert_eq!(bridge["Options"]["com.docker.network.bridge.default_bridge"], "true");
}

#[test]
fn a_network_is_shown_as_it_was_asked_for() {
    let Some(engine) = Engine::empty(&[]) else { return };
    let pools = json!([
        {"Subnet": "10.8.0.0/24", "IPRange": "10.8.0.128/25", "Gateway": "10.8.0.9", "AuxiliaryAddresses": {"a": "10.8.0.130"}},
        {"Subnet": "fd08::/64", "Gateway": "fd08::9"},
    ]);
    let fields = json!({
        "Driver": "bridge", "EnableIPv6": true, "Attachable": true, "Labels": {"team": "x"},
        "IPAM": {"Driver": "default", "Config": pools},
        "Options": {"com.docker.network.driver.mtu": "1400", "unknown": "kept"},
    });
    let id = engine.network("front", &fields);
    assert!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    for term in ["front", &id, &id[..12]] {
        let network = engine.get(&format!("/networks/{term}")).is(200).json();
        assert_eq!(network["Id"], json!(id));
        for field in ["Driver", "EnableIPv6", "Attachable", "Labels", "Options"] {
            assert_eq!(network[field], fields[field], "{field}");
        }
        assert_eq!(network["IPAM"]["Config"], pools);
        assert_eq!(network["Internal"], false);
        assert_eq!(network["ConfigFrom"], json!({"Network": ""}));
    }
    engine.delete(&format!("/networks/{}", &id[..12])).is(204);
    engine.delete("/networks/front").refuses(404, "network front not found");
    engine.get("/networks/front").refuses(404, "network front not found");
}

#[test]
fn a_network_without_wishes_gets_a_subnet_and_a_gateway_of_its_own() {
    let Some(engine) = Engine::empty(&[]) else { return };
    let subnets: Vec<Value> = ["a", "b"]
        .into_iter()
        .map(|name| {
            engine.network(name, &json!({}));
            engine.get(&format!("/networks/{name}")).json()["IPAM"]["Config"].clone()
        })
        .collect();
    for subnet in &subnets {
        let (net, gateway) = (subnet[0]["Subnet"].as_str().unwrap(), subnet[0]["Gateway"].as_str().unwrap());
        assert_eq!(net.strip_suffix(".0.0/16").unwrap(), gateway.strip_suffix(".0.1").unwrap());
    }
    assert_ne!(subnets[0], subnets[1]);
    engine.network("c", &json!({"IPAM": {"Config": [{"Subnet": "10.9.0.0/24"}]}}));
    let pool = engine.get("/networks/c").json()["IPAM"]["Config"][0].clone();
    let gateway = engine.since("1.44", json!("10.9.0.1"), Value::Null, "the gateway that was chosen is not shown");
    assert_eq!(pool.get("Gateway").cloned().unwrap_or_default(), gateway);
}

#[test]
fn networks_are_refused_with_the_reason() {
    let Some(engine) = Engine::empty(&[]) else { return };
    engine.network("taken", &json!({"IPAM": {"Config": [{"Subnet": "10.8.0.0/24"}]}}));
    let refused = |body: Value, status: u16, text: &str| {
        engine.post_json("/networks/create", &body).refuses(status, text);
    };
    refused(json!({"Name": "taken", "CheckDuplicate": true}), 409, "network with name taken already exists");
    let overlapping = json!({"Name": "x", "IPAM": {"Config": [{"Subnet": "10.8.0.0/16"}]}});
    refused(overlapping, 403, "Pool overlaps with other one on this address space");
    let missing = if engine.before("1.44", "an unknown driver is looked for longer") {
        "no-such"
    } else {
        "plugin \"no-such\" not found"
    };
    refused(json!({"Name": "x", "Driver": "no-such"}), 404, missing);
    let ingress = json!({"Name": "x", "ConfigOnly": true, "Internal": true});
    refused(ingress, 403, "configuration network can only contain network specific fields.");
    let from = json!({"Name": "x", "ConfigFrom": {"Network": "nowhere"}});
    refused(from, 404, "configuration network \"nowhere\" does not exist");
    if !engine.before("1.44", "pools were not validated before they were used") {
        for (pool, text) in [
            (json!({"Subnet": "10.9.0.1/16"}), "invalid subnet 10.9.0.1/16: it should be 10.9.0.0/16"),
            (json!({"Subnet": "10.9.0.0/16", "Gateway": "10.10.0.1"}), "doesn't contain this address"),
            (json!({"Subnet": "10.9.0.0/16", "IPRange": "10.8.0.0/15"}), "CIDR block is bigger than its parent subnet"),
        ] {
            refused(json!({"Name": "x", "IPAM": {"Config": [pool]}}), 400, text);
        }
        refused(json!({"Name": ""}), 400, "name is empty");
    }
    engine.get("/networks/x").refuses(404, "network x not found");
}

#[test]
fn lists_are_filtered() {
    let Some(engine) = Engine::empty(&[]) else { return };
    let id = engine.network("front", &json!({"Labels": {"team": "x", "tier": "1"}}));
    engine.network("back", &json!({"Labels": {"team": "y"}}));
    for (filters, wanted) in [
        (json!({"name": ["fro"]}), &["front"][..]),
        (json!({"name": ["^b"]}), &["back", "bridge"]),
        (json!({"id": [&id[..10]]}), &["front"]),
        (json!({"driver": ["bridge"]}), &["back", "bridge", "front"]),
        (json!({"driver": ["null", "host"]}), &["host", "none"]),
        (json!({"label": ["team"]}), &["back", "front"]),
        (json!({"label": ["team=x", "tier"]}), &["front"]),
        (json!({"type": ["builtin"]}), &["bridge", "host", "none"]),
        (json!({"type": ["custom"]}), &["back", "front"]),
        (json!({"scope": ["local"], "type": ["custom"]}), &["back", "front"]),
        (json!({"scope": ["swarm"]}), &[]),
        (json!({"dangling": {"true": true}}), &["back", "front"]),
        (json!({"dangling": {"false": true}}), &["bridge", "host", "none"]),
    ] {
        assert_eq!(listed(&engine, &filters), wanted, "{filters}");
    }
    engine.get_with("/networks", &[("filters", "{\"no-such\":[\"x\"]}")]).refuses(400, "nvalid filter 'no-such'");
    let status = engine.since("1.44", 400, 500, "filters that are no JSON were an error of the daemon");
    engine.get_with("/networks", &[("filters", "no json")]).is(status);
}

#[test]
fn prune_removes_what_nobody_uses_and_says_its_names() {
    let Some(engine) = Engine::empty(&[]) else { return };
    engine.network("kept", &json!({"Labels": {"keep": "1"}}));
    engine.network("unused", &json!({}));
    let filters = json!({"label!": ["keep"]}).to_string();
    let pruned = engine.post(&format!("/networks/prune?filters={}", filters.replace('"', "%22"))).is(200).json();
    assert_eq!(pruned["NetworksDeleted"], json!(["unused"]));
    let pruned = engine.post("/networks/prune").is(200).json();
    assert_eq!(pruned["NetworksDeleted"], json!(["kept"]));
    assert_eq!(engine.post("/networks/prune").is(200).json()["NetworksDeleted"], Value::Null);
    assert_eq!(listed(&engine, &json!({})), ["bridge", "host", "none"]);
}

#[test]
fn a_network_that_is_made_and_removed_is_in_the_events() {
    let Some(engine) = Engine::empty(&[]) else { return };
    let mut live = engine.stream("/events?filters=%7B%22type%22%3A%5B%22network%22%5D%7D");
    let id = engine.network("front", &json!({}));
    engine.delete("/networks/front").is(204);
    for action in ["create", "destroy"] {
        let event = live.object().unwrap();
        assert_eq!((&event["Type"], &event["Action"]), (&json!("network"), &json!(action)));
        assert_eq!(event["Actor"]["ID"], json!(id));
        assert_eq!(event["Actor"]["Attributes"]["name"], "front");
        assert_eq!(event["Actor"]["Attributes"]["type"], "bridge");
        assert_eq!(event["scope"], "local");
    }
}

#[test]
fn what_cannot_be_read_is_refused_before_anything_happens() {
    let Some(engine) = Engine::empty(&[]) else { return };
    engine.post_json("/networks/create", &json!({"Name": 5})).is(400).message();
    let typed = engine.send("POST".parse().unwrap(), "/networks/create", Some(("text/plain", "{}".into())));
    typed.refuses(400, "must be 'application/json'");
    engine.at("1.99").get("/networks").refuses(400, "client version 1.99 is too new. Maximum supported API version is");
    let old = engine.at("1.0").get("/networks").is(400);
    assert!(old.text().contains("client version 1.0 is too old. Minimum supported API version is"), "{}", old.text());
    engine.get("/no-such-thing").refuses(404, "page not found");
}
