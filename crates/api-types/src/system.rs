//! The daemon about itself: `/info` and `/version`.
//!
//! Owns: the fields that Pontoon can answer truthfully, in Docker's shape. What it has not (images, a container
//! runtime) is zero or absent, never made up.

use crate::ApiVersion;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Answer of `GET /info`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs, reason = "Docker's documented fields under their own names")]
pub struct SystemInfo {
    #[serde(rename = "ID")]
    pub id: String,
    pub containers: i64,
    pub containers_running: i64,
    pub containers_paused: i64,
    pub containers_stopped: i64,
    pub images: i64,
    pub driver: String,
    pub driver_status: Vec<[String; 2]>,
    pub plugins: PluginsInfo,
    pub memory_limit: bool,
    pub swap_limit: bool,
    pub cpu_cfs_period: bool,
    pub cpu_cfs_quota: bool,
    #[serde(rename = "CPUShares")]
    pub cpu_shares: bool,
    #[serde(rename = "CPUSet")]
    pub cpu_set: bool,
    pub pids_limit: bool,
    #[serde(rename = "IPv4Forwarding")]
    pub ipv4_forwarding: bool,
    /// Always false, and only told below API 1.50.
    #[serde(rename = "BridgeNfIptables", skip_serializing_if = "Option::is_none")]
    pub bridge_nf_iptables: Option<bool>,
    /// Always false, and only told below API 1.50.
    #[serde(rename = "BridgeNfIp6tables", skip_serializing_if = "Option::is_none")]
    pub bridge_nf_ip6tables: Option<bool>,
    pub debug: bool,
    #[serde(rename = "NFd")]
    pub n_fd: i64,
    #[serde(rename = "OomKillDisable")]
    pub oom_kill_disable: bool,
    #[serde(rename = "NGoroutines")]
    pub n_goroutines: i64,
    pub system_time: String,
    pub logging_driver: String,
    pub cgroup_driver: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cgroup_version: String,
    #[serde(rename = "NEventsListener")]
    pub n_events_listener: i64,
    pub kernel_version: String,
    pub operating_system: String,
    #[serde(rename = "OSVersion")]
    pub os_version: String,
    #[serde(rename = "OSType")]
    pub os_type: String,
    pub architecture: String,
    pub index_server_address: String,
    /// Without registries there is none; told as an object of nulls below API 1.47.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_config: Option<BTreeMap<String, Option<String>>>,
    #[serde(rename = "NCPU")]
    pub ncpu: i64,
    pub mem_total: i64,
    pub docker_root_dir: String,
    pub http_proxy: String,
    pub https_proxy: String,
    pub no_proxy: String,
    pub name: String,
    pub labels: Vec<String>,
    pub experimental_build: bool,
    pub server_version: String,
    pub runtimes: BTreeMap<String, BTreeMap<String, String>>,
    pub default_runtime: String,
    pub swarm: SwarmInfo,
    pub live_restore_enabled: bool,
    pub isolation: String,
    pub init_binary: String,
    pub containerd_commit: Commit,
    pub runc_commit: Commit,
    pub init_commit: Commit,
    pub security_options: Vec<String>,
    /// Only what the operator configured; absent when the defaults apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_address_pools: Option<Vec<AddressPool>>,
    /// Since API 1.49.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firewall_backend: Option<FirewallInfo>,
    #[serde(rename = "CDISpecDirs")]
    pub cdi_spec_dirs: Vec<String>,
    pub warnings: Option<Vec<String>>,
}

impl SystemInfo {
    /// The same as a client of API `version` is to see it.
    pub fn for_version(mut self, version: ApiVersion) -> Self {
        if version < ApiVersion::v1(50) {
            (self.bridge_nf_iptables, self.bridge_nf_ip6tables) = (Some(false), Some(false));
        }
        if version < ApiVersion::v1(49) {
            self.firewall_backend = None;
            for commit in [&mut self.containerd_commit, &mut self.runc_commit, &mut self.init_commit] {
                commit.expected = Some(commit.id.clone());
            }
        }
        if version < ApiVersion::v1(47) {
            let names = ["AllowNondistributableArtifactsCIDRs", "AllowNondistributableArtifactsHostnames"];
            self.registry_config = Some(names.map(|name| (name.to_owned(), None)).into());
        }
        self
    }
}

/// Names of drivers, by what they drive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PluginsInfo {
    /// Volume drivers: none.
    pub volume: Vec<String>,
    /// Network drivers, sorted.
    pub network: Vec<String>,
    /// Authorization plugins: none.
    pub authorization: Option<Vec<String>>,
    /// Logging drivers: none.
    pub log: Vec<String>,
}

/// A pool that subnets are cut from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AddressPool {
    /// The whole pool.
    pub base: String,
    /// Prefix length of the subnets cut from it.
    pub size: i64,
}

/// What programs the packet filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FirewallInfo {
    /// `nftables`.
    pub driver: String,
    /// Pairs of label and value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub info: Vec<[String; 2]>,
}

/// Swarm: not active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs, reason = "Docker's documented fields under their own names")]
pub struct SwarmInfo {
    #[serde(rename = "NodeID")]
    pub node_id: String,
    pub node_addr: String,
    pub local_node_state: String,
    pub control_available: bool,
    pub error: String,
    pub remote_managers: Option<Vec<String>>,
}

impl Default for SwarmInfo {
    fn default() -> Self {
        Self {
            node_id: String::new(),
            node_addr: String::new(),
            local_node_state: "inactive".into(),
            control_available: false,
            error: String::new(),
            remote_managers: None,
        }
    }
}

/// A program's commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Commit {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// What was expected; told below API 1.49.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

/// Answer of `GET /version`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs, reason = "Docker's documented fields under their own names")]
pub struct SystemVersion {
    pub platform: Platform,
    pub version: String,
    pub api_version: String,
    #[serde(rename = "MinAPIVersion")]
    pub min_api_version: String,
    pub os: String,
    pub arch: String,
    pub components: Vec<Component>,
    pub git_commit: String,
    /// Empty: no Go here. Old clients want the field.
    pub go_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kernel_version: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub experimental: bool,
    pub build_time: String,
}

/// The product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Platform {
    /// Its name.
    pub name: String,
}

/// A part of the product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// More about it.
    pub details: Option<BTreeMap<String, String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_and_go_with_the_version() {
        let info = SystemInfo { firewall_backend: Some(FirewallInfo::default()), ..SystemInfo::default() };
        let told = |minor| serde_json::to_value(info.clone().for_version(ApiVersion::v1(minor))).unwrap();
        for (minor, firewall, bridge, registry) in [
            (56, true, false, false),
            (50, true, false, false),
            (49, true, true, false),
            (48, false, true, false),
            (46, false, true, true),
        ] {
            let told = told(minor);
            assert_eq!(told.get("FirewallBackend").is_some(), firewall, "{minor}");
            assert_eq!(told.get("BridgeNfIptables"), bridge.then_some(&false.into()), "{minor}");
            assert_eq!(told.get("RegistryConfig").is_some(), registry, "{minor}");
            assert_eq!(told["RuncCommit"].get("Expected").is_some(), minor < 49, "{minor}");
        }
    }

    #[test]
    fn swarm_is_inactive() {
        assert_eq!(serde_json::to_value(SystemInfo::default()).unwrap()["Swarm"]["LocalNodeState"], "inactive");
    }
}
