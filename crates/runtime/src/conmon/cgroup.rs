//! A container's control group as files: its processes, freezing, and what is left of it.
//!
//! The runtime makes it and sets its limits; here it is only read, frozen, emptied and removed.

use super::host::CGROUP_ROOT;
use super::process::{KILL, Process};
use crate::{CgroupVersion, Error, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The control group of a container.
#[derive(Clone, Debug)]
pub(super) struct Group {
    version: CgroupVersion,
    root: PathBuf,
    /// From the root, beginning with a slash.
    path: String,
}

/// The trees of version 1, as runtimes use them.
const TREES: [&str; 14] = [
    "memory",
    "cpu",
    "cpuacct",
    "cpuset",
    "pids",
    "freezer",
    "devices",
    "blkio",
    "hugetlb",
    "net_cls",
    "net_prio",
    "perf_event",
    "rdma",
    "systemd",
];

impl Group {
    pub fn new(version: CgroupVersion, path: &str) -> Self {
        Self { version, root: CGROUP_ROOT.into(), path: path.to_owned() }
    }

    /// Its folder in the tree of `controller`.
    pub fn folder(&self, controller: &str) -> PathBuf {
        let relative = self.path.trim_start_matches('/');
        match self.version {
            CgroupVersion::V2 => self.root.join(relative),
            _ => self.root.join(controller).join(relative),
        }
    }

    pub fn version(&self) -> CgroupVersion {
        self.version
    }

    /// A file's content without the newline; `None` when there is no such file.
    pub fn read(&self, controller: &str, file: &str) -> Option<String> {
        std::fs::read_to_string(self.folder(controller).join(file)).ok().map(|text| text.trim_end().to_owned())
    }

    /// A file's only number; `None` for `max`.
    pub fn number(&self, controller: &str, file: &str) -> Option<u64> {
        self.read(controller, file)?.parse().ok()
    }

    /// The file's lines of a name and a number.
    pub fn table(&self, controller: &str, file: &str) -> Vec<(String, u64)> {
        let text = self.read(controller, file).unwrap_or_default();
        let pair =
            |line: &str| line.split_once(' ').and_then(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
        text.lines().filter_map(pair).collect()
    }

    /// The processes in it and in those below it.
    pub fn processes(&self) -> Vec<u32> {
        let mut pids = BTreeSet::new();
        // pids of version 1 has all of them; it may be missing where memory is not.
        let controller =
            ["pids", "memory", "cpu"].into_iter().find(|name| self.folder(name).exists()).unwrap_or("pids");
        gather(&self.folder(controller), 8, &mut pids);
        pids.into_iter().collect()
    }

    /// Freezes or thaws.
    pub fn freeze(&self, frozen: bool) -> Result<()> {
        let (file, word) = match (self.version, frozen) {
            (CgroupVersion::V2, true) => ("cgroup.freeze", "1"),
            (CgroupVersion::V2, false) => ("cgroup.freeze", "0"),
            (_, true) => ("freezer.state", "FROZEN"),
            (_, false) => ("freezer.state", "THAWED"),
        };
        let path = self.folder("freezer").join(file);
        std::fs::write(&path, word).map_err(|cause| Error::File { act: "write", path, cause })
    }

    /// Whether it is frozen or about to be.
    pub fn is_frozen(&self) -> bool {
        match self.version {
            CgroupVersion::V2 => self.read("", "cgroup.freeze").is_some_and(|word| word == "1"),
            _ => self.read("freezer", "freezer.state").is_some_and(|word| word != "THAWED"),
        }
    }

    /// Kills everything in it, frozen or not, and removes it. What is not there is no error; what cannot be removed is.
    pub fn remove(&self, patience: std::time::Duration) -> Result<()> {
        let until = std::time::Instant::now() + patience;
        loop {
            let living: Vec<Process> = self.processes().into_iter().filter_map(Process::now).collect();
            for process in &living {
                let _ = process.signal(KILL);
            }
            if !living.is_empty() {
                // The frozen of version 1 die when they thaw.
                let _ = self.freeze(false);
            }
            let mut failure = None;
            for folder in self.folders() {
                failure = remove_tree(&folder, 8).err().map(|cause| (folder, cause)).or(failure);
            }
            let Some((path, cause)) = failure else { return Ok(()) };
            if std::time::Instant::now() >= until {
                return Err(Error::File { act: "remove", path, cause });
            }
            // The kernel lets go of a dead process a moment after its parent was told.
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    fn folders(&self) -> Vec<PathBuf> {
        match self.version {
            CgroupVersion::None => Vec::new(),
            CgroupVersion::V2 => vec![self.folder("")],
            CgroupVersion::V1 => TREES.iter().map(|tree| self.folder(tree)).filter(|folder| folder.exists()).collect(),
        }
    }
}

fn gather(folder: &Path, depth: usize, pids: &mut BTreeSet<u32>) {
    let text = std::fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    pids.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
    if depth > 0 {
        for below in below(folder) {
            gather(&below, depth - 1, pids);
        }
    }
}

fn remove_tree(folder: &Path, depth: usize) -> std::io::Result<()> {
    if depth > 0 {
        for below in below(folder) {
            remove_tree(&below, depth - 1)?;
        }
    }
    match std::fs::remove_dir(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}
