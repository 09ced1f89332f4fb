//! Records to store.
#![allow(dead_code, reason = "each test file uses its part")]

use pontoon_cnm::{EndpointRecord, NetworkRecord, PoolRecord, SandboxRecord};
use pontoon_types::{EndpointId, EndpointSpec, NetworkId, SandboxId, SandboxSpec, Scope};
use std::time::SystemTime;

/// A network of that name with something in every field.
pub fn network(name: &str) -> NetworkRecord {
    NetworkRecord {
        id: NetworkId::random(),
        name: name.into(),
        created: SystemTime::now(),
        driver: "bridge".into(),
        scope: Scope::Local,
        ipv4: true,
        ipv6: true,
        internal: false,
        attachable: true,
        ingress: false,
        config_only: false,
        config_from: Some("config".into()),
        ipam_driver: "default".into(),
        ipam_options: Some([("a".into(), "b".into())].into()),
        pools: vec![PoolRecord {
            subnet: "fd00::/64".parse().unwrap(),
            range: Some("fd00::/80".parse().unwrap()),
            gateway: Some("fd00::1".parse().unwrap()),
            aux_addresses: [("x".into(), "fd00::5".parse().unwrap())].into(),
            requested: true,
        }],
        config_ipam: Some(Default::default()),
        options: [("com.docker.network.bridge.name".into(), "br0 \u{e9}\n\"".into())].into(),
        labels: [("k".into(), String::new())].into(),
        predefined: false,
    }
}

/// A sandbox of that name with one endpoint.
pub fn sandbox(name: &str) -> SandboxRecord {
    let endpoint = EndpointRecord {
        id: EndpointId::random(),
        network: NetworkId::random(),
        network_name: "net".into(),
        name: name.into(),
        spec: EndpointSpec::default(),
        link: Some("eth0".parse().unwrap()),
        host_link: Some("veth0".parse().unwrap()),
        mac: Some("02:00:00:00:00:01".parse().unwrap()),
        ipv4: Some("10.0.0.2/24".parse().unwrap()),
        ipv6: Some("fd00::2/64".parse().unwrap()),
        gateway_v4: Some("10.0.0.1".parse().unwrap()),
        gateway_v6: None,
        internal: false,
    };
    SandboxRecord {
        id: SandboxId::random(),
        name: name.into(),
        spec: SandboxSpec { name: name.into(), ..SandboxSpec::default() },
        created: SystemTime::now(),
        netns_path: Some("/run/x/netns/y".into()),
        netns_id: None,
        owner: None,
        has_ipv6: true,
        endpoints: vec![endpoint],
        mappings: Vec::new(),
        dns: None,
        resolv_digest: Some("0".into()),
    }
}
