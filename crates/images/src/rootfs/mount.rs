//! The overlay mount itself.
//!
//! One `mount` call whatever the number of layers: where the paths would not fit into a page, or have characters that
//! separate options, they are named by descriptors.

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The kernel takes one page of options, with a zero at its end.
const PAGE: usize = 4095;
/// The changes of a container must be where `changes` looks for them: no files that are only half copied, no folders
/// that lead elsewhere.
const PLAIN: &str = "index=off,metacopy=off,redirect_dir=off";

/// An overlay.
#[derive(Debug)]
pub(super) struct Overlay {
    /// The layers, the uppermost first.
    pub(super) lowers: Vec<PathBuf>,
    /// Where is written.
    pub(super) upper: PathBuf,
    /// Where the kernel prepares what it writes.
    pub(super) work: PathBuf,
}

impl Overlay {
    /// Mounts it at `at`.
    pub(super) fn mount(&self, at: &Path) -> io::Result<()> {
        let direct: Vec<&Path> = self.all().collect();
        let simple = direct.iter().all(|path| !path.as_os_str().as_bytes().iter().any(|c| b":,\\".contains(c)));
        let options = options(&direct);
        if simple && options.len() <= PAGE {
            return mount(&options, at);
        }
        let open = |path: &Path| rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let held: Vec<OwnedFd> = self.all().map(open).collect::<Result<_, _>>()?;
        let named: Vec<PathBuf> = held.iter().map(|fd| format!("/proc/self/fd/{}", fd.as_raw_fd()).into()).collect();
        mount(&options_of(&named), at)
    }

    fn all(&self) -> impl Iterator<Item = &Path> {
        let writing = [self.upper.as_path(), self.work.as_path()];
        writing.into_iter().chain(self.lowers.iter().map(PathBuf::as_path))
    }
}

fn options_of(paths: &[PathBuf]) -> Vec<u8> {
    options(&paths.iter().map(PathBuf::as_path).collect::<Vec<_>>())
}

/// Upper, work and lower folders as options.
fn options(paths: &[&Path]) -> Vec<u8> {
    let bytes: Vec<&[u8]> = paths.iter().map(|path| path.as_os_str().as_bytes()).collect();
    let [upper, work, lowers @ ..] = bytes.as_slice() else { return Vec::new() };
    [PLAIN.as_bytes(), b",upperdir=", upper, b",workdir=", work, b",lowerdir=", &lowers.join(&b':')].concat()
}

fn mount(options: &[u8], at: &Path) -> io::Result<()> {
    let options = CString::new(options)?;
    rustix::mount::mount("overlay", at, "overlay", MountFlags::empty(), options.as_c_str())?;
    Ok(())
}

/// Whether something is mounted at this very place. What does not exist is not mounted.
pub(super) fn is_mounted(at: &Path) -> io::Result<bool> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    match rustix::fs::statx(CWD, at, flags, StatxFlags::TYPE) {
        Ok(found) => Ok(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Unmounts whatever is mounted there. Who still uses it keeps it until done.
pub(super) fn unmount(at: &Path) -> io::Result<()> {
    while is_mounted(at)? {
        rustix::mount::unmount(at, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_name_upper_work_and_layers_in_their_order() {
        let text = options(&["/u", "/w", "/l2", "/l1"].map(Path::new));
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "index=off,metacopy=off,redirect_dir=off,upperdir=/u,workdir=/w,lowerdir=/l2:/l1"
        );
    }

    #[test]
    fn what_is_no_mount_point_is_not_mounted() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_mounted(folder.path()).unwrap());
        assert!(!is_mounted(&folder.path().join("none")).unwrap());
        assert!(is_mounted(Path::new("/proc")).unwrap());
        unmount(folder.path()).unwrap();
    }
}
