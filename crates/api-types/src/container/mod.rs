//! Containers: the shapes of requests about them and of answers.
//!
//! What a container is asked to be has its shapes in `pontoon_containers::spec`, which stores them too.

mod create;
mod exec;
mod inspect;
mod stats;
mod summary;
mod versioned;

pub use create::{CreateContainerRequest, CreateContainerResponse, UpdateContainerRequest, UpdateContainerResponse};
pub use exec::{CreateExecRequest, ExecInspect, ExecProcess, StartExecRequest};
pub use inspect::{
    ContainerInspect, ContainerNetworkSettings, ContainerState, DefaultBridgeSettings, DriverData, Health,
    HealthcheckResult,
};
pub use stats::*;
pub use summary::{
    ContainerSummary, HealthSummary, HostConfigSummary, MountPoint, NetworkSettingsSummary, PortSummary,
};

use serde::{Deserialize, Serialize};

/// Answer of calls that make something: its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IdResponse {
    /// The id.
    pub id: String,
}

/// Answer of `GET /containers/{id}/top`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TopResponse {
    /// One row for each process.
    pub processes: Vec<Vec<String>>,
    /// Names of columns.
    pub titles: Vec<String>,
}

/// Answer of `POST /containers/{id}/wait`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WaitResponse {
    /// Why waiting failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<WaitError>,
    /// Exit code of the container.
    pub status_code: i64,
}

/// Why waiting failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WaitError {
    /// In words.
    pub message: String,
}

/// Answer of `POST /containers/prune`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContainersPruned {
    /// Their ids; null when there were none.
    pub containers_deleted: Option<Vec<String>>,
    /// Bytes that are free now.
    pub space_reclaimed: u64,
}

/// What is at a path in a container, as it is told in a header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerPathStat {
    /// The last part of the path.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// Kind and permissions, as Go's `os.FileMode`.
    pub mode: u32,
    /// When it was changed.
    pub mtime: String,
    /// What a link leads to.
    pub link_target: String,
}

/// One change of a container's file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FilesystemChange {
    /// Where.
    pub path: String,
    /// 0 changed, 1 added, 2 deleted.
    pub kind: u8,
}
