//! Networking as containers show it, in the shape of each API version.

use pontoon_api_types::{ApiVersion, ContainerNetworkSettings, DefaultBridgeSettings, PortSummary};
use pontoon_cnm::SandboxRecord;
use pontoon_containers::ContainerView;
use pontoon_containers::network::{ListedPort, NetworkView, listed, view};

/// Below this version the default bridge's endpoint is shown at the top once more.
const WITHOUT_DEFAULT_BRIDGE: ApiVersion = ApiVersion::v1(52);

/// What there is to show of a container's networking.
pub(super) fn shown(container: &ContainerView) -> NetworkView {
    view(&container.definition.for_network(), own(container))
}

/// The sandbox that is the container's own while it runs.
fn own(container: &ContainerView) -> Option<&SandboxRecord> {
    container.sandbox.as_ref().filter(|_| container.has_own_sandbox()).map(|sandbox| sandbox.record.as_ref())
}

pub(super) fn settings(container: &ContainerView, version: ApiVersion) -> ContainerNetworkSettings {
    let NetworkView { sandbox_id, sandbox_key, ports, networks } = shown(container);
    let bridge = networks.get("bridge").filter(|_| version < WITHOUT_DEFAULT_BRIDGE);
    let default_bridge = bridge.map(DefaultBridgeSettings::from);
    ContainerNetworkSettings { sandbox_id, sandbox_key, ports, default_bridge, networks }
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
