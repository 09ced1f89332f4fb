//! Which links, addresses and sysctls bridge networks want of the host. Pure.

use crate::settings::BridgeSettings;
use pontoon_cnm::{EndpointRecord, NetworkRecord, Result};
use pontoon_types::{EndpointId, Family, IpNet, LinkName, MacAddr};

/// A bridge as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedBridge {
    /// Its name.
    pub name: LinkName,
    /// The Ethernet address it is made with.
    pub mac: MacAddr,
    /// Its MTU, if one was asked for.
    pub mtu: Option<u32>,
    /// Its addresses with the subnets' prefix lengths.
    pub addresses: Vec<IpNet>,
    /// Its sysctls, key and value.
    pub sysctls: Vec<(String, String)>,
}

/// A bridge port: the host's end of an endpoint's pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedPort {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Name of the end.
    pub name: LinkName,
    /// The bridge.
    pub bridge: LinkName,
    /// Cut off from other ports.
    pub isolated: bool,
    /// Frames may leave by the port they came in by: a sandbox reaches itself through its published port.
    pub hairpin: bool,
    /// Its MTU, if the network asks for one.
    pub mtu: Option<u32>,
}

/// The bridge of a network, on a host with or without IPv6 in its kernel.
pub fn bridge(network: &NetworkRecord, host_has_ipv6: bool) -> Result<WantedBridge> {
    let settings = BridgeSettings::of(network)?;
    let name = settings.link(network.id);
    let addresses = Family::BOTH.into_iter().filter(|family| settings.has_bridge_address(*family));
    let addresses = addresses.filter_map(|family| {
        let pool = network.pool(family)?;
        IpNet::new(pool.gateway?, pool.subnet.prefix_len()).ok()
    });
    let addresses = addresses.collect();
    let sysctls = sysctls(network, &settings, &name, host_has_ipv6);
    Ok(WantedBridge { name, mac: MacAddr::of_network(&network.id), mtu: settings.mtu, addresses, sysctls })
}

/// A bridge's sysctls.
///
/// `route_localnet` lets the host reach published ports at 127.0.0.1 through the kernel; the rule set drops packets
/// to 127.0.0.0/8 that come from any wire, without which the sysctl would expose the host (CVE-2020-8558).
fn sysctls(
    network: &NetworkRecord,
    settings: &BridgeSettings,
    name: &LinkName,
    host_has_ipv6: bool,
) -> Vec<(String, String)> {
    let mut sysctls = Vec::new();
    if network.ipv4 && !network.internal {
        sysctls.push((format!("net/ipv4/conf/{name}/route_localnet"), "1".to_owned()));
    }
    if !host_has_ipv6 {
        return sysctls;
    }
    let ipv6 = network.ipv6 && settings.has_bridge_address(Family::V6);
    sysctls.push((format!("net/ipv6/conf/{name}/disable_ipv6"), if ipv6 { "0" } else { "1" }.to_owned()));
    sysctls
}

/// The port of an endpoint, if it has one, on a host where bridged packets pass the rules too, or do not.
pub fn port(network: &NetworkRecord, endpoint: &EndpointRecord, bridged_hooks: bool) -> Result<Option<WantedPort>> {
    let settings = BridgeSettings::of(network)?;
    Ok(endpoint.host_link.clone().map(|name| WantedPort {
        endpoint: endpoint.id,
        name,
        bridge: settings.link(network.id),
        isolated: !settings.icc,
        hairpin: bridged_hooks && !settings.internal,
        mtu: settings.mtu,
    }))
}
