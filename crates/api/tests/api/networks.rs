//! The networks API: shapes, versions, filters, errors (api-networks.md).

use crate::probe::{Probe, encoded};
use http::{Request, header};
use http_body_util::Full;
use serde_json::json;

#[tokio::test]
async fn an_inspected_network_has_all_its_fields_in_dockers_form() {
    let probe = Probe::new();
    let body = r#"{"Name":"n","IPAM":{"Config":[{"Subnet":"fd00::/64","Gateway":"fd00::1"},{"Subnet":"10.9.0.0/24","Gateway":"10.9.0.1"}]},"EnableIPv6":true}"#;
    let id = probe.network(body).await;
    let shown = probe.get("/networks/n").await.json();
    let created = shown["Created"].as_str().unwrap();
    assert!(pontoon_api_types::parse_rfc3339(created).is_some(), "{created}");
    assert_eq!(
        shown,
        json!({
            "Name": "n", "Id": id, "Created": created, "Scope": "local", "Driver": "bridge",
            "EnableIPv4": true, "EnableIPv6": true,
            "IPAM": {"Driver": "default", "Options": null, "Config": [
                {"Subnet": "10.9.0.0/24", "Gateway": "10.9.0.1"}, {"Subnet": "fd00::/64", "Gateway": "fd00::1"}]},
            "Internal": false, "Attachable": false, "Ingress": false, "ConfigFrom": {"Network": ""}, "ConfigOnly": false,
            "Options": {}, "Labels": {}, "Containers": {},
            "Status": {"IPAM": {"Subnets": {
                "10.9.0.0/24": {"IPsInUse": 3, "DynamicIPsAvailable": u64::MAX},
                "fd00::/64": {"IPsInUse": 3, "DynamicIPsAvailable": u64::MAX}}}}
        })
    );
}

#[tokio::test]
async fn networks_without_addresses_say_null() {
    let shown = Probe::new().get("/networks/none").await.json();
    assert_eq!(shown["Driver"], "null");
    assert_eq!(shown["IPAM"], json!({"Driver": "default", "Options": null, "Config": null}));
    assert_eq!(shown["Status"], json!({"IPAM": {}}));
}

#[tokio::test]
async fn empty_options_are_not_no_options() {
    let probe = Probe::new();
    probe.network(r#"{"Name":"n","IPAM":{"Options":{}}}"#).await;
    assert_eq!(probe.get("/networks/n").await.json()["IPAM"]["Options"], json!({}));
}

#[tokio::test]
async fn a_network_of_settings_shows_them_as_given() {
    let probe = Probe::new();
    probe.network(r#"{"Name":"c","ConfigOnly":true,"IPAM":{"Config":[{"Subnet":"10.9.0.0/24"}]}}"#).await;
    assert_eq!(probe.get("/networks/c").await.json()["IPAM"]["Config"], json!([{"Subnet": "10.9.0.0/24"}]));
}

#[tokio::test]
async fn fields_come_and_go_with_the_version() {
    let probe = Probe::new();
    for (version, status, listed) in [
        ("1.56", true, false),
        ("1.52", true, false),
        ("1.51", false, false),
        ("1.28", false, false),
        ("1.27", false, true),
    ] {
        let shown = probe.get(&format!("/v{version}/networks/bridge")).await.json();
        assert_eq!(shown.get("Status").is_some(), status, "{version}");
        assert!(shown["Containers"].is_object(), "{version}");
        let list = probe.get(&format!("/v{version}/networks")).await.json();
        assert_eq!(list[0].get("Containers").is_some(), listed, "{version}");
    }
    assert_eq!(probe.call("POST /v1.24/networks/prune", None).await.status, 404);
    assert_eq!(probe.call("POST /v1.25/networks/prune", None).await.status, 200);
}

#[tokio::test]
async fn what_is_joined_is_shown_by_its_id() {
    let probe = Probe::new();
    probe.network(r#"{"Name":"n"}"#).await;
    let sandbox = probe.sandbox(r#"{"Name":"web"}"#).await;
    let answer = probe.post("/networks/n/connect", r#"{"Container":"web","EndpointConfig":null}"#).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    let member = &probe.get("/networks/n").await.json()["Containers"][&sandbox];
    assert_eq!(member["Name"], "web");
    assert_eq!(member["IPv4Address"], "172.18.0.2/16");
    assert_eq!(member["IPv6Address"], "");
    let answer = probe.post("/networks/n/disconnect", r#"{"Container":"web","Force":true}"#).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(probe.get("/networks/n").await.json()["Containers"], json!({}));
}

#[tokio::test]
async fn an_ethernet_address_counts_when_connecting_since_1_54() {
    for (version, mac) in [("1.54", "02:42:00:00:00:77"), ("1.53", "02:42:00:00:00:09")] {
        let probe = Probe::new();
        probe.network(r#"{"Name":"n"}"#).await;
        let sandbox = probe.sandbox("{}").await;
        let body = format!(r#"{{"Container":"{sandbox}","EndpointConfig":{{"MacAddress":"02:42:00:00:00:77"}}}}"#);
        probe.post(&format!("/v{version}/networks/n/connect"), &body).await;
        assert_eq!(probe.get("/networks/n").await.json()["Containers"][&sandbox]["MacAddress"], mac, "{version}");
    }
}

#[tokio::test]
async fn filters_choose_as_dockers_do() {
    let probe = Probe::new();
    let id = probe.network(r#"{"Name":"front","Labels":{"a":"1","b":""}}"#).await;
    probe.network(r#"{"Name":"back","Labels":{"a":"2"}}"#).await;
    probe.sandbox(r#"{"Name":"web","Networks":{"back":{}}}"#).await;
    let short = &id[2..9];
    for (filters, names) in [
        (r#"{"driver":["null"]}"#.to_owned(), vec!["none"]),
        (r#"{"name":["fro"]}"#.to_owned(), vec!["front"]),
        (r#"{"name":{"^b":true}}"#.to_owned(), vec!["bridge", "back"]),
        (r#"{"name":["front","back"]}"#.to_owned(), vec!["front", "back"]),
        (r#"{"name":["["]}"#.to_owned(), vec![]),
        (format!(r#"{{"id":["{short}"]}}"#), vec!["front"]),
        (r#"{"label":["a"]}"#.to_owned(), vec!["front", "back"]),
        (r#"{"label":["a=1","b"]}"#.to_owned(), vec!["front"]),
        (r#"{"label":["a=3"]}"#.to_owned(), vec![]),
        (r#"{"scope":["local"],"type":["builtin"]}"#.to_owned(), vec!["bridge", "host", "none"]),
        (r#"{"scope":["nowhere"]}"#.to_owned(), vec![]),
        (r#"{"type":["custom"]}"#.to_owned(), vec!["front", "back"]),
        (r#"{"type":["custom","builtin"],"driver":["host"]}"#.to_owned(), vec!["host"]),
        (r#"{"dangling":["1"]}"#.to_owned(), vec!["front"]),
        (r#"{"dangling":["false"]}"#.to_owned(), vec!["bridge", "host", "none", "back"]),
        (String::new(), vec!["bridge", "host", "none", "front", "back"]),
    ] {
        assert_eq!(probe.listed(&filters).await, names, "{filters}");
    }
}

#[tokio::test]
async fn wrong_filters_are_refused_in_dockers_words() {
    let probe = Probe::new();
    for (filters, status, text) in [
        ("x", 400, "invalid filter"),
        (r#"{"nope":["x"]}"#, 400, "invalid filter 'nope'"),
        (r#"{"type":["x"]}"#, 500, "invalid filter: 'type'='x'"),
        (r#"{"dangling":["0","1"]}"#, 400, "got more than one value for filter key \"dangling\""),
    ] {
        let answer = probe.get(&format!("/networks?filters={}", encoded(filters))).await;
        assert_eq!((answer.status, answer.message()), (status, text.to_owned()), "{filters}");
    }
}

#[tokio::test]
async fn inspect_checks_its_parameters() {
    let probe = Probe::new();
    for (query, status, text) in [
        ("verbose=yes", 400, "invalid value for verbose: yes: strconv.ParseBool: parsing \"yes\": invalid syntax"),
        ("scope=swarm", 404, "network bridge not found"),
    ] {
        let answer = probe.get(&format!("/networks/bridge?{query}")).await;
        assert_eq!((answer.status, answer.message()), (status, text.to_owned()), "{query}");
    }
    for query in ["verbose=T", "verbose=0", "scope=local", "verbose="] {
        assert_eq!(probe.get(&format!("/networks/bridge?{query}")).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn errors_have_dockers_status_and_text() {
    let probe = Probe::new();
    probe.network(r#"{"Name":"n"}"#).await;
    let sandbox = probe.sandbox(r#"{"Name":"web","Networks":{"n":{}}}"#).await;
    let not_connected = format!("container {sandbox} is not connected to network bridge");
    for (line, body, status, text) in [
        ("POST /networks/create", Some(r#"{"Name":"n"}"#), 409, "network with name n already exists"),
        (
            "POST /networks/create",
            Some(r#"{"Name":"host"}"#),
            403,
            "operation is not permitted on predefined host network ",
        ),
        ("POST /networks/create", Some(""), 400, "invalid name: name is empty"),
        ("POST /networks/create", Some("  "), 400, "invalid JSON: got EOF while reading request body"),
        ("POST /networks/create", Some("{}{}"), 400, "unexpected content after JSON"),
        (
            "POST /networks/create",
            Some(r#"{"Name":"x","IPAM":{"Config":[{"Subnet":"10.0.0.0"}]}}"#),
            400,
            "invalid JSON: netip.ParsePrefix(\"10.0.0.0\"): no '/'",
        ),
        (
            "POST /networks/create",
            Some(r#"{"Name":"x","Internal":"yes"}"#),
            400,
            "invalid JSON: json: cannot unmarshal string into Go struct field CreateRequest.Internal of type bool",
        ),
        ("GET /networks/nope", None, 404, "network nope not found"),
        ("DELETE /networks/nope", None, 404, "network nope not found"),
        ("DELETE /networks/bridge", None, 403, "bridge is a pre-defined network and cannot be removed"),
        ("POST /networks/n/connect", Some(r#"{"Container":"nobody"}"#), 404, "No such container: nobody"),
        ("POST /networks/nope/connect", Some(r#"{"Container":"web"}"#), 404, "network nope not found"),
        (
            "POST /networks/n/connect",
            Some(r#"{"Container":"web"}"#),
            403,
            "endpoint with name web already exists in network n",
        ),
        ("POST /networks/bridge/disconnect", Some(r#"{"Container":"web"}"#), 500, not_connected.as_str()),
        (
            "POST /networks/n/connect",
            Some(r#"{"Container":"web","EndpointConfig":{"Links":["a:b:c"]}}"#),
            400,
            "bad format for links: a:b:c",
        ),
    ] {
        let answer = probe.call(line, body).await;
        assert_eq!((answer.status, answer.message()), (status, text.to_owned()), "{line} {body:?}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let busy = probe.call("DELETE /networks/n", None).await;
    assert_eq!(busy.status, 403);
    assert!(
        busy.message().starts_with("error while removing network: network n has active endpoints (name:\"web\" id:\"")
    );
    assert!(busy.json()["hint"].as_str().is_some(), "{}", busy.body);
}

#[tokio::test]
async fn ambiguous_prefixes_are_told_for_each_operation() {
    let probe = Probe::new();
    let mut ids = Vec::new();
    // Sixteen first digits, so that of seventeen networks two share one.
    for number in 0..17 {
        ids.push(probe.network(&format!(r#"{{"Name":"zz{number}"}}"#)).await);
    }
    let shared =
        ids.iter().find(|id| ids.iter().filter(|other| other[..1] == id[..1]).count() > 1).unwrap()[..1].to_owned();
    let shared = shared.as_str();
    let all = probe.get("/networks").await.json();
    let count = all.as_array().unwrap().iter().filter(|n| n["Id"].as_str().unwrap().starts_with(shared)).count();
    let sandbox = probe.sandbox("{}").await;
    let inspect = probe.get(&format!("/networks/{shared}")).await;
    assert_eq!(inspect.message(), format!("{count} matches found based on ID prefix: network {shared} is ambiguous"));
    let remove = probe.call(&format!("DELETE /networks/{shared}"), None).await;
    let connect = probe.post(&format!("/networks/{shared}/connect"), &format!(r#"{{"Container":"{sandbox}"}}"#)).await;
    for answer in [inspect.status, remove.status, connect.status] {
        assert_eq!(answer, 400);
    }
    for answer in [remove, connect] {
        assert_eq!(
            answer.message(),
            format!("network {shared} is ambiguous ({count} matches found based on ID prefix)")
        );
    }
}

#[tokio::test]
async fn a_name_with_slashes_is_addressable() {
    let probe = Probe::new();
    probe.network(r#"{"Name":"a/b c/connect"}"#).await;
    probe.sandbox(r#"{"Name":"web"}"#).await;
    assert_eq!(probe.get("/networks/a/b%20c/connect").await.json()["Name"], "a/b c/connect");
    let answer = probe.post("/networks/a%2Fb%20c%2Fconnect/connect", r#"{"Container":"web"}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    probe.post("/networks/a/b%20c/connect/disconnect", r#"{"Container":"web"}"#).await;
    assert_eq!(probe.call("DELETE /networks/a/b%20c/connect", None).await.status, 204);
}

#[tokio::test]
async fn removing_is_not_idempotent() {
    let probe = Probe::new();
    probe.network(r#"{"Name":"n"}"#).await;
    let answer = probe.call("DELETE /networks/n", None).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(probe.call("DELETE /networks/n", None).await.status, 404);
}

#[tokio::test]
async fn pruning_tells_names_or_null() {
    let probe = Probe::new();
    let nothing = probe.call("POST /networks/prune", None).await;
    assert_eq!((nothing.status, nothing.json()), (200, json!({"NetworksDeleted": null})));
    probe.network(r#"{"Name":"n"}"#).await;
    let path = format!("/networks/prune?filters={}", encoded(r#"{"until":["1h"]}"#));
    assert_eq!(probe.call(&format!("POST {path}"), None).await.json(), json!({"NetworksDeleted": null}));
    // Docker's command sends no content type and no body.
    assert_eq!(probe.call("POST /networks/prune", None).await.json(), json!({"NetworksDeleted": ["n"]}));
    let two = encoded(r#"{"until":["1h","2h"]}"#);
    let answer = probe.call(&format!("POST /networks/prune?filters={two}"), None).await;
    assert_eq!((answer.status, answer.message().as_str()), (400, "more than one until filter specified"));
}

#[tokio::test]
async fn bodies_must_be_json() {
    let probe = Probe::new();
    for (content, text) in [
        ("text/plain", "unsupported Content-Type header (text/plain): must be 'application/json'"),
        ("nonsense/", "malformed Content-Type header (nonsense/): mime: unexpected content after media subtype"),
    ] {
        let request = Request::post("/networks/create").header(header::CONTENT_TYPE, content).body(Full::from("{}"));
        let answer = probe.send(request.unwrap()).await;
        assert_eq!((answer.status, answer.message().as_str()), (400, text));
    }
    let bare = probe.send(Request::post("/networks/create").body(Full::from("{}")).unwrap()).await;
    assert_eq!(bare.message(), "malformed Content-Type header (): mime: no media type");
    let none = probe.send(Request::post("/networks/create").body(Full::default()).unwrap()).await;
    assert_eq!((none.status, none.message().as_str()), (400, "invalid name: name is empty"));
}
