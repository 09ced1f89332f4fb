//! Namespaces kept alive by a bind mount, as `ip netns` does it.
//!
//! The mount propagates as its parent does, and mount namespaces made later copy it. Neither pins a namespace:
//! unlinking the file detaches every copy in every mount namespace (kernel 3.18, `detach_mounts`). So
//! [`release`] always unlinks after it unmounted, and nothing about the parent's propagation needs to change.

use super::enter::{Home, OWN, within};
use super::file::{NamespaceFile, id_at};
use crate::errno::{failed, refused};
use crate::{link, netlink};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use pontoon_kernel::{LinkIndex, Result};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Loopback is the first link of every namespace.
const LOOPBACK: LinkIndex = LinkIndex(1);

/// Makes a namespace with loopback up and mounts it at `path`.
pub(crate) fn create(path: &Path) -> Result<()> {
    let act = || format!("create network namespace {}", path.display());
    let mut file = MountPoint::create(path).map_err(|error| failed(act(), &error))?;
    let mut home = Home::here().map_err(|error| failed(act(), &error))?;
    home.leave_for_new().map_err(|error| failed(act(), &error))?;
    raise_loopback().map_err(|refusal| refusal.into_error(act()))?;
    file.mount(Path::new(OWN)).map_err(|error| failed(act(), &error))?;
    file.keep();
    Ok(())
}

/// Mounts an open namespace at `path`, with loopback up.
pub(crate) fn adopt(namespace: &NamespaceFile, path: &Path) -> Result<()> {
    let act = || format!("keep network namespace at {}", path.display());
    let mut file = MountPoint::create(path).map_err(|error| failed(act(), &error))?;
    let source = format!("/proc/thread-self/fd/{}", namespace.as_fd().as_raw_fd());
    file.mount(Path::new(&source)).map_err(|error| failed(act(), &error))?;
    // A namespace fresh from `unshare` has it down, and the resolver's address with it.
    within(namespace.as_fd(), raise_loopback)
        .map_err(|error| failed(act(), &error))?
        .map_err(|refusal| refusal.into_error(act()))?;
    file.keep();
    Ok(())
}

/// Unmounts and removes. What is missing is no error, nor is a file on which nothing is mounted.
pub(crate) fn release(path: &Path) -> Result<()> {
    let act = || format!("release network namespace {}", path.display());
    // Mounted twice by a mistake, the file would stay busy: unmount until nothing is there.
    while id_at(path).map_err(|error| failed(act(), &error))?.is_some() {
        umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW)
            .map_err(|errno| refused(act(), errno as i32))?;
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(act(), &error)),
        _ => Ok(()),
    }
}

fn raise_loopback() -> std::result::Result<(), netlink::Refusal> {
    netlink::Socket::open(libc::NETLINK_ROUTE)?.acknowledged(&link::set_up(LOOPBACK, true))
}

/// A new, empty file for a mount; removed again unless kept.
struct MountPoint<'a> {
    path: &'a Path,
    kept: bool,
}

impl<'a> MountPoint<'a> {
    fn create(path: &'a Path) -> io::Result<Self> {
        File::options().write(true).create_new(true).mode(0o444).open(path)?;
        Ok(Self { path, kept: false })
    }

    fn mount(&mut self, source: &Path) -> io::Result<()> {
        mount(Some(source), self.path, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
        Ok(())
    }

    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for MountPoint<'_> {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = std::fs::remove_file(self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove an unused mount point");
        }
    }
}
