//! What users ask of a sandbox.

use crate::{EndpointSpec, PortBinding, SandboxId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// Where a sandbox's network namespace comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceSource {
    /// We make it, and it goes with the sandbox.
    #[default]
    New,
    /// The namespace of the host itself (network `host` only).
    Host,
    /// An existing namespace, named by a path such as `/run/netns/x`.
    Path(PathBuf),
    /// The namespace of a running process.
    Pid(u32),
}

/// A process that a sandbox goes with, though the namespace is not its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeper {
    /// Process id, as the daemon sees it.
    pub pid: u32,
    /// When it started, so that a reused number is another; 0 until the core has looked.
    pub start: u64,
}

/// A line for `/etc/hosts`; `host-gateway` is resolved by the controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraHost {
    /// The name.
    pub name: String,
    /// The address, or `None` for `host-gateway`.
    pub address: Option<IpAddr>,
}

/// Another sandbox that has lines in `/etc/hosts` (Docker's links on the default bridge): `address alias names`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsLink {
    /// What it is called here; by this its lines are found again.
    pub alias: String,
    /// Its other names.
    pub names: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// A sandbox as asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxSpec {
    /// The id of the container whose sandbox it is; without one it is nobody's and gets an id of its own.
    pub id: Option<SandboxId>,
    /// Name, unique among sandboxes; empty picks one.
    pub name: String,
    /// Where the namespace comes from.
    pub namespace: NamespaceSource,
    /// The process that it goes with, if any.
    #[serde(default)]
    pub keeper: Option<Keeper>,
    /// Networks to join, in order, with the settings of each endpoint. Empty means no endpoint at all.
    pub networks: Vec<(String, EndpointSpec)>,
    /// Ports to publish.
    pub ports: Vec<PortBinding>,
    /// Host name inside; empty means the first twelve characters of the id.
    pub hostname: String,
    /// Domain name, appended to the host name in `/etc/hosts`.
    pub domainname: String,
    /// Extra lines for `/etc/hosts`.
    pub extra_hosts: Vec<ExtraHost>,
    /// Lines for other sandboxes, after those.
    #[serde(default)]
    pub hosts_links: Vec<HostsLink>,
    /// DNS servers; empty means the daemon's or the host's.
    pub dns: Vec<IpAddr>,
    /// Search domains; `.` alone means none.
    pub dns_search: Vec<String>,
    /// resolv.conf options.
    pub dns_options: Vec<String>,
    /// Sysctls written inside the namespace (`net.*` only).
    pub sysctls: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}
