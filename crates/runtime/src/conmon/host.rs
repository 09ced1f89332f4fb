//! What the host has for us: control groups, runtimes, a monitor, an init program. Found by looking.

use crate::{CgroupVersion, Cgroups, Error, Result};
use rustix::fs::{Access, StatVfsMountFlags, access, statfs, statvfs};
use std::path::{Path, PathBuf};

/// Where control groups are mounted.
pub(super) const CGROUP_ROOT: &str = "/sys/fs/cgroup";

const CGROUP2_MAGIC: i64 = 0x6367_7270;
const CGROUP1_MAGIC: i64 = 0x0027_e0eb;

/// The host's control groups.
#[derive(Clone, Copy, Debug)]
pub(super) struct Groups {
    pub cgroups: Cgroups,
    /// Whether there is a tree of version 2 with controllers beside those of version 1: crun refuses to work with both.
    pub mixed: bool,
}

/// Looks at the control groups mounted at `root`.
pub(super) fn groups(root: &Path) -> Groups {
    if magic(root) == Some(CGROUP2_MAGIC) {
        let cgroups = if is_writable(root) { version_2(root) } else { Cgroups::NONE };
        return Groups { cgroups, mixed: false };
    }
    // Frameworks that cannot be written cannot limit. All or nothing: the freezer and the number of processes are
    // needed to end a container for certain.
    let controllers = ["memory", "cpu", "pids", "freezer", "devices"];
    let usable = |name: &str| magic(&root.join(name)) == Some(CGROUP1_MAGIC) && is_writable(&root.join(name));
    if !controllers.into_iter().any(usable) {
        return Groups { cgroups: Cgroups::NONE, mixed: false };
    }
    let unified = root.join("unified");
    let mixed = magic(&unified) == Some(CGROUP2_MAGIC)
        && std::fs::read_to_string(unified.join("cgroup.controllers")).is_ok_and(|list| !list.trim().is_empty());
    let has = |controller: &str, file: &str| usable(controller) && root.join(controller).join(file).exists();
    let cgroups = Cgroups {
        version: CgroupVersion::V1,
        memory: has("memory", "memory.limit_in_bytes"),
        swap: has("memory", "memory.memsw.limit_in_bytes"),
        oom_kill_disable: has("memory", "memory.oom_control"),
        cpu_shares: has("cpu", "cpu.shares"),
        cpu_quota: has("cpu", "cpu.cfs_quota_us"),
        cpuset: has("cpuset", "cpuset.cpus"),
        pids: usable("pids"),
        blkio_weight: has("blkio", "blkio.weight") || has("blkio", "blkio.bfq.weight"),
        blkio_rate: has("blkio", "blkio.throttle.read_bps_device"),
        freezer: usable("freezer"),
    };
    Groups { cgroups, mixed }
}

fn version_2(root: &Path) -> Cgroups {
    let list = std::fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
    let has = |name: &str| list.split_ascii_whitespace().any(|one| one == name);
    Cgroups {
        memory: has("memory"),
        swap: has("memory"),
        cpu_shares: has("cpu"),
        cpu_quota: has("cpu"),
        cpuset: has("cpuset"),
        pids: has("pids"),
        blkio_weight: has("io"),
        blkio_rate: has("io"),
        ..Cgroups::V2
    }
}

fn magic(path: &Path) -> Option<i64> {
    statfs(path).ok().map(|fs| fs.f_type)
}

fn is_writable(path: &Path) -> bool {
    access(path, Access::WRITE_OK).is_ok()
        && statvfs(path).is_ok_and(|fs| !fs.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// Where programs are looked for: a daemon's own search path may lack the administrator's folders.
const FOLDERS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/usr/libexec/podman", "/usr/libexec/docker"];

/// The program called `name`.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_absolute() && access(file, Access::EXEC_OK).is_ok())
}

/// A program that does an init's work and needs nothing of the container's.
pub(super) fn init() -> Result<PathBuf> {
    let names = ["docker-init", "tini-static", "catatonit", "tini"];
    names.into_iter().filter_map(program).find(|file| is_static(file)).ok_or_else(|| Error::Missing {
        program: "docker-init".into(),
        remedy: "for --init, install tini or catatonit (a statically linked one)".into(),
    })
}

/// Whether an ELF program asks for no interpreter, i.e. runs without the libraries of whoever built it.
fn is_static(file: &Path) -> bool {
    const INTERPRETER: u32 = 3;
    let Ok(bytes) = std::fs::read(file) else { return false };
    let number = |at: usize, size: usize| -> Option<u64> {
        let field = bytes.get(at..at + size)?;
        Some(field.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    };
    // Little-endian, 64 bits: what all our processors have, except s390x, where the runtime will tell.
    if bytes.get(..6) != Some(&[0x7f, b'E', b'L', b'F', 2, 1]) {
        return cfg!(target_endian = "big");
    }
    let headers = || {
        let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        (0..count).map(|n| number(usize::try_from(table + n * size).ok()?, 4)).collect::<Option<Vec<_>>>()
    };
    headers().is_some_and(|kinds| !kinds.contains(&u64::from(INTERPRETER)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_control_groups_limits_nothing() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let groups = groups(folder.path());
        assert_eq!(groups.cgroups, Cgroups::NONE);
        assert!(!groups.mixed);
        Ok(())
    }

    #[test]
    fn only_programs_that_need_no_library_are_static() {
        // The test itself is linked dynamically, as Rust's programs for glibc are.
        assert!(std::env::current_exe().is_ok_and(|file| !is_static(&file)));
        assert!(!is_static(Path::new("/etc/passwd")));
        assert!(!is_static(Path::new("/nonexistent")));
    }
}
