//! Ping, version, info.

use crate::core::Core;
use crate::probe::Probe;

#[tokio::test]
async fn a_ping_is_answered_with_headers() {
    for (line, body) in [("GET /_ping", "OK"), ("HEAD /_ping", ""), ("HEAD /v1.40/_ping", "")] {
        let answer = Probe::new().call(line, None).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{line}");
        for (name, value) in [
            ("content-type", "text/plain; charset=utf-8"),
            ("cache-control", "no-cache, no-store, must-revalidate"),
            ("pragma", "no-cache"),
            ("swarm", "inactive"),
            ("docker-experimental", "false"),
            ("builder-version", "1"),
            ("api-version", "1.56"),
        ] {
            assert_eq!(answer.header(name), value, "{line} {name}");
        }
    }
    assert_eq!(Probe::new().call("HEAD /_ping", None).await.header("content-length"), "0");
}

#[tokio::test]
async fn the_version_is_told_twice_as_docker_does() {
    let version = Probe::new().get("/version").await.json();
    assert_eq!(version["ApiVersion"], "1.56");
    assert_eq!(version["MinAPIVersion"], "1.24");
    assert_eq!(version["Version"], "9.9.9");
    assert_eq!(version["Components"][0]["Name"], "Engine");
    assert_eq!(version["Components"][0]["Details"]["ApiVersion"], "1.56");
    assert_ne!(version["KernelVersion"], "");
}

#[tokio::test]
async fn info_is_true_to_the_daemon_and_to_the_version() {
    let probe = Probe::new();
    let info = probe.get("/info").await.json();
    assert_eq!(info["ID"], "11111111-2222");
    assert_eq!(info["Plugins"]["Network"], serde_json::json!(["bridge", "host", "null"]));
    assert_eq!(info["FirewallBackend"]["Driver"], "nftables");
    assert_eq!(info["Swarm"]["LocalNodeState"], "inactive");
    assert!(info.get("DefaultAddressPools").is_none());
    assert!(info["MemTotal"].as_i64().unwrap() > 0 && info["NCPU"].as_i64().unwrap() > 0);
    let older = probe.get("/v1.48/info").await.json();
    assert!(older.get("FirewallBackend").is_none());
    assert_eq!(older["BridgeNfIptables"], false);
    let forwards = std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap().trim() == "1";
    assert_eq!(info["IPv4Forwarding"], forwards);
    let warned =
        info["Warnings"].as_array().is_some_and(|w| w.contains(&"WARNING: IPv4 forwarding is disabled".into()));
    assert_eq!(warned, !forwards);
}

#[tokio::test]
async fn configured_pools_are_told() {
    let pools = vec![pontoon_types::AddressPool { base: "10.0.0.0/8".parse().unwrap(), size: 24 }];
    let info = Probe::over(Core::with_pools(pools)).get("/info").await.json();
    assert_eq!(info["DefaultAddressPools"], serde_json::json!([{"Base": "10.0.0.0/8", "Size": 24}]));
}
