//! What users ask of an endpoint: Docker's `EndpointSettings`.

use crate::{MacAddr, Options, parse_go_bool};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A private name for another sandbox, seen only by the one that asked (`--link target:alias`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SandboxLink {
    /// Name, alias or id of the other sandbox.
    pub target: String,
    /// The name under which it is known here.
    pub alias: String,
}

/// An endpoint as asked for. Address fields are text where Docker reports a wrong family by text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSpec {
    /// Static IPv4 address (`IPAMConfig.IPv4Address`); its family is checked by the controller.
    pub ipv4: Option<IpAddr>,
    /// Static IPv6 address (`IPAMConfig.IPv6Address`).
    pub ipv6: Option<IpAddr>,
    /// Extra link-local addresses for the interface.
    pub link_local_ips: Vec<IpAddr>,
    /// Extra DNS names on this network.
    pub aliases: Vec<String>,
    /// Private names of other sandboxes.
    pub links: Vec<SandboxLink>,
    /// Ethernet address; `None` picks a random one.
    pub mac: Option<MacAddr>,
    /// Options for the driver, among them `com.docker.network.endpoint.ifname` and `…endpoint.sysctls`.
    pub driver_opts: Options,
    /// Higher wins the default route.
    pub gw_priority: i64,
}

impl EndpointSpec {
    /// A driver option read as a Go boolean; `None` when absent or malformed.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.driver_opts.get(key).and_then(|value| parse_go_bool(value))
    }
}
