//! Our own sandbox API.

use crate::probe::{Probe, encoded};
use serde_json::json;

const WEB: &str = r#"{"Name":"web","Networks":{"n":{"Aliases":["w"],"GwPriority":3}},
    "PortBindings":{"80/tcp":[{"HostPort":"8080"}],"20000-29999/udp":[{"HostIp":"127.0.0.1","HostPort":"30000-39999"}]},
    "Hostname":"h","Domainname":"d","ExtraHosts":["db:10.0.0.5","gw:host-gateway"],"Dns":["9.9.9.9"],
    "DnsSearch":["example"],"DnsOptions":["ndots:1"],"Sysctls":{"net.ipv4.ip_forward":"1"},"Labels":{"l":"v"}}"#;

#[tokio::test]
async fn an_inspected_sandbox_has_dockers_fields() {
    let probe = Probe::new();
    let network = probe.network(r#"{"Name":"n"}"#).await;
    let id = probe.sandbox(WEB).await;
    let shown = probe.get("/pontoon/v1/sandboxes/web").await.json();
    assert_eq!(shown["Id"], json!(id));
    assert_eq!(shown["State"], json!({"Status": "running", "Running": true, "Pid": 0}));
    assert_eq!(shown["Namespace"], json!({}));
    assert_eq!(shown["Config"]["ExtraHosts"], json!(["db:10.0.0.5", "gw:host-gateway"]));
    assert_eq!(shown["Config"]["PortBindings"]["80/tcp"], json!([{"HostIp": "", "HostPort": "8080"}]));
    assert!(shown["ResolvConfPath"].as_str().unwrap().ends_with("/resolv.conf"));
    let settings = &shown["NetworkSettings"];
    assert_eq!(settings["SandboxKey"], format!("/run/pontoon/netns/{}", &id[..12]));
    assert_eq!(
        settings["Ports"],
        json!({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}],
               "20000-29999/udp": [{"HostIp": "127.0.0.1", "HostPort": "30000-39999"}]})
    );
    let mut endpoint = settings["Networks"]["n"].clone();
    endpoint["EndpointID"] = json!("e");
    assert_eq!(
        endpoint,
        json!({"IPAMConfig": null, "Links": null, "Aliases": ["w"], "DriverOpts": null, "GwPriority": 3,
               "NetworkID": network, "EndpointID": "e", "Gateway": "172.18.0.1", "IPAddress": "172.18.0.2",
               "MacAddress": "02:42:00:00:00:09", "IPPrefixLen": 16, "IPv6Gateway": "", "GlobalIPv6Address": "",
               "GlobalIPv6PrefixLen": 0, "DNSNames": ["web", "w", &id[..12], "h"]})
    );
}

#[tokio::test]
async fn the_predefined_network_serves_no_names() {
    let probe = Probe::new();
    probe.sandbox(r#"{"Name":"web","Networks":{"bridge":{}}}"#).await;
    let shown = probe.get("/pontoon/v1/sandboxes/web").await.json();
    assert_eq!(shown["NetworkSettings"]["Networks"]["bridge"]["DNSNames"], json!(null));
}

#[tokio::test]
async fn ports_are_replaced_and_told() {
    let probe = Probe::new();
    probe.network(r#"{"Name":"n"}"#).await;
    probe.sandbox(WEB).await;
    let answer =
        probe.post("/pontoon/v1/sandboxes/web/ports", r#"{"PortBindings":{"53/udp":[{"HostPort":"5353"}]}}"#).await;
    assert_eq!(answer.json(), json!({"Ports": {"53/udp": [{"HostIp": "0.0.0.0", "HostPort": "5353"}]}}));
    let answer = probe.post("/pontoon/v1/sandboxes/web/ports", r#"{"PortBindings":{"0/udp":null}}"#).await;
    assert_eq!((answer.status, answer.message().as_str()), (400, "invalid port specification: \"0/udp\""));
    assert_eq!(probe.post("/pontoon/v1/sandboxes/nobody/ports", "{}").await.status, 404);
}

#[tokio::test]
async fn a_joined_sandbox_is_removed_only_with_force() {
    let probe = Probe::new();
    probe.network(r#"{"Name":"n"}"#).await;
    probe.sandbox(WEB).await;
    let refused = probe.call("DELETE /pontoon/v1/sandboxes/web", None).await;
    assert_eq!(
        (refused.status, refused.message().as_str()),
        (409, "sandbox web has endpoints; disconnect it or remove it with force")
    );
    let gone = probe.call("DELETE /pontoon/v1/sandboxes/web?force=true", None).await;
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    assert_eq!(probe.get("/pontoon/v1/sandboxes/web").await.message(), "No such container: web");
}

#[tokio::test]
async fn lists_are_filtered() {
    let probe = Probe::new();
    let network = probe.network(r#"{"Name":"n"}"#).await;
    probe.sandbox(WEB).await;
    probe.sandbox(r#"{"Name":"db"}"#).await;
    for (filters, count) in [
        ("{}".to_owned(), 2),
        (r#"{"name":["we"]}"#.to_owned(), 1),
        (r#"{"label":["l=v"]}"#.to_owned(), 1),
        (r#"{"network":["n"]}"#.to_owned(), 1),
        (format!(r#"{{"network":["{}"]}}"#, &network[..9]), 1),
        (r#"{"network":["x"]}"#.to_owned(), 0),
    ] {
        let list = probe.get(&format!("/pontoon/v1/sandboxes?filters={}", encoded(&filters))).await.json();
        assert_eq!(list.as_array().unwrap().len(), count, "{filters}");
    }
    let unknown = probe.get(&format!("/pontoon/v1/sandboxes?filters={}", encoded(r#"{"x":["y"]}"#))).await;
    assert_eq!(unknown.message(), "invalid filter 'x'");
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let probe = Probe::new();
    probe.sandbox(r#"{"Name":"web"}"#).await;
    for (body, status, text) in [
        (r#"{"Namespace":{"Pid":5,"Path":"/x"}}"#, 400, "invalid namespace: give one of Path, Pid and Host"),
        (r#"{"Networks":{"n":null}}"#, 400, "invalid config for network n: EndpointsConfig is nil"),
        (r#"{"Dns":["x"]}"#, 400, "invalid JSON: ParseAddr(\"x\"): unable to parse IP"),
        (
            r#"{"Networks":[]}"#,
            400,
            "invalid JSON: json: cannot unmarshal array into Go struct field CreateRequest.Networks of type map[string]string",
        ),
    ] {
        let answer = probe.post("/pontoon/v1/sandboxes/create", body).await;
        assert_eq!((answer.status, answer.message().as_str()), (status, text), "{body}");
    }
    assert_eq!(probe.post("/pontoon/v1/sandboxes/create", r#"{"Name":"web"}"#).await.status, 409);
}

#[tokio::test]
async fn a_core_that_breaks_down_is_an_internal_error() {
    let probe = Probe::new();
    let answer = probe.post("/pontoon/v1/sandboxes/create", r#"{"Namespace":{"Pid":1}}"#).await;
    assert_eq!(answer.status, 500);
    assert!(answer.message().starts_with("internal error"), "{}", answer.body);
    assert_eq!(probe.get("/networks").await.status, 200);
}
