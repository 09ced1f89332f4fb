//! A container's networking as inspect and list show it (containers-networking.md section 6). Pure.

use super::mode::is_user_defined;
use super::{Container, Endpoint, ports};
use crate::spec::{EndpointIpamConfig, EndpointSettings, PortMap};
use pontoon_cnm::{EndpointRecord, SandboxRecord};
use pontoon_types::{IpNet, Ordered};
use std::collections::BTreeMap;

/// `NetworkSettings`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkView {
    /// The sandbox's id while the container runs, else empty.
    pub sandbox_id: String,
    /// Where its namespace is found, else empty.
    pub sandbox_key: String,
    /// What is exposed and published; empty unless it runs.
    pub ports: PortMap,
    /// By name of the network.
    pub networks: BTreeMap<String, EndpointSettings>,
}

/// What is shown of a container; `sandbox` is its own while it runs.
pub fn view(container: &Container<'_>, sandbox: Option<&SandboxRecord>) -> NetworkView {
    let Some(record) = sandbox else {
        let networks = container.endpoints.iter().map(|(name, endpoint)| (name.clone(), at_rest(endpoint)));
        return NetworkView { networks: networks.collect(), ..NetworkView::default() };
    };
    let has_links = record.endpoints.iter().any(|endpoint| endpoint.link.is_some());
    let ports = match has_links {
        true => ports::shown(container.config, container.host, &record.mappings),
        false => Ordered::default(),
    };
    NetworkView {
        sandbox_id: record.id.to_string(),
        sandbox_key: key(record),
        ports,
        networks: record.endpoints.iter().map(|live| shown(container, record, live)).collect(),
    }
}

/// The host's own namespace is shown as the daemon's, which is in it.
fn key(record: &SandboxRecord) -> String {
    let own = || format!("/proc/{}/ns/net", std::process::id());
    record.netns_path.as_ref().map_or_else(own, |path| path.display().to_string())
}

/// An endpoint of a container that does not run: what was asked for, and which network it was.
fn at_rest(endpoint: &Endpoint) -> EndpointSettings {
    let mut settings = endpoint.settings.clone();
    if endpoint.has_run {
        settings.mac_address = None.into();
    }
    settings
}

fn shown(container: &Container<'_>, record: &SandboxRecord, live: &EndpointRecord) -> (String, EndpointSettings) {
    let kept = container.endpoints.get(&live.network_name);
    let settings = kept.map(|kept| kept.settings.clone()).unwrap_or_else(|| (&live.spec).into());
    let (address, length) = address(live.ipv4);
    let (address6, length6) = self::address(live.ipv6);
    let settings = EndpointSettings {
        network_id: live.network.to_string(),
        endpoint_id: live.id.to_string(),
        gateway: live.gateway_v4.into(),
        ip_address: address,
        ip_prefix_len: length,
        ipv6_gateway: live.gateway_v6.into(),
        global_ipv6_address: address6,
        global_ipv6_prefix_len: length6,
        mac_address: live.mac.into(),
        dns_names: names(record, live),
        ..settings
    };
    (live.network_name.clone(), settings)
}

fn address(net: Option<IpNet>) -> (pontoon_types::Address, i64) {
    (net.map(|net| net.addr()).into(), net.map_or(0, |net| i64::from(net.prefix_len())))
}

/// The names by which others find it; none on networks that are always there.
fn names(record: &SandboxRecord, live: &EndpointRecord) -> Option<Vec<String>> {
    is_user_defined(&live.network_name).then(|| record.dns_names(live))
}

/// What is kept of the endpoints of a container that has just started, or been connected: under the networks' names,
/// with their ids and the container's names there.
pub(super) fn kept(asked: &BTreeMap<String, Endpoint>, record: &SandboxRecord) -> BTreeMap<String, Endpoint> {
    let entry = |live: &EndpointRecord| {
        let (id, name) = (live.network.to_string(), &live.network_name);
        let found = asked.get(name).or_else(|| asked.iter().find(|(key, _)| id.starts_with(*key)).map(|(_, e)| e));
        let mut settings = found.map_or_else(|| (&live.spec).into(), |endpoint| endpoint.settings.clone());
        settings.network_id = id;
        settings.dns_names = names(record, live);
        (name.clone(), Endpoint { settings, has_run: true })
    };
    record.endpoints.iter().map(entry).collect()
}

/// The networks as `GET /containers/json` shows them: addresses, and which network it is.
pub fn listed_networks(view: &NetworkView) -> BTreeMap<String, EndpointSettings> {
    let short = |settings: &EndpointSettings| {
        let ipam_config =
            settings.ipam_config.clone().map(|asked| EndpointIpamConfig { link_local_ips: Vec::new(), ..asked });
        EndpointSettings {
            ipam_config,
            links: None,
            aliases: None,
            driver_opts: None,
            dns_names: None,
            ..settings.clone()
        }
    };
    view.networks.iter().map(|(name, settings)| (name.clone(), short(settings))).collect()
}
