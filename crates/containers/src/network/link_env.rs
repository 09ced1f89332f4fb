//! The variables of legacy links, which Docker sets only on request since version 29. Pure.

use super::links::Linked;
use pontoon_ports::PortKey;
use std::net::IpAddr;

/// The variables of one link, in Docker's order.
pub(super) fn variables(parent: &str, link: &Linked) -> Vec<String> {
    let prefix = link.alias.to_uppercase().replace('-', "_");
    let mut variables = Vec::new();
    if let Some(address) = link.ipv4 {
        ports(&prefix, address, &exposed(link), &mut variables);
    }
    variables.push(format!("{prefix}_NAME=/{parent}/{}", link.alias));
    let own = link.child.config.env.iter().flatten().filter_map(|variable| variable.split_once('='));
    let told = own.filter(|(name, _)| !matches!(*name, "HOME" | "PATH"));
    variables.extend(told.map(|(name, value)| format!("{prefix}_ENV_{name}={value}")));
    variables
}

/// The ports that the other container exposes, TCP first.
fn exposed(link: &Linked) -> Vec<PortKey> {
    let keys = link.child.config.exposed_ports.iter().flat_map(|set| set.iter());
    let mut ports: Vec<PortKey> = keys.filter_map(|(key, _)| key.parse().ok()).collect();
    ports.sort_by_key(|port| (port.protocol != "tcp", port.protocol.clone(), port.port));
    ports
}

fn ports(prefix: &str, address: IpAddr, ports: &[PortKey], variables: &mut Vec<String>) {
    let url = |port: &PortKey| format!("{}://{address}:{}", port.protocol, port.port);
    let name = |port: &PortKey| format!("{prefix}_PORT_{}_{}", port.port, port.protocol.to_uppercase());
    variables.extend(ports.first().map(|first| format!("{prefix}_PORT={}", url(first))));
    for run in runs(ports) {
        if let [first, _, .., last] = run {
            let name = name(first);
            variables.extend([
                format!("{name}_START={}", url(first)),
                format!("{name}_ADDR={address}"),
                format!("{name}_PROTO={}", first.protocol),
                format!("{name}_PORT_START={}", first.port),
                format!("{name}_END={}", url(last)),
                format!("{name}_PORT_END={}", last.port),
            ]);
        }
    }
    for port in ports {
        let name = name(port);
        variables.extend([
            format!("{name}={}", url(port)),
            format!("{name}_ADDR={address}"),
            format!("{name}_PORT={}", port.port),
            format!("{name}_PROTO={}", port.protocol),
        ]);
    }
}

/// Ports that follow one another; Docker speaks of a run from three on.
fn runs(ports: &[PortKey]) -> impl Iterator<Item = &[PortKey]> {
    ports.chunk_by(|a, b| a.protocol == b.protocol && a.port.checked_add(1) == Some(b.port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Life, NetworkMode, Other};
    use pontoon_types::ContainerId;
    use serde_json::json;
    use std::sync::Arc;

    fn linked(exposed: serde_json::Value) -> Linked {
        let config = json!({"ExposedPorts": exposed, "Env": ["HOME=/", "PATH=/bin", "A=1=2", "B"]});
        let child = Other {
            id: ContainerId::random(),
            name: "db".into(),
            life: Life::Running,
            mode: NetworkMode::Bridge,
            config: Arc::new(serde_json::from_value(config).unwrap()),
            pid: None,
            on_bridge: true,
            shares: None,
        };
        Linked { alias: "my-link".into(), child, ipv4: "172.17.0.2".parse().ok(), ipv6: None }
    }

    #[test]
    fn a_link_has_dockers_variables() {
        assert_eq!(
            variables("web", &linked(json!({"53/udp": {}, "80/tcp": {}}))),
            [
                "MY_LINK_PORT=tcp://172.17.0.2:80",
                "MY_LINK_PORT_80_TCP=tcp://172.17.0.2:80",
                "MY_LINK_PORT_80_TCP_ADDR=172.17.0.2",
                "MY_LINK_PORT_80_TCP_PORT=80",
                "MY_LINK_PORT_80_TCP_PROTO=tcp",
                "MY_LINK_PORT_53_UDP=udp://172.17.0.2:53",
                "MY_LINK_PORT_53_UDP_ADDR=172.17.0.2",
                "MY_LINK_PORT_53_UDP_PORT=53",
                "MY_LINK_PORT_53_UDP_PROTO=udp",
                "MY_LINK_NAME=/web/my-link",
                "MY_LINK_ENV_A=1=2",
            ]
        );
        assert_eq!(variables("web", &linked(json!({}))), ["MY_LINK_NAME=/web/my-link", "MY_LINK_ENV_A=1=2"]);
    }

    #[test]
    fn ports_that_follow_one_another_are_told_as_a_run_too() {
        let all =
            variables("web", &linked(json!({"80/tcp": {}, "81/tcp": {}, "82/tcp": {}, "90/tcp": {}, "91/tcp": {}})));
        let of_run: Vec<_> = all.iter().filter(|v| v.contains("START") || v.contains("_END")).collect();
        assert_eq!(
            of_run,
            [
                "MY_LINK_PORT_80_TCP_START=tcp://172.17.0.2:80",
                "MY_LINK_PORT_80_TCP_PORT_START=80",
                "MY_LINK_PORT_80_TCP_END=tcp://172.17.0.2:82",
                "MY_LINK_PORT_80_TCP_PORT_END=82",
            ]
        );
    }
}
