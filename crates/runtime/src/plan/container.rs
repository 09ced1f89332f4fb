//! One container: process, root file system, namespaces, mounts, rights and limits.

use super::{Device, DeviceRule, LogPlan, Mount, Namespaces, Process, Resources, Security};
use pontoon_types::ContainerId;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Everything that is needed to create a container's process.
#[derive(Clone, Debug)]
pub struct ContainerPlan {
    /// The container's id.
    pub id: ContainerId,
    /// The OCI runtime by name (`--runtime`); `None` for the host's default.
    pub runtime: Option<String>,
    /// The mounted root file system. Its content is not trusted.
    pub rootfs: PathBuf,
    /// Whether the root file system is read-only.
    pub read_only_rootfs: bool,
    /// What runs.
    pub process: Process,
    /// Whether a small init process is put before it (`--init`).
    pub init: bool,
    /// The name of its own UTS namespace; ignored where that is shared.
    pub hostname: String,
    /// The domain name of its own UTS namespace; empty for none.
    pub domainname: String,
    /// Which namespaces are its own.
    pub namespaces: Namespaces,
    /// Mounts beside the default ones, in order; one over a default mount's target replaces it.
    pub mounts: Vec<Mount>,
    /// Bytes of `/dev/shm`, where that is its own.
    pub shm_size: u64,
    /// Rights.
    pub security: Security,
    /// Devices of the host (`--device`).
    pub devices: Vec<Device>,
    /// Further devices it may use (`--device-cgroup-rule`).
    pub device_rules: Vec<DeviceRule>,
    /// Sysctls of its own namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Limits.
    pub resources: Resources,
    /// How readily the kernel kills it when memory is short; -1000 to 1000.
    pub oom_score_adj: Option<i32>,
    /// The control group to be put under (`--cgroup-parent`); `None` for our own.
    pub cgroup_parent: Option<String>,
    /// Annotations of the OCI bundle.
    pub annotations: BTreeMap<String, String>,
    /// Where its output is written.
    pub log: LogPlan,
}

impl ContainerPlan {
    /// A container that runs `args` in `rootfs`, with Docker's defaults for everything else.
    pub fn new(id: ContainerId, rootfs: impl Into<PathBuf>, args: &[&str]) -> Self {
        Self {
            id,
            runtime: None,
            rootfs: rootfs.into(),
            read_only_rootfs: false,
            process: Process::new(args),
            init: false,
            hostname: id.short(),
            domainname: String::new(),
            namespaces: Namespaces::default(),
            mounts: Vec::new(),
            shm_size: 64 << 20,
            security: Security::default(),
            devices: Vec::new(),
            device_rules: Vec::new(),
            sysctls: BTreeMap::new(),
            resources: Resources::default(),
            oom_score_adj: None,
            cgroup_parent: None,
            annotations: BTreeMap::new(),
            log: LogPlan::None,
        }
    }
}
