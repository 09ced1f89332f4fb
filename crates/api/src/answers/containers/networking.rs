//! Networking as containers show it, in the shape of each API version.

use pontoon_api_types::{ApiVersion, ContainerNetworkSettings, DefaultBridgeSettings, PortSummary};
use pontoon_cnm::SandboxRecord;
use pontoon_containers::ContainerView;
use pontoon_containers::network::{ListedPort, NetworkMode, NetworkView, listed, view};
use pontoon_containers::spec::EndpointSettings;
use std::collections::BTreeMap;

/// Below this version the default bridge's endpoint is shown at the top once more.
const WITHOUT_DEFAULT_BRIDGE: ApiVersion = ApiVersion::v1(52);

/// Below this version the names that a container has anyway are among its aliases.
const WITHOUT_IMPLIED_ALIASES: ApiVersion = ApiVersion::v1(45);

/// What there is to show of a container's networking.
pub(super) fn shown(container: &ContainerView) -> NetworkView {
    view(&container.definition.for_network(), own(container))
}

/// The sandbox that is the container's own while it runs.
fn own(container: &ContainerView) -> Option<&SandboxRecord> {
    container.sandbox.as_ref().filter(|_| container.has_own_sandbox()).map(|sandbox| sandbox.record.as_ref())
}

pub(super) fn settings(container: &ContainerView, version: ApiVersion) -> ContainerNetworkSettings {
    let NetworkView { sandbox_id, sandbox_key, ports, mut networks } = shown(container);
    if version < WITHOUT_IMPLIED_ALIASES {
        imply_aliases(container, &mut networks);
    }
    let bridge = networks.get("bridge").filter(|_| version < WITHOUT_DEFAULT_BRIDGE);
    let default_bridge = bridge.map(DefaultBridgeSettings::from);
    ContainerNetworkSettings { sandbox_id, sandbox_key, ports, default_bridge, networks }
}

/// Older clients look for the short id and the host name among the aliases.
fn imply_aliases(container: &ContainerView, networks: &mut BTreeMap<String, EndpointSettings>) {
    let definition = &container.definition;
    let implied = [definition.id.short(), definition.config.hostname.clone()];
    for (name, endpoint) in networks {
        if matches!(NetworkMode::stored(name), NetworkMode::User(_)) {
            let aliases = endpoint.aliases.get_or_insert_default();
            let missing: Vec<String> = implied.iter().filter(|name| !aliases.contains(name)).cloned().collect();
            aliases.extend(missing);
            aliases.dedup();
        }
    }
}

/// The ports of a list: none while it does not run, or where nothing knows of ports.
pub(super) fn ports(container: &ContainerView, shown: &NetworkView) -> Vec<PortSummary> {
    let (definition, sandbox) = (&container.definition, own(container));
    let Some(sandbox) = sandbox.filter(|_| !shown.ports.is_empty()) else { return Vec::new() };
    listed(&definition.config, &definition.host_config, &sandbox.mappings).into_iter().map(port).collect()
}

fn port(port: ListedPort) -> PortSummary {
    PortSummary {
        ip: port.ip.into(),
        private_port: port.private_port,
        public_port: port.public_port.unwrap_or_default(),
        kind: port.protocol,
    }
}
