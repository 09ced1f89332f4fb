//! Settings that exclude each other, told at create in Docker's order (containers-networking.md section 3). Pure.

use super::{Error, NetworkMode};
use crate::spec::{Config, HostConfig};

/// Checks what can be said without looking at anything else.
pub(super) fn check(config: &Config, host: &HostConfig, mode: &NetworkMode) -> Result<(), Error> {
    if matches!(mode, NetworkMode::Container(_)) {
        check_shared(config, host)?;
    }
    if host.uts_mode == "host" && !config.hostname.is_empty() {
        return Err(Error::HostnameWithUts);
    }
    if *mode == NetworkMode::Host && has(&host.links) {
        return Err(Error::LinksWithMode("host"));
    }
    Ok(())
}

/// Whoever shares a namespace has nothing to say about it.
fn check_shared(config: &Config, host: &HostConfig) -> Result<(), Error> {
    let publishes = host.publish_all_ports || host.port_bindings.as_ref().is_some_and(|map| !map.is_empty());
    let exposes = config.exposed_ports.as_ref().is_some_and(|set| !set.is_empty());
    let refused = [
        (!config.hostname.is_empty(), Error::WithMode("hostname")),
        (has(&host.links), Error::LinksWithContainer),
        (has(&host.dns), Error::WithMode("dns")),
        (has(&host.extra_hosts), Error::WithMode("custom host-to-IP mapping")),
        (publishes, Error::WithContainerMode("publishing")),
        (exposes, Error::WithContainerMode("exposing")),
    ];
    match refused.into_iter().find(|(refused, _)| *refused) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

fn has<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_some_and(|list| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(config: Value, mut host: Value, mode: &str) -> Option<String> {
        host["NetworkMode"] = mode.into();
        let host: HostConfig = serde_json::from_value(host).unwrap();
        let config: Config = serde_json::from_value(config).unwrap();
        let checked = NetworkMode::read(mode).and_then(|mode| check(&config, &host, &mode));
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn settings_that_exclude_each_other_are_told_in_dockers_words_and_order() {
        let ports = json!({"80/tcp": [{"HostPort": "8080"}]});
        let table = [
            (json!({}), json!({}), "container:", "invalid network mode: invalid container format container:<name|id>"),
            (
                json!({"Hostname": "h"}),
                json!({"Links": ["a"]}),
                "container:x",
                "conflicting options: hostname and the network mode",
            ),
            (
                json!({}),
                json!({"Links": ["a"], "Dns": ["1.1.1.1"]}),
                "container:x",
                "conflicting options: container type network can't be used with links. This would result in undefined behavior",
            ),
            (
                json!({}),
                json!({"Dns": ["1.1.1.1"], "ExtraHosts": ["a:1.1.1.1"]}),
                "container:x",
                "conflicting options: dns and the network mode",
            ),
            (
                json!({}),
                json!({"ExtraHosts": ["a:1.1.1.1"], "PublishAllPorts": true}),
                "container:x",
                "conflicting options: custom host-to-IP mapping and the network mode",
            ),
            (
                json!({}),
                json!({"PublishAllPorts": true}),
                "container:x",
                "conflicting options: port publishing and the container type network mode",
            ),
            (
                json!({"ExposedPorts": {"80/tcp": {}}}),
                json!({"PortBindings": ports}),
                "container:x",
                "conflicting options: port publishing and the container type network mode",
            ),
            (
                json!({"ExposedPorts": {"80/tcp": {}}}),
                json!({}),
                "container:x",
                "conflicting options: port exposing and the container type network mode",
            ),
            (
                json!({"Hostname": "h"}),
                json!({"UTSMode": "host"}),
                "bridge",
                "conflicting options: hostname and the UTS mode",
            ),
            (
                json!({}),
                json!({"Links": ["a"]}),
                "host",
                "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
            ),
        ];
        for (config, host, mode, wanted) in table {
            assert_eq!(told(config, host, mode).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn what_docker_accepts_is_accepted() {
        let ports = json!({"80/tcp": [{"HostPort": "8080"}]});
        let table = [
            (json!({}), json!({"DnsSearch": ["a"], "DnsOptions": ["b"]}), "container:x"),
            (json!({"Hostname": "h"}), json!({"PortBindings": ports, "Dns": ["1.1.1.1"]}), "host"),
            (json!({"Hostname": "h"}), json!({"Links": ["a"], "ExtraHosts": ["a:1.1.1.1"]}), "bridge"),
        ];
        for (config, host, mode) in table {
            assert_eq!(told(config, host, mode), None);
        }
    }
}
