//! The layer between an image and its containers: what every container needs to be there, and nobody wrote.
//!
//! Mount points for `/proc`, `/sys`, `/dev` and the files of `/etc` that the daemon provides. Made once for each image;
//! below what a container writes, so that none of it counts as a change.

use super::changes::is_opaque;
use super::mount::{Overlay, unmount};
use crate::layer::{Inner, OPAQUE, Place, Root, make_folder};
use crate::store::Folder;
use crate::{Digest, Error, ImageId, Result};
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// Raised when what is made here changes: foundations made before are then left to the containers that have them.
const EDITION: u32 = 1;
/// Folders.
const FOLDERS: &[&str] = &["proc", "sys", "dev/pts", "dev/shm", "etc"];
/// Empty files, in the place of whatever file or link the image has.
const FILES: &[&str] = &["etc/hosts", "etc/hostname", "etc/resolv.conf", "dev/console", ".dockerenv"];
/// A link that old programs look for.
const MTAB: (&str, &str) = ("etc/mtab", "/proc/mounts");

/// What a foundation is made for.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    pub(super) image: ImageId,
    /// Folders of the layers, the uppermost first.
    pub(super) lowers: Vec<PathBuf>,
    /// Folders that are to look empty.
    pub(super) hidden: Vec<PathBuf>,
}

impl Ground {
    /// The name of its foundation.
    pub(super) fn key(&self) -> Digest {
        Digest::of(format!("{EDITION} {} {:?}", self.image, self.hidden).as_bytes())
    }
}

/// The foundation's folder under `all`; made if missing. Two at once may make it; the first to be ready counts.
pub(super) fn lay(folder: &Folder, all: &Path, ground: &Ground) -> Result<PathBuf> {
    let path = all.join(ground.key().hex());
    if !path.exists() {
        let scratch = folder.scratch_path();
        build(scratch.path(), ground).map_err(Error::file("make", &path))?;
        match fs::rename(scratch.path().join("upper"), &path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            other => other.map_err(Error::file("make", &path))?,
        }
    }
    Ok(path)
}

fn build(scratch: &Path, ground: &Ground) -> io::Result<()> {
    let [upper, work, merged] = ["upper", "work", "merged"].map(|part| scratch.join(part));
    DirBuilder::new().mode(0o700).create(scratch)?;
    for part in [&upper, &work, &merged] {
        DirBuilder::new().create(part)?;
    }
    match ground.lowers.first() {
        Some(top) => imitate(top, &upper)?,
        None => fs::set_permissions(&upper, fs::Permissions::from_mode(0o755))?,
    }
    for hidden in &ground.hidden {
        hide(hidden, &upper)?;
    }
    // An image may have no layer at all; overlayfs wants one.
    let empty = scratch.join("empty");
    let mut lowers = ground.lowers.clone();
    if lowers.is_empty() {
        DirBuilder::new().create(&empty)?;
        lowers.push(empty);
    }
    Overlay { lowers, upper, work }.mount(&merged)?;
    let made = furnish(&merged);
    let gone = unmount(&merged);
    made.and(gone)
}

/// Makes what every container needs.
fn furnish(merged: &Path) -> io::Result<()> {
    let root = Root::open(merged)?;
    let place = |path: &str| {
        let inner = Inner::parse(path.as_bytes()).ok_or(io::ErrorKind::InvalidInput)?;
        root.place(&inner)
    };
    for folder in FOLDERS {
        let place = place(folder)?;
        if place.stat()?.is_none() {
            make_folder(&place.folder, &place.name)?;
        }
    }
    for file in FILES {
        let place = place(file)?;
        if clear(&place)? {
            let mode = Mode::from_raw_mode(0o644);
            rustix::fs::mknodat(&place.folder, &place.name, FileType::RegularFile, mode, 0)?;
            rustix::fs::chmodat(&place.folder, &place.name, mode, AtFlags::empty())?;
        }
    }
    let place = place(MTAB.0)?;
    if clear(&place)? {
        rustix::fs::symlinkat(MTAB.1, &place.folder, &place.name)?;
    }
    Ok(())
}

/// Takes away a file or a link; false if a folder stands there, which stays.
fn clear(place: &Place) -> io::Result<bool> {
    match place.stat()? {
        None => Ok(true),
        Some(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => Ok(false),
        Some(_) => {
            rustix::fs::unlinkat(&place.folder, &place.name, AtFlags::empty())?;
            Ok(true)
        }
    }
}

/// Shows an empty folder in the place of `hidden`. It is made in the upper folder directly: through the mount it would
/// have to be emptied first.
fn hide(hidden: &Path, upper: &Path) -> io::Result<()> {
    let mut there = PathBuf::from("/");
    let mut here = upper.to_owned();
    for part in hidden.strip_prefix("/").unwrap_or(hidden) {
        there.push(part);
        here.push(part);
        if !here.exists() {
            DirBuilder::new().mode(0o700).create(&here)?;
            imitate(&there, &here)?;
        }
    }
    rustix::fs::setxattr(&here, OPAQUE, b"y", XattrFlags::empty())?;
    Ok(())
}

/// Copies a foundation into an upper folder. Overlayfs refuses a layer that is inside another, which one under the
/// machine's own root would be.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for found in fs::read_dir(from)? {
        let found = found?;
        let (path, copy, about) = (found.path(), to.join(found.file_name()), found.metadata()?);
        if about.is_dir() {
            DirBuilder::new().mode(0o700).create(&copy)?;
            self::copy(&path, &copy)?;
            if is_opaque(&path)? {
                rustix::fs::setxattr(&copy, OPAQUE, b"y", XattrFlags::empty())?;
            }
            imitate(&path, &copy)?;
        } else if about.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path)?, &copy)?;
        } else {
            // Empty, all of them.
            fs::OpenOptions::new().write(true).create_new(true).open(&copy)?;
            imitate(&path, &copy)?;
        }
        imitate_time(&about, &copy)?;
    }
    Ok(())
}

/// Gives a file the times of another, by which it is known not to be a change.
fn imitate_time(model: &fs::Metadata, file: &Path) -> io::Result<()> {
    let time = Timespec { tv_sec: model.mtime(), tv_nsec: model.mtime_nsec() };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, file, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}

/// Gives a file or folder owner and mode of another.
pub(super) fn imitate(model: &Path, folder: &Path) -> io::Result<()> {
    let model = fs::metadata(model)?;
    chown(folder, Some(model.uid()), Some(model.gid()))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(model.mode() & 0o7777))
}
