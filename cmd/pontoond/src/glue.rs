//! Where one crate's words are turned into another's: settings of the core, the forwarder for the bridge driver.

use pontoon_bridge::Forward;
use pontoon_cnm::Settings;
use pontoon_config::Config;
use pontoon_forwarder::Forwarder;
use pontoon_ruleset::ForwarderPorts;
use pontoon_types::PortMapping;
use std::net::IpAddr;
use std::sync::Arc;

/// The configuration as the core wants it.
pub fn settings(config: &Config) -> Settings {
    let gateway = &config.host_gateway;
    let gateways = gateway.ipv4.map(IpAddr::V4).into_iter().chain(gateway.ipv6.map(IpAddr::V6));
    Settings {
        exec_root: config.exec_root.clone(),
        address_pools: config.address_pools.clone(),
        network_options: config.default_network_opts.clone(),
        dns: config.dns.clone(),
        dns_search: config.dns_search.clone(),
        dns_options: config.dns_options.clone(),
        host_gateway_ips: gateways.collect(),
        forwarder: config.userland_proxy,
        ..Settings::default()
    }
}

/// The forwarder as the bridge driver sees it. A host without IPv6 has none: nothing there could need it.
pub enum Carrier {
    /// It runs.
    Running(Arc<Forwarder>),
    /// The host has no IPv6.
    Absent,
}

impl Forward for Carrier {
    fn ports(&self) -> ForwarderPorts {
        match self {
            Self::Running(forwarder) => {
                let ports = forwarder.ports();
                ForwarderPorts { tcp: ports.tcp, udp: ports.udp }
            }
            // Discard: no rule leads there, as no IPv6 packet comes.
            Self::Absent => ForwarderPorts { tcp: 9, udp: 9 },
        }
    }

    fn change(&self, add: &[PortMapping], remove: &[PortMapping]) {
        if let Self::Running(forwarder) = self {
            forwarder.change(add, remove);
        }
    }

    fn replace(&self, all: &[PortMapping]) {
        if let Self::Running(forwarder) = self {
            forwarder.replace(all);
        }
    }
}
