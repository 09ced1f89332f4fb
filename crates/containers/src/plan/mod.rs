//! What is to run, in the runtime's words: a definition joined with what its start has made ready. Pure.

mod limits;
mod log;
mod namespaces;
mod process;
mod security;

pub(crate) use limits::resources;
pub(crate) use log::{limits as log_limits, path as log_path};
pub(crate) use namespaces::{Donor, Donors};
pub(crate) use process::exec;
pub(crate) use security::check as check_security;

use crate::network::{Files, Joined, other_sysctls};
use crate::{Definition, Result, Settings};
use pontoon_runtime::{Access, ContainerPlan, Device, Mount, MountSource, Propagation};
use std::path::{Path, PathBuf};

/// What a start has made ready for a container.
pub(crate) struct Ready<'a> {
    /// Its mounted root.
    pub rootfs: PathBuf,
    /// What its settings mount.
    pub mounts: Vec<Mount>,
    /// What networking gives it.
    pub joined: &'a Joined,
    /// Those whose namespaces it shares.
    pub donors: Donors,
}

/// The plan of a container that starts.
pub(crate) fn plan(definition: &Definition, ready: Ready<'_>, settings: &Settings) -> Result<ContainerPlan> {
    let host = &definition.host_config;
    let mut mounts = ready.mounts;
    if let Some(files) = &ready.joined.files {
        mounts.extend(network_files(files, host.readonly_rootfs, &mounts));
    }
    Ok(ContainerPlan {
        id: definition.id,
        runtime: Some(host.runtime.clone()).filter(|name| !name.is_empty()),
        rootfs: ready.rootfs,
        read_only_rootfs: host.readonly_rootfs,
        process: process::process(definition, ready.joined),
        init: host.init.unwrap_or(settings.init),
        hostname: ready.joined.hostname.clone(),
        domainname: ready.joined.domainname.clone(),
        namespaces: namespaces::namespaces(host, &ready.joined.namespace, ready.donors),
        mounts,
        shm_size: u64::try_from(host.shm_size).unwrap_or_default(),
        security: security::security(host)?,
        devices: host.devices.iter().flatten().map(device).collect(),
        device_rules: limits::device_rules(host)?,
        sysctls: other_sysctls(&definition.for_network()),
        resources: resources(host),
        oom_score_adj: i32::try_from(host.oom_score_adj).ok().filter(|score| *score != 0),
        cgroup_parent: Some(host.cgroup_parent.clone()).filter(|parent| !parent.is_empty()),
        annotations: host.annotations.clone().unwrap_or_default(),
        log: log::plan(definition, &settings.containers)?,
    })
}

/// The three files, where the user does not mount something there.
fn network_files(files: &Files, read_only: bool, mounts: &[Mount]) -> Vec<Mount> {
    let taken = |target: &Path| mounts.iter().any(|mount| mount.target == target);
    let places =
        [("/etc/resolv.conf", &files.resolv_conf), ("/etc/hostname", &files.hostname), ("/etc/hosts", &files.hosts)];
    let mount = |(target, path): (&str, &PathBuf)| Mount {
        target: target.into(),
        source: MountSource::Bind { path: path.clone(), propagation: Propagation::RecursivePrivate, recursive: true },
        access: if read_only { Access::ReadOnly } else { Access::Writable },
    };
    places.into_iter().filter(|(target, _)| !taken(Path::new(target))).map(mount).collect()
}

fn device(device: &crate::spec::DeviceMapping) -> Device {
    let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
    Device {
        on_host: device.path_on_host.clone().into(),
        in_container: or(&device.path_in_container, &device.path_on_host).into(),
        permissions: or(&device.cgroup_permissions, "rwm"),
    }
}
