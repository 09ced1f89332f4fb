//! One container as `GET /containers/{id}/json` shows it.

use super::MountPoint;
use pontoon_containers::spec::{Config, EndpointSettings, HostConfig, PortMap};
use pontoon_types::{Address, HardwareAddress};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A container with everything there is to know of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs, reason = "Docker's documented fields under their own names")]
pub struct ContainerInspect {
    pub id: String,
    pub created: String,
    pub path: String,
    pub args: Vec<String>,
    pub state: ContainerState,
    pub image: String,
    pub resolv_conf_path: String,
    pub hostname_path: String,
    pub hosts_path: String,
    pub log_path: String,
    /// With a slash in front.
    pub name: String,
    pub restart_count: i64,
    /// How its file system is stored.
    pub driver: String,
    pub platform: String,
    pub mount_label: String,
    pub process_label: String,
    pub app_armor_profile: String,
    /// Its commands that run; null without any.
    #[serde(rename = "ExecIDs")]
    pub exec_ids: Option<Vec<String>>,
    pub host_config: HostConfig,
    /// Where its file system is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph_driver: Option<DriverData>,
    /// Bytes it wrote; only told when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_rw: Option<i64>,
    /// Bytes of its whole file system; only told when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_root_fs: Option<i64>,
    pub mounts: Vec<MountPoint>,
    pub config: Config,
    pub network_settings: ContainerNetworkSettings,
}

/// A storage driver's data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DriverData {
    /// Its name.
    pub name: String,
    /// Paths.
    pub data: BTreeMap<String, String>,
}

/// What a container is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs, reason = "Docker's documented fields under their own names")]
pub struct ContainerState {
    pub status: String,
    pub running: bool,
    pub paused: bool,
    pub restarting: bool,
    #[serde(rename = "OOMKilled")]
    pub oom_killed: bool,
    pub dead: bool,
    pub pid: i64,
    pub exit_code: i64,
    pub error: String,
    pub started_at: String,
    pub finished_at: String,
    /// Only with a health check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
}

/// Whether a container is well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Health {
    /// `starting`, `healthy` or `unhealthy`.
    pub status: String,
    /// How many checks failed one after the other.
    pub failing_streak: i64,
    /// The last checks.
    pub log: Vec<HealthcheckResult>,
}

/// One check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HealthcheckResult {
    /// When it began.
    pub start: String,
    /// When it ended.
    pub end: String,
    /// 0 is well, 1 is not.
    pub exit_code: i64,
    /// What it wrote.
    pub output: String,
}

/// A container's networking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContainerNetworkSettings {
    /// Of the running container; else empty.
    #[serde(rename = "SandboxID")]
    pub sandbox_id: String,
    /// Path of its network namespace.
    pub sandbox_key: String,
    /// What is published and exposed.
    pub ports: PortMap,
    /// The default bridge's endpoint once more, below API 1.52.
    #[serde(flatten)]
    pub default_bridge: Option<DefaultBridgeSettings>,
    /// By name of the network.
    pub networks: BTreeMap<String, EndpointSettings>,
}

/// Fields of the default bridge's endpoint that older clients look for at the top.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs, reason = "the same fields as in `EndpointSettings`")]
pub struct DefaultBridgeSettings {
    #[serde(rename = "EndpointID")]
    pub endpoint_id: String,
    pub gateway: Address,
    #[serde(rename = "GlobalIPv6Address")]
    pub global_ipv6_address: Address,
    #[serde(rename = "GlobalIPv6PrefixLen")]
    pub global_ipv6_prefix_len: i64,
    #[serde(rename = "IPAddress")]
    pub ip_address: Address,
    #[serde(rename = "IPPrefixLen")]
    pub ip_prefix_len: i64,
    #[serde(rename = "IPv6Gateway")]
    pub ipv6_gateway: Address,
    pub mac_address: HardwareAddress,
}

impl From<&EndpointSettings> for DefaultBridgeSettings {
    fn from(endpoint: &EndpointSettings) -> Self {
        Self {
            endpoint_id: endpoint.endpoint_id.clone(),
            gateway: endpoint.gateway.clone(),
            global_ipv6_address: endpoint.global_ipv6_address.clone(),
            global_ipv6_prefix_len: endpoint.global_ipv6_prefix_len,
            ip_address: endpoint.ip_address.clone(),
            ip_prefix_len: endpoint.ip_prefix_len,
            ipv6_gateway: endpoint.ipv6_gateway.clone(),
            mac_address: endpoint.mac_address,
        }
    }
}
