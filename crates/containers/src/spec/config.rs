//! The part of a container's settings that any host could carry out: Docker's `Config`.

use super::{Healthcheck, PortSet, Words};
use pontoon_types::Ordered;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `{}`, the value in Docker's sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "struct {}", default)]
pub struct EmptyObject {}

/// What a container runs, as whom, with what around it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "container.Config", rename_all = "PascalCase", default)]
pub struct Config {
    /// Host name inside; empty takes the short id.
    pub hostname: String,
    /// Domain name.
    pub domainname: String,
    /// `user`, `uid`, `user:group` …
    pub user: String,
    /// Whether a client wants to write to its input at the start.
    pub attach_stdin: bool,
    /// Whether a client wants to read its output from the start.
    pub attach_stdout: bool,
    /// The same for its error output.
    pub attach_stderr: bool,
    /// Ports the program listens on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposed_ports: Option<PortSet>,
    /// Whether it gets a terminal.
    pub tty: bool,
    /// Whether its input stays open without a client.
    pub open_stdin: bool,
    /// Whether its input is closed when the first client leaves.
    pub stdin_once: bool,
    /// `NAME=value`; a name alone is taken out of the environment.
    pub env: Option<Vec<String>>,
    /// The command, or arguments for the entry point.
    pub cmd: Words,
    /// How it is found out whether it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Windows only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub args_escaped: bool,
    /// The image as the client named it.
    pub image: String,
    /// Paths that get an anonymous volume.
    pub volumes: Option<Ordered<EmptyObject>>,
    /// Where the program starts.
    pub working_dir: String,
    /// The program that `cmd` is given to.
    pub entrypoint: Words,
    /// Whether it has no network at all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub network_disabled: bool,
    /// Ethernet address of the main endpoint, from clients older than API 1.44.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac_address: String,
    /// For images only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_build: Option<Vec<String>>,
    /// Labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// The signal that stops it, by name or number; empty is SIGTERM.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    /// Seconds between that signal and SIGKILL; absent takes the daemon's, negative waits for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// The shell of commands that are one string.
    #[serde(skip_serializing_if = "Words::is_unset")]
    pub shell: Words,
}
