//! Open namespace files, and what they are.

use crate::errno::failed;
use pontoon_kernel::{Error, Kind, NetnsId, Result};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// `NS_GET_NSTYPE` of linux/nsfs.h (since 4.11): which kind of namespace a file is.
const NS_GET_NSTYPE: libc::Ioctl = 0xb703;

/// An open file that is certainly a network namespace.
#[derive(Debug)]
pub(crate) struct NamespaceFile(File);

impl NamespaceFile {
    /// Opens the namespace at `path`. Nothing else is ever opened for reading: a device or a pipe is left alone.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let act = || format!("open network namespace {}", path.display());
        let place = File::options()
            .read(true)
            .custom_flags(libc::O_PATH | libc::O_CLOEXEC)
            .open(path)
            .map_err(|error| failed(act(), &error))?;
        if !is_nsfs(&place).map_err(|error| failed(act(), &error))? {
            return Err(Error::new(Kind::NotFound, act(), "no namespace is mounted there"));
        }
        let file =
            File::open(format!("/proc/thread-self/fd/{}", place.as_raw_fd())).map_err(|error| failed(act(), &error))?;
        if !is_net(&file).map_err(|error| failed(act(), &error))? {
            return Err(Error::new(Kind::Invalid, act(), "a namespace, but not a network namespace"));
        }
        Ok(Self(file))
    }

    /// Its device and inode.
    pub(crate) fn id(&self) -> io::Result<NetnsId> {
        identity(&self.0)
    }
}

impl AsFd for NamespaceFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Device and inode of an open file.
pub(super) fn identity(file: impl AsFd) -> io::Result<NetnsId> {
    let stat = nix::sys::stat::fstat(file)?;
    Ok(NetnsId { dev: stat.st_dev, ino: stat.st_ino })
}

/// Which namespace is at `path`; `None` when there is nothing, or no namespace.
pub(crate) fn id_at(path: &Path) -> io::Result<Option<NetnsId>> {
    let gone = |errno| matches!(errno, libc::ENOENT | libc::ENOTDIR | libc::ESRCH);
    let place = match File::options().read(true).custom_flags(libc::O_PATH | libc::O_CLOEXEC).open(path) {
        Ok(place) => place,
        Err(error) if error.raw_os_error().is_some_and(gone) => return Ok(None),
        Err(error) => return Err(error),
    };
    if !is_nsfs(&place)? {
        return Ok(None);
    }
    let metadata = place.metadata()?;
    Ok(Some(NetnsId { dev: metadata.dev(), ino: metadata.ino() }))
}

fn is_nsfs(file: &File) -> io::Result<bool> {
    Ok(nix::sys::statfs::fstatfs(file)?.filesystem_type() == nix::sys::statfs::NSFS_MAGIC)
}

#[allow(unsafe_code)]
fn is_net(file: &File) -> io::Result<bool> {
    // SAFETY: the descriptor is open for the whole call, and this request takes no argument and writes no memory.
    let kind = unsafe { libc::ioctl(file.as_raw_fd(), NS_GET_NSTYPE) };
    if kind < 0 { Err(io::Error::last_os_error()) } else { Ok(kind == libc::CLONE_NEWNET) }
}
