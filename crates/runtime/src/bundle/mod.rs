//! A plan turned into an OCI bundle: what Docker gives a container, in the words of the OCI runtime specification.
//!
//! Owns: capabilities, masked paths, default mounts and devices, system call filters, users. Reads the container's files
//! and the host's devices, never through a link that leads out of where it looks. Starts nothing, changes nothing.

mod capability;
mod device;
mod mount;
mod namespace;
mod process;
mod resources;
mod seccomp;
mod user;

pub(crate) use process::exec_process;
pub(crate) use resources::resources;

use crate::{Cgroups, ContainerPlan, Error, Result};
use oci_spec::OciSpecError;
use oci_spec::runtime::{Linux, LinuxBuilder, RootBuilder, Spec, SpecBuilder};
use std::path::{Path, PathBuf};

/// Uid and gid of a user of the container at `rootfs`.
pub(crate) fn user_in(rootfs: &Path, text: &str) -> Result<(u32, u32)> {
    user::find(rootfs, text, &[]).map(|user| (user.uid, user.gid))
}

/// What is not in the plan: the host's share of a bundle.
pub(crate) struct Surroundings<'a> {
    pub cgroups: &'a Cgroups,
    /// Where the container's control group is, from the root of the tree.
    pub cgroup_path: &'a str,
    /// Whether the runtime filters system calls.
    pub seccomp: bool,
    /// Whether the host has AppArmor.
    pub apparmor: bool,
    /// The init program of the host, where the plan asks for one.
    pub init: Option<&'a Path>,
    /// The folder that is `/dev/shm`, where it is to be shared.
    pub shm: Option<&'a Path>,
}

/// The bundle's `config.json`.
pub(crate) fn spec(plan: &ContainerPlan, around: &Surroundings<'_>) -> Result<Spec> {
    let capabilities = capability::granted(&plan.security)?;
    let root = RootBuilder::default().path(&plan.rootfs).readonly(plan.read_only_rootfs).build().map_err(unsound)?;
    let mut spec = SpecBuilder::default()
        .version("1.0.2")
        .root(root)
        .process(process::first_process(plan, around, &capabilities)?)
        .mounts(mount::mounts(plan, around)?)
        .annotations(plan.annotations.clone().into_iter().collect::<std::collections::HashMap<_, _>>())
        .linux(linux(plan, around, &capabilities)?)
        .build()
        .map_err(unsound)?;
    // The name of a namespace that is shared is not ours to set; the builder's default is a name.
    spec.set_hostname(None);
    if plan.namespaces.uts == crate::Namespace::Private {
        spec.set_hostname(Some(plan.hostname.clone()));
        if !plan.domainname.is_empty() {
            spec.set_domainname(Some(plan.domainname.clone()));
        }
    }
    Ok(spec)
}

fn linux(plan: &ContainerPlan, around: &Surroundings<'_>, capabilities: &capability::Granted) -> Result<Linux> {
    let security = &plan.security;
    let devices = device::devices(plan)?;
    let mut limits = resources(&plan.resources, around.cgroups)?;
    limits.set_devices(Some(device::rules(plan, &devices)?));
    let mut builder = LinuxBuilder::default()
        .namespaces(namespace::namespaces(plan, around.cgroups.version))
        .devices(devices)
        .resources(limits)
        .cgroups_path(PathBuf::from(around.cgroup_path))
        .masked_paths(hidden(security.privileged, security.masked_paths.as_ref(), &MASKED))
        .readonly_paths(hidden(security.privileged, security.readonly_paths.as_ref(), &READ_ONLY));
    if !plan.sysctls.is_empty() {
        builder = builder.sysctl(plan.sysctls.clone().into_iter().collect::<std::collections::HashMap<_, _>>());
    }
    if let Some(propagation) = mount::root_propagation(plan) {
        builder = builder.rootfs_propagation(propagation);
    }
    if around.seccomp
        && let Some(filter) = seccomp::filter(security, capabilities)?
    {
        builder = builder.seccomp(filter);
    }
    let mut linux = builder.build().map_err(unsound)?;
    // The builder's default is an empty list, which both runtimes would report as unknown.
    linux.set_net_devices(None);
    Ok(linux)
}

fn hidden(privileged: bool, asked: Option<&Vec<String>>, default: &[&str]) -> Vec<String> {
    match asked {
        Some(paths) => paths.clone(),
        None if privileged => Vec::new(),
        None => default.iter().map(|&path| path.to_owned()).collect(),
    }
}

/// What Docker hides: the kernel's innards, and what tells of the hardware.
const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// What Docker makes read-only.
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// The builders of `oci-spec` only refuse what lacks a field; that would be our mistake.
fn unsound(error: OciSpecError) -> Error {
    Error::Invalid(format!("the container cannot be described: {error}"))
}
