//! An empty volume gets what the image has at its place, as with Docker.
//!
//! Owns: the copy. Neither side is trusted: links in the image are followed inside its root only.

use crate::{Error, Result};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags};
use std::ffi::{CStr, CString};
use std::path::Path;

/// Copies the folder `place` below `root` into the folder `volume`, unless that has something already. No folder there
/// is nothing to copy.
pub(crate) fn populate(root: &Path, place: &str, volume: &Path) -> Result<()> {
    let act = || format!("fill the volume at {} from the image", place);
    let failed = |errno: rustix::io::Errno| Error::file(act())(errno.into());
    if std::fs::read_dir(volume).map_err(Error::file(act()))?.next().is_some() {
        return Ok(());
    }
    let root = open(CWD, root, ResolveFlags::empty()).map_err(failed)?;
    let below = place.trim_start_matches('/');
    let from = match open(root.as_fd(), Path::new(below), ResolveFlags::IN_ROOT) {
        Ok(from) => from,
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(()),
        Err(errno) => return Err(failed(errno)),
    };
    let to = open(CWD, volume, ResolveFlags::empty()).map_err(failed)?;
    copy_folder(&from, &to, 0).map_err(failed)?;
    dress(&from, &to).map_err(failed)
}

type Done<T> = std::result::Result<T, rustix::io::Errno>;

/// Deeper trees are not images' folders.
const DEEPEST: usize = 200;

fn open(at: impl AsFd, path: &Path, resolve: ResolveFlags) -> Done<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat2(at, path, flags, Mode::empty(), resolve)
}

fn copy_folder(from: &OwnedFd, to: &OwnedFd, depth: usize) -> Done<()> {
    if depth > DEEPEST {
        return Err(rustix::io::Errno::LOOP);
    }
    for entry in Dir::read_from(from)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            copy_entry(from, to, entry.file_name(), depth)?;
        }
    }
    Ok(())
}

fn copy_entry(from: &OwnedFd, to: &OwnedFd, name: &CStr, depth: usize) -> Done<()> {
    let stat = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let mode = Mode::from_raw_mode(stat.st_mode & 0o7777);
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {
            rustix::fs::mkdirat(to, name, Mode::RWXU)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let (source, target) = (
                rustix::fs::openat(from, name, flags, Mode::empty())?,
                rustix::fs::openat(to, name, flags, Mode::empty())?,
            );
            copy_folder(&source, &target, depth + 1)?;
            return dress(&source, &target);
        }
        FileType::RegularFile => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let source = rustix::fs::openat(from, name, flags, Mode::empty())?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let target = rustix::fs::openat(to, name, flags, Mode::RUSR | Mode::WUSR)?;
            let (mut source, mut target) = (std::fs::File::from(source), std::fs::File::from(target));
            std::io::copy(&mut source, &mut target)
                .map_err(|error| rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO))?;
            return dress(&source.into(), &target.into());
        }
        FileType::Symlink => {
            let link: CString = rustix::fs::readlinkat(from, name, Vec::new())?;
            rustix::fs::symlinkat(link.as_c_str(), to, name)?;
        }
        kind => rustix::fs::mknodat(to, name, kind, mode, stat.st_rdev)?,
    }
    let owner = Some(rustix::fs::Uid::from_raw(stat.st_uid));
    let group = Some(rustix::fs::Gid::from_raw(stat.st_gid));
    rustix::fs::chownat(to, name, owner, group, AtFlags::SYMLINK_NOFOLLOW)?;
    rustix::fs::utimensat(to, name, &times(&stat), AtFlags::SYMLINK_NOFOLLOW)
}

/// Owner, attributes, permissions and times of an open file or folder; in this order, as a change of owner takes
/// permissions away and everything changes times.
fn dress(from: &OwnedFd, to: &OwnedFd) -> Done<()> {
    let stat = rustix::fs::fstat(from)?;
    let owner = Some(rustix::fs::Uid::from_raw(stat.st_uid));
    let group = Some(rustix::fs::Gid::from_raw(stat.st_gid));
    rustix::fs::fchown(to, owner, group)?;
    copy_attributes(from, to)?;
    rustix::fs::fchmod(to, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
    rustix::fs::futimens(to, &times(&stat))
}

fn copy_attributes(from: &OwnedFd, to: &OwnedFd) -> Done<()> {
    let mut names = vec![0u8; 64 << 10];
    let length = match rustix::fs::flistxattr(from, &mut names[..]) {
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(()),
        Err(errno) => return Err(errno),
    };
    let mut value = vec![0u8; 64 << 10];
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let Ok(name) = CString::new(name) else { continue };
        // Labels and overlayfs's own marks belong to the file they are on.
        let kept = [&b"user."[..], b"security.capability", b"system.posix_acl"];
        if kept.iter().any(|prefix| name.as_bytes().starts_with(prefix)) {
            let length = rustix::fs::fgetxattr(from, name.as_c_str(), &mut value[..])?;
            match rustix::fs::fsetxattr(to, name.as_c_str(), &value[..length], rustix::fs::XattrFlags::empty()) {
                Err(rustix::io::Errno::OPNOTSUPP) | Ok(()) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
    Ok(())
}

fn times(stat: &rustix::fs::Stat) -> rustix::fs::Timestamps {
    // Their types differ from machine to machine.
    let time = |tv_sec, nanoseconds: i64| rustix::fs::Timespec { tv_sec, tv_nsec: nanoseconds };
    rustix::fs::Timestamps {
        last_access: time(stat.st_atime, i64::try_from(stat.st_atime_nsec).unwrap_or_default()),
        last_modification: time(stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn an_empty_volume_is_filled_and_another_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (root, volume) = (folder.path().join("root"), folder.path().join("volume"));
        fs::create_dir_all(root.join("data/deep")).unwrap();
        fs::create_dir(&volume).unwrap();
        fs::write(root.join("data/deep/file"), "text").unwrap();
        fs::set_permissions(root.join("data/deep/file"), fs::Permissions::from_mode(0o4755)).unwrap();
        fs::set_permissions(root.join("data"), fs::Permissions::from_mode(0o1777)).unwrap();
        symlink("/etc/passwd", root.join("data/link")).unwrap();
        populate(&root, "/data", &volume).unwrap();
        assert_eq!(fs::read_to_string(volume.join("deep/file")).unwrap(), "text");
        assert_eq!(fs::metadata(volume.join("deep/file")).unwrap().permissions().mode() & 0o7777, 0o4755);
        assert_eq!(fs::metadata(&volume).unwrap().permissions().mode() & 0o7777, 0o1777);
        assert_eq!(fs::read_link(volume.join("link")).unwrap(), Path::new("/etc/passwd"));
        fs::write(root.join("data/new"), "").unwrap();
        populate(&root, "/data", &volume).unwrap();
        assert!(!volume.join("new").exists());
    }

    #[test]
    fn links_of_the_image_do_not_lead_out_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let (root, volume) = (folder.path().join("root"), folder.path().join("volume"));
        fs::create_dir_all(folder.path().join("outside")).unwrap();
        fs::write(folder.path().join("outside/secret"), "").unwrap();
        fs::create_dir(&root).unwrap();
        fs::create_dir(&volume).unwrap();
        symlink("../outside", root.join("data")).unwrap();
        populate(&root, "/data", &volume).unwrap();
        assert_eq!(fs::read_dir(&volume).unwrap().count(), 0);
    }
}
