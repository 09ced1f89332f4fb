//! Which ports a container publishes, and how they are shown (containers-networking.md section 4). Pure.

use super::Error;
use crate::spec::{Config, EmptyObject, HostBinding, HostConfig, PortMap, PortSet, SpecError, bindings_from_map};
use pontoon_ports::PortKey;
use pontoon_types::{Kind, Ordered, PortBinding, PortMapping, PortRange, Protocol};
use std::net::IpAddr;

/// A port of a container in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedPort {
    /// Port in the container.
    pub private_port: u16,
    /// Protocol.
    pub protocol: String,
    /// Address of the host; `None` when the port is only exposed.
    pub ip: Option<IpAddr>,
    /// Port of the host.
    pub public_port: Option<u16>,
}

/// Writes keys as Docker does (`80` is `80/tcp`), gives ports without a binding one that chooses nothing, and checks
/// what can be checked before a container starts.
pub(super) fn normalise(config: &mut Config, host: &mut HostConfig) -> Result<(), Error> {
    if let Some(exposed) = &mut config.exposed_ports {
        let mut set = PortSet::default();
        for (key, _) in exposed.iter() {
            set.insert(exposed_key(key)?, EmptyObject::default());
        }
        *exposed = set;
    }
    let Some(bindings) = &mut host.port_bindings else { return Ok(()) };
    let mut map = PortMap::default();
    for (text, hosts) in bindings.iter() {
        let key = binding_key(text)?;
        let hosts = hosts.clone().filter(|hosts| !hosts.is_empty());
        let hosts = hosts.unwrap_or_else(|| vec![HostBinding::default()]);
        let mut all = map.get(&key).cloned().flatten().unwrap_or_default();
        all.extend(hosts);
        map.insert(key, Some(all));
    }
    check(&map)?;
    *bindings = map;
    Ok(())
}

/// A protocol that cannot be published is told when the container starts, as in Docker.
fn check(map: &PortMap) -> Result<(), Error> {
    for (key, hosts) in map.iter() {
        let one = Ordered(vec![(known_protocol(key), hosts.clone())]);
        bindings_from_map(&one)?;
    }
    Ok(())
}

fn known_protocol(key: &str) -> String {
    let (ports, protocol) = key.split_once('/').unwrap_or((key, "tcp"));
    format!("{ports}/{}", if protocol.parse::<Protocol>().is_ok() { protocol } else { "tcp" })
}

fn exposed_key(text: &str) -> Result<String, Error> {
    let key = text.parse::<PortKey>();
    key.map(|key| key.to_string()).map_err(|error| Error::PortKey { text: error.to_string(), hint: error.hint() })
}

/// A run of ports as one key is ours; everything else is read as Docker does.
fn binding_key(text: &str) -> Result<String, Error> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, ""));
    let protocol = if protocol.is_empty() { "tcp".to_owned() } else { protocol.to_lowercase() };
    match ports.split_once('-').filter(|(start, end)| !start.is_empty() && !end.is_empty()) {
        Some((start, end)) => {
            for port in [start, end] {
                exposed_key(port)?;
            }
            Ok(format!("{start}-{end}/{protocol}"))
        }
        None => exposed_key(text),
    }
}

/// What is to be published when the container starts: its bindings, and with `PublishAllPorts` an ephemeral port for
/// every exposed one that has none.
pub fn bindings(config: &Config, host: &HostConfig) -> Result<Vec<PortBinding>, SpecError> {
    let empty = PortMap::default();
    let asked = host.port_bindings.as_ref().unwrap_or(&empty);
    let mut all = bindings_from_map(asked)?;
    if !host.publish_all_ports {
        return Ok(all);
    }
    for (key, _) in config.exposed_ports.iter().flat_map(|set| set.iter()).filter(|(key, _)| asked.get(key).is_none()) {
        let (port, protocol) = key.parse::<PortKey>()?.publishable()?;
        all.push(PortBinding { container: PortRange::single(port), protocol, host_ip: None, host: None });
    }
    Ok(all)
}

/// `NetworkSettings.Ports` of a running container: each exposed or published port with its ends at the host, or null.
pub fn shown(config: &Config, host: &HostConfig, mappings: &[PortMapping]) -> PortMap {
    let exposed = config.exposed_ports.iter().flat_map(|set| set.iter()).map(|(key, _)| key);
    let published = host.port_bindings.iter().flat_map(|map| map.iter()).map(|(key, _)| key);
    let mut map = PortMap::default();
    for key in exposed.chain(published) {
        let ends = ends(key, mappings);
        map.insert(key.to_owned(), Some(ends).filter(|ends| !ends.is_empty()));
    }
    map
}

/// The ends at the host of the ports that a key names.
fn ends(key: &str, mappings: &[PortMapping]) -> Vec<HostBinding> {
    let Some((ports, protocol)) = range(key) else { return Vec::new() };
    let mut own: Vec<&PortMapping> = mappings.iter().filter(|mapping| mapping.protocol == protocol).collect();
    own.sort_by_key(|mapping| (mapping.host_ip, mapping.host));
    let end = |mapping: &&PortMapping| {
        let inside = mapping.container();
        let (start, last) = (ports.start.max(inside.start), ports.end.min(inside.end));
        let at = |port: u16| mapping.host.start + (port - inside.start);
        (start <= last).then(|| HostBinding {
            host_ip: mapping.host_ip.into(),
            host_port: PortRange { start: at(start), end: at(last) }.to_string(),
        })
    };
    own.iter().filter_map(end).collect()
}

fn range(key: &str) -> Option<(PortRange, Protocol)> {
    // Images may leave the protocol out.
    let (ports, protocol) = key.split_once('/').unwrap_or((key, "tcp"));
    Some((ports.parse().ok()?, protocol.parse().ok()?))
}

/// `Ports` of `GET /containers/json`: every end at the host, and exposed ports without one. Ascending.
pub fn listed(config: &Config, host: &HostConfig, mappings: &[PortMapping]) -> Vec<ListedPort> {
    let mut list = Vec::new();
    for mapping in mappings {
        list.extend((mapping.host.start..=mapping.host.end).filter_map(|public_port| {
            let private_port = mapping.target(public_port)?.port();
            Some(ListedPort {
                ip: Some(mapping.host_ip),
                private_port,
                public_port: Some(public_port),
                protocol: mapping.protocol.to_string(),
            })
        }));
    }
    for (key, _) in shown(config, host, mappings).iter().filter(|(_, ends)| ends.is_none()) {
        if let Ok(key) = key.parse::<PortKey>() {
            list.push(ListedPort { private_port: key.port, protocol: key.protocol, ..ListedPort::default() });
        }
    }
    list.sort();
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(exposed: Value, bindings: Value, all: bool) -> (Config, HostConfig) {
        let config = serde_json::from_value(json!({"ExposedPorts": exposed})).unwrap();
        let host = serde_json::from_value(json!({"PortBindings": bindings, "PublishAllPorts": all})).unwrap();
        (config, host)
    }

    fn mapping(host: &str, port: &str, inside: u16) -> PortMapping {
        PortMapping {
            protocol: Protocol::Tcp,
            host_ip: host.parse().unwrap(),
            host: port.parse().unwrap(),
            container_ip: "172.18.0.2".parse().unwrap(),
            container_start: inside,
        }
    }

    #[test]
    fn keys_are_written_as_docker_writes_them_and_empty_lists_get_a_binding() {
        let (mut config, mut host) = read(
            json!({"80": {}, "53/UDP": {}, "9/foo": {}, "80/tcp": {}}),
            json!({"80": null, "81/tcp": [], "82/tcp": [{"HostPort": "1"}], "7000-7010": [{"HostPort": "7000-7010"}]}),
            false,
        );
        normalise(&mut config, &mut host).unwrap();
        let exposed = serde_json::to_value(&config.exposed_ports).unwrap();
        assert_eq!(exposed, json!({"80/tcp": {}, "53/udp": {}, "9/foo": {}}));
        let empty = json!([{"HostIp": "", "HostPort": ""}]);
        let bindings = serde_json::to_value(&host.port_bindings).unwrap();
        assert_eq!(bindings["80/tcp"], empty);
        assert_eq!(bindings["81/tcp"], empty);
        assert_eq!(bindings["7000-7010/tcp"], json!([{"HostIp": "", "HostPort": "7000-7010"}]));
    }

    #[test]
    fn ports_that_are_none_are_refused_in_dockers_words() {
        let told = |exposed, bindings| {
            let (mut config, mut host) = read(exposed, bindings, false);
            normalise(&mut config, &mut host).unwrap_err().to_string()
        };
        for (exposed, bindings, wanted) in [
            (json!({"http": {}}), json!({}), "invalid JSON: invalid port 'http': invalid syntax"),
            (json!({}), json!({"70000/tcp": []}), "invalid JSON: invalid port '70000': value out of range"),
            (json!({}), json!({"0/tcp": []}), "invalid port specification: \"0/tcp\""),
            (json!({}), json!({"80/tcp": [{"HostPort": "90-80"}]}), "invalid port specification: \"90-80\""),
            (json!({}), json!({"80/tcp": [{"HostPort": "x"}]}), "invalid port specification: \"x\""),
        ] {
            assert_eq!(told(exposed, bindings), wanted);
        }
        // Unknown protocols are told when the container starts.
        let (mut config, mut host) = read(json!({}), json!({"80/quic": []}), false);
        normalise(&mut config, &mut host).unwrap();
        assert_eq!(bindings(&config, &host).unwrap_err().to_string(), "unknown protocol");
    }

    #[test]
    fn publishing_all_ports_leaves_those_that_have_a_binding() {
        let (config, host) = read(json!({"80/tcp": {}, "53/udp": {}}), json!({"80/tcp": [{"HostPort": "8080"}]}), true);
        let found: Vec<_> = bindings(&config, &host)
            .unwrap()
            .into_iter()
            .map(|b| format!("{}/{} {:?}", b.container, b.protocol, b.host.map(|h| h.to_string())))
            .collect();
        assert_eq!(found, ["80/tcp Some(\"8080\")", "53/udp None"]);
    }

    #[test]
    fn a_port_is_shown_with_each_of_its_ends_at_the_host() {
        let asked = json!({"80/tcp": [{"HostPort": ""}], "7000/tcp": [{"HostPort": "9000"}], "7001/tcp": [{"HostPort": "9001"}]});
        let (config, host) = read(json!({"80/tcp": {}, "443/tcp": {}}), asked, false);
        let mappings =
            [mapping("::", "32768", 80), mapping("0.0.0.0", "32768", 80), mapping("0.0.0.0", "9000-9001", 7000)];
        let shown = serde_json::to_value(shown(&config, &host, &mappings)).unwrap();
        let end = |ip: &str, port: &str| json!({"HostIp": ip, "HostPort": port});
        assert_eq!(
            shown,
            json!({"80/tcp": [end("0.0.0.0", "32768"), end("::", "32768")], "443/tcp": null,
                "7000/tcp": [end("0.0.0.0", "9000")], "7001/tcp": [end("0.0.0.0", "9001")]})
        );
        let text = |port: ListedPort| {
            let ip = port.ip.map_or("-".to_owned(), |ip| ip.to_string());
            format!("{ip} {} {}/{}", port.public_port.unwrap_or_default(), port.private_port, port.protocol)
        };
        let listed: Vec<String> = listed(&config, &host, &mappings).into_iter().map(text).collect();
        assert_eq!(
            listed,
            [
                "0.0.0.0 32768 80/tcp",
                ":: 32768 80/tcp",
                "- 0 443/tcp",
                "0.0.0.0 9000 7000/tcp",
                "0.0.0.0 9001 7001/tcp"
            ]
        );
    }
}
