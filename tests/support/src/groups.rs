//! Control groups of a world's own: a folder in each of the machine's trees that is the root of everything below.
//!
//! Owns those folders, and removes them when every process in them has ended. The machine's other groups cannot be seen
//! from within, nor can a tree of version 2 beside them, which container runtimes do not want. Trees of version 1 alone: with version 2 the machine's own tree is used, under the daemon's own name.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statfs::{CGROUP_SUPER_MAGIC, statfs};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const ROOT: &str = "/sys/fs/cgroup";

/// Control groups that nobody else uses.
pub struct Groups {
    name: String,
    /// The trees of the machine, by what they are called.
    trees: Vec<(String, File)>,
}

impl Groups {
    /// Moves the calling thread, which must have a mount namespace of its own, and all that it will start, into groups of
    /// their own. Where the machine has none that can be used, everything stays as it is.
    pub fn enter(name: &str) -> Self {
        let (mut trees, mut links) = (Vec::new(), Vec::new());
        for entry in std::fs::read_dir(ROOT).into_iter().flatten().flatten() {
            let (path, tree) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if let Ok(target) = std::fs::read_link(&path) {
                // `cpu` may be another name of `cpu,cpuacct`.
                links.push((path, target));
            } else if is_version_1(&path) && move_below(&path, name) {
                trees.push((tree, File::open(&path).unwrap()));
            }
        }
        if !trees.is_empty() {
            unshare(CloneFlags::CLONE_NEWCGROUP).unwrap();
            mount(Some("groups"), ROOT, Some("tmpfs"), MsFlags::empty(), Some("mode=755")).unwrap();
            trees.iter().for_each(|(tree, _)| show(tree));
            links.iter().for_each(|(path, target)| std::os::unix::fs::symlink(target, path).unwrap());
        }
        Self { name: name.to_owned(), trees }
    }

    /// Moves the calling thread back to where the machine's own processes are.
    pub fn leave(&self) {
        for (_, tree) in &self.trees {
            let _ = std::fs::write(inside(tree).join("tasks"), "0");
        }
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        let until = Instant::now() + Duration::from_secs(30);
        for (tree, fd) in &self.trees {
            let folder = inside(fd).join(&self.name);
            while let Err(error) = remove(&folder) {
                if Instant::now() > until {
                    eprintln!("the control group {tree}/{} stays: {error}", self.name);
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

fn is_version_1(tree: &Path) -> bool {
    statfs(tree).is_ok_and(|fs| fs.filesystem_type() == CGROUP_SUPER_MAGIC)
}

/// A folder that is open, by a path that works in every mount namespace.
fn inside(fd: &File) -> PathBuf {
    format!("/proc/self/fd/{}/.", fd.as_raw_fd()).into()
}

/// Moves the calling thread to `tree/name`; false when the tree cannot be written.
fn move_below(tree: &Path, name: &str) -> bool {
    let folder = tree.join(name);
    if std::fs::create_dir(&folder).is_err() {
        return false;
    }
    // A new group has no processor and no memory node, and takes no task before it has.
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if let Ok(value) = std::fs::read(tree.join(file)) {
            let _ = std::fs::write(folder.join(file), value);
        }
    }
    let moved = std::fs::write(folder.join("tasks"), "0").is_ok();
    if !moved {
        let _ = std::fs::remove_dir(&folder);
    }
    moved
}

/// Mounts a tree, whose root now is the group of this thread.
fn show(tree: &str) {
    let target = Path::new(ROOT).join(tree);
    std::fs::create_dir(&target).unwrap();
    let options = if tree == "systemd" { "none,name=systemd".to_owned() } else { tree.to_owned() };
    mount(Some("cgroup"), &target, Some("cgroup"), MsFlags::empty(), Some(options.as_str())).unwrap();
}

fn remove(folder: &Path) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove(&entry.path())?;
    }
    std::fs::remove_dir(folder)
}
