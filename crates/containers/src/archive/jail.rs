//! A thread whose root is a container's: a link, however made, leads nowhere else.
//!
//! Owns: the thread with its mounts, which nobody else sees and which are gone when it ends. Checking paths instead would
//! lose against a container that changes them at the same moment.

use crate::{Error, Result};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Something of the host that is seen in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Where on the host.
    pub source: PathBuf,
    /// A path in it, if only that is seen. Whoever writes there may have made links: none leads out of the source.
    pub below: Option<PathBuf>,
    /// Where in the container.
    pub target: PathBuf,
    /// Whether it can be written.
    pub writable: bool,
}

/// Runs `act` in the root of a container, with what is mounted into it, outer ones first.
pub(super) fn within<T: Send>(root: &Path, seen: &[Seen], act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let run = || {
        // It must be left before the thread ends: only then the mounts are gone when the caller goes on.
        let outside = File::open("/proc/thread-self/ns/mnt").map_err(failed)?;
        unshare(CloneFlags::CLONE_FS | CloneFlags::CLONE_NEWNS).map_err(|errno| failed(errno.into()))?;
        let outcome = enter(root, seen).map_err(failed).and_then(|()| act());
        setns(&outside, CloneFlags::CLONE_NEWNS).map_err(|errno| failed(errno.into()))?;
        outcome
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("archive".into()).spawn_scoped(scope, run).map_err(failed)?;
        thread.join().unwrap_or(Err(Error::Internal("copying files broke down")))
    })
}

fn failed(cause: io::Error) -> Error {
    Error::File { act: "enter the container's root".into(), cause }
}

fn enter(root: &Path, seen: &[Seen]) -> io::Result<()> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    // Taken hold of while the host can be seen.
    let trees: Vec<(OwnedFd, bool, &Seen)> = seen.iter().filter_map(hold).collect();
    nix::unistd::chroot(root)?;
    nix::unistd::chdir("/")?;
    for (tree, is_folder, seen) in trees {
        make_place(&seen.target, is_folder)?;
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
        move_mount(&tree, "", CWD, &seen.target, flags)?;
        if !seen.writable {
            let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
            mount(None::<&str>, &seen.target, None::<&str>, flags, None::<&str>)?;
        }
    }
    Ok(())
}

/// A source that is gone is left out: the container that was made with it would not start either.
fn hold(seen: &Seen) -> Option<(OwnedFd, bool, &Seen)> {
    let mut source = rustix::fs::open(&seen.source, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    if let Some(below) = &seen.below {
        let how = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        source = openat2(&source, below, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), how).ok()?;
    }
    let is_folder = FileType::from_raw_mode(fstat(&source).ok()?.st_mode) == FileType::Directory;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_EMPTY_PATH;
    let tree = open_tree(&source, "", flags).ok()?;
    Some((tree, is_folder, seen))
}

/// Where a container that never ran has no place for a mount, its start would make one.
fn make_place(target: &Path, is_folder: bool) -> io::Result<()> {
    if target.exists() {
        return Ok(());
    }
    if is_folder {
        return std::fs::create_dir_all(target);
    }
    std::fs::create_dir_all(target.parent().unwrap_or(Path::new("/")))?;
    File::options().append(true).create(true).open(target).map(drop)
}
