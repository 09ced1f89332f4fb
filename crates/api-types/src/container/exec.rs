//! Commands in a running container.

use pontoon_containers::spec::ConsoleSize;
use serde::{Deserialize, Serialize};

/// Body of `POST /containers/{id}/exec`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "container.ExecCreateRequest", rename_all = "PascalCase", default)]
#[allow(missing_docs, reason = "Docker's documented fields under their own names")]
pub struct CreateExecRequest {
    pub user: String,
    pub privileged: bool,
    pub tty: bool,
    pub console_size: Option<ConsoleSize>,
    pub attach_stdin: bool,
    pub attach_stderr: bool,
    pub attach_stdout: bool,
    pub detach_keys: String,
    pub env: Option<Vec<String>>,
    pub working_dir: String,
    pub cmd: Option<Vec<String>>,
}

/// Body of `POST /exec/{id}/start`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "container.ExecStartRequest", rename_all = "PascalCase", default)]
pub struct StartExecRequest {
    /// Whether nobody attaches.
    pub detach: bool,
    /// Whether the client thinks there is a terminal.
    pub tty: bool,
    /// First size of the terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_size: Option<ConsoleSize>,
}

/// Answer of `GET /exec/{id}/json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs, reason = "Docker's documented fields under their own names")]
pub struct ExecInspect {
    #[serde(rename = "ID")]
    pub id: String,
    pub running: bool,
    /// Null until it has ended.
    pub exit_code: Option<i64>,
    pub process_config: ExecProcess,
    pub open_stdin: bool,
    pub open_stderr: bool,
    pub open_stdout: bool,
    pub can_remove: bool,
    #[serde(rename = "ContainerID")]
    pub container_id: String,
    /// In Base64, as Go writes bytes.
    pub detach_keys: String,
    pub pid: i64,
}

/// What a command runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExecProcess {
    /// Whether it has a terminal.
    pub tty: bool,
    /// The program.
    pub entrypoint: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Whether it may do everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privileged: Option<bool>,
    /// As whom; left out when it is the container's user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
}
