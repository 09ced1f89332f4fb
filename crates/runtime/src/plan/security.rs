//! A container's rights.

/// Rights; the default is Docker's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// All capabilities, all devices, nothing masked, writable /sys (`--privileged`).
    pub privileged: bool,
    /// Capabilities beside the default ones, with or without `CAP_`; `ALL` for all.
    pub cap_add: Vec<String>,
    /// Capabilities taken away; `ALL` for all that are not added.
    pub cap_drop: Vec<String>,
    /// Which system calls are let through.
    pub seccomp: Seccomp,
    /// Whether programs never gain rights (`no-new-privileges`).
    pub no_new_privileges: bool,
    /// Name of an AppArmor profile; used where the host has AppArmor.
    pub apparmor: Option<String>,
    /// Paths that cannot be seen; `None` for Docker's default list.
    pub masked_paths: Option<Vec<String>>,
    /// Paths that cannot be written; `None` for Docker's default list.
    pub readonly_paths: Option<Vec<String>>,
    /// Whether /sys/fs/cgroup can be written (`writable-cgroups`).
    pub writable_cgroups: bool,
}

/// Which system calls are let through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seccomp {
    /// Docker's default list, where the runtime can filter.
    #[default]
    Default,
    /// All.
    Unconfined,
    /// Those that a profile in Docker's JSON form lets through. A mistake in it is an error of the container.
    Profile(String),
}
