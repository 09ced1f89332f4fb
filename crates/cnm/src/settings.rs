//! What the daemon's configuration means to the core.

use pontoon_types::{AddressPool, Options};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// Settings of the core. Changed as a whole at reload.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Run-time files and namespaces live below it.
    pub exec_root: PathBuf,
    /// Pools for networks without a subnet; empty means Docker's defaults.
    pub address_pools: Vec<AddressPool>,
    /// Options merged into new networks, by driver.
    pub network_options: BTreeMap<String, Options>,
    /// DNS servers for sandboxes that name none.
    pub dns: Vec<IpAddr>,
    /// Search domains for sandboxes that name none.
    pub dns_search: Vec<String>,
    /// resolv.conf options for sandboxes that name none.
    pub dns_options: Vec<String>,
    /// What `host-gateway` means; empty means the default bridge's addresses.
    pub host_gateway_ips: Vec<IpAddr>,
    /// Whether the in-process forwarder carries what the kernel cannot (Docker's `userland-proxy`).
    pub forwarder: bool,
    /// The host's resolv.conf.
    pub resolv_conf: PathBuf,
    /// Read instead when the former only names 127.0.0.53 and the sandbox has no resolver of its own.
    pub resolved_conf: PathBuf,
    /// Name of the default bridge's link.
    pub default_bridge: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            exec_root: "/run/pontoon".into(),
            address_pools: Vec::new(),
            network_options: BTreeMap::new(),
            dns: Vec::new(),
            dns_search: Vec::new(),
            dns_options: Vec::new(),
            host_gateway_ips: Vec::new(),
            forwarder: true,
            resolv_conf: "/etc/resolv.conf".into(),
            resolved_conf: "/run/systemd/resolve/resolv.conf".into(),
            default_bridge: "pontoon0".into(),
        }
    }
}
