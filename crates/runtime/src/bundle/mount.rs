//! What is mounted into a container: Docker's default mounts, and those of the plan over them.

use super::Surroundings;
use crate::{Access, CgroupVersion, ContainerPlan, Error, Ipc, Mount as Wanted, MountSource, Propagation, Result};
use oci_spec::runtime::{Mount, MountBuilder};
use std::path::{Component, Path, PathBuf};

const MEMORY: [&str; 3] = ["nosuid", "nodev", "noexec"];

/// All mounts in the order in which they are made: parents before what is below them.
pub(super) fn mounts(plan: &ContainerPlan, around: &Surroundings<'_>) -> Result<Vec<Mount>> {
    let asked: Vec<Mount> = plan.mounts.iter().map(wanted).collect::<Result<_>>()?;
    let mut all = default_mounts(plan, around)?;
    // What the plan says replaces a default mount at the same place, and, as with Docker, those below /dev when it has
    // its own /dev.
    let own_dev = asked.iter().any(|mount| mount.destination() == Path::new("/dev"));
    all.retain(|mount| {
        let replaced = asked.iter().any(|other| other.destination() == mount.destination());
        !(replaced || own_dev && mount.destination().starts_with("/dev/"))
    });
    all.extend(asked);
    if let Some(init) = around.init {
        all.push(mount("/sbin/docker-init", "bind", init, &["bind", "ro"])?);
    }
    Ok(all)
}

/// A shared mount needs a root that lets it through.
pub(super) fn root_propagation(plan: &ContainerPlan) -> Option<&'static str> {
    let uses = |wanted: &[Propagation]| {
        plan.mounts.iter().any(|mount| match &mount.source {
            MountSource::Bind { propagation, .. } => wanted.contains(propagation),
            MountSource::Tmpfs { .. } => false,
        })
    };
    if uses(&[Propagation::Shared, Propagation::RecursiveShared]) {
        Some("shared")
    } else if uses(&[Propagation::Slave, Propagation::RecursiveSlave]) {
        Some("rslave")
    } else {
        None
    }
}

fn default_mounts(plan: &ContainerPlan, around: &Surroundings<'_>) -> Result<Vec<Mount>> {
    let privileged = plan.security.privileged;
    let sys: &[&str] = &["nosuid", "noexec", "nodev", if privileged { "rw" } else { "ro" }];
    let mut all = vec![
        mount("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"])?,
        mount("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"])?,
        mount(
            "/dev/pts",
            "devpts",
            "devpts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        )?,
        mount("/sys", "sysfs", "sysfs", sys)?,
    ];
    if around.cgroups.version != CgroupVersion::None {
        let writable = if privileged || plan.security.writable_cgroups { "rw" } else { "ro" };
        all.push(mount("/sys/fs/cgroup", "cgroup", "cgroup", &[writable, "nosuid", "noexec", "nodev"])?);
    }
    all.push(match &plan.namespaces.ipc {
        Ipc::Host if Path::new("/dev/mqueue").exists() => {
            mount("/dev/mqueue", "bind", "/dev/mqueue", &["rbind", "rprivate"])?
        }
        _ => mount("/dev/mqueue", "mqueue", "mqueue", &MEMORY)?,
    });
    all.extend(shm(plan, around)?);
    Ok(all)
}

fn shm(plan: &ContainerPlan, around: &Surroundings<'_>) -> Result<Option<Mount>> {
    let shared = match &plan.namespaces.ipc {
        Ipc::None => return Ok(None),
        Ipc::At { shm, .. } => Some(shm.as_path()),
        Ipc::Host => Some(Path::new("/dev/shm")).filter(|folder| folder.exists()),
        Ipc::Private | Ipc::Shareable => around.shm,
    };
    Ok(Some(match shared {
        Some(folder) => mount("/dev/shm", "bind", folder, &["rbind", "rprivate", "nosuid", "nodev", "noexec"])?,
        None => {
            let size = format!("size={}", plan.shm_size);
            mount("/dev/shm", "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777", &size])?
        }
    }))
}

fn wanted(wanted: &Wanted) -> Result<Mount> {
    let target = clean(&wanted.target)?;
    // Nothing is mounted below a file, and crun 1.8 takes `rro` for folders only.
    let access = match (wanted.access, &wanted.source) {
        (Access::Writable, _) => "rw",
        (Access::ReadOnly, MountSource::Bind { path, .. }) if path.is_dir() => "rro",
        _ => "ro",
    };
    match &wanted.source {
        MountSource::Bind { path, propagation, recursive } => {
            let bind = if *recursive { "rbind" } else { "bind" };
            mount(target, "bind", path, &[bind, access, propagation.word()])
        }
        MountSource::Tmpfs { options } => {
            let mut all = vec!["noexec", "nosuid", "nodev", "rprivate"];
            // The last word counts, so that the plan's `exec` takes `noexec` away.
            all.retain(|word| !options.iter().any(|option| opposite(option) == Some(*word)));
            all.extend(options.iter().map(String::as_str));
            if wanted.access.is_read_only() {
                all.push("ro");
            }
            mount(target, "tmpfs", "tmpfs", &all)
        }
    }
}

fn opposite(option: &str) -> Option<&'static str> {
    Some(match option {
        "exec" => "noexec",
        "suid" => "nosuid",
        "dev" => "nodev",
        _ => return None,
    })
}

/// The target without `.` and `..`; it is absolute and not the root itself.
fn clean(target: &Path) -> Result<PathBuf> {
    let refused = |why: &str| Error::Invalid(format!("invalid mount path: '{}' {why}", target.display()));
    if !target.is_absolute() {
        return Err(refused("mount path must be absolute"));
    }
    let mut clean = PathBuf::from("/");
    for component in target.components() {
        match component {
            Component::ParentDir => {
                clean.pop();
            }
            Component::Normal(name) => clean.push(name),
            _ => {}
        }
    }
    if clean == Path::new("/") {
        return Err(Error::Invalid("invalid specification: destination can't be '/'".into()));
    }
    Ok(clean)
}

fn mount(target: impl Into<PathBuf>, kind: &str, source: impl Into<PathBuf>, options: &[&str]) -> Result<Mount> {
    MountBuilder::default()
        .destination(target)
        .typ(kind)
        .source(source)
        .options(options.iter().map(|&option| option.to_owned()).collect::<Vec<_>>())
        .build()
        .map_err(super::unsound)
}
