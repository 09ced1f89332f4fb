//! A tar stream unpacked into a folder of a container. It runs within the container's root, so that no name and no link
//! in the archive leads out of that.

use crate::{Error, Result};
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, Timespec, Timestamps, Uid};
use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use tar::{Archive, Entry, EntryType};

/// How to unpack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnpackWish {
    /// A folder is not replaced by something else, nor something else by a folder.
    pub keep_kinds: bool,
    /// Everything is to belong to the container's user instead of whom the archive says.
    pub own: bool,
}

/// Unpacks into `folder`. `owner` is who is to own everything.
pub(super) fn unpack(from: impl Read, folder: &Path, wish: UnpackWish, owner: Option<(u32, u32)>) -> Result<()> {
    let mut archive = Archive::new(from);
    let mut folders = Vec::new();
    let entries = archive.entries().map_err(bad)?;
    for entry in entries {
        let mut entry = entry.map_err(bad)?;
        let name = entry.path().map_err(bad)?.into_owned();
        let name = inside(&name);
        if name.as_os_str().is_empty() && !entry.header().entry_type().is_dir() {
            return Err(bad(io::Error::other("an entry has no name")));
        }
        let path = folder.join(name);
        let failed = |cause| Error::File { act: format!("unpack {}", path.display()), cause };
        make_room(&path, entry.header().entry_type(), wish)?;
        if one(&mut entry, folder, &path, owner).map_err(failed)? && entry.header().entry_type().is_dir() {
            folders.push((path, entry.header().mtime().unwrap_or_default()));
        }
    }
    // A folder's time changes with what is put into it.
    for (path, at) in folders.into_iter().rev() {
        let _ = set_time(&path, at);
    }
    Ok(())
}

fn bad(cause: io::Error) -> Error {
    Error::Invalid(format!("Error processing tar file: {cause}"))
}

/// The name without what leads up or to the root.
fn inside(name: &Path) -> PathBuf {
    let mut path = PathBuf::new();
    for component in name.components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

/// Removes what is in the way: anything but a folder for a folder.
fn make_room(path: &Path, kind: EntryType, wish: UnpackWish) -> Result<()> {
    let Ok(there) = std::fs::symlink_metadata(path) else { return Ok(()) };
    // A link to a folder stands for it, as when one copies by hand.
    let is_folder = |there: &Metadata| there.is_dir() || path.is_dir();
    if kind.is_dir() && is_folder(&there) {
        return Ok(());
    }
    if wish.keep_kinds && there.is_dir() != kind.is_dir() {
        let (new, old) = if kind.is_dir() { ("directory", "non-directory") } else { ("non-directory", "directory") };
        return Err(Error::Invalid(format!("cannot overwrite {old} {:?} with {new}", path.display().to_string())));
    }
    let removed = if there.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    removed.map_err(|cause| Error::File { act: format!("replace {}", path.display()), cause })
}

/// Unpacks one entry; false when it is nothing that stays.
fn one(entry: &mut Entry<'_, impl Read>, folder: &Path, path: &Path, owner: Option<(u32, u32)>) -> io::Result<bool> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let (kind, mode) = (entry.header().entry_type(), entry.header().mode()? & 0o7777);
    match kind {
        EntryType::Directory => {
            if !path.is_dir() {
                std::fs::create_dir(path)?;
            }
        }
        EntryType::Symlink => std::os::unix::fs::symlink(link_name(entry)?, path)?,
        EntryType::Link => {
            // It has owner, permissions and time of the file it is another name of.
            std::fs::hard_link(folder.join(inside(&link_name(entry)?)), path)?;
            return Ok(true);
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            let mut file = std::fs::File::options().write(true).create_new(true).open(path)?;
            io::copy(entry, &mut file)?;
        }
        EntryType::Char | EntryType::Block | EntryType::Fifo => make_node(entry, path, mode)?,
        _ => return Ok(false),
    }
    dress(entry, path, mode, owner)?;
    Ok(true)
}

fn link_name(entry: &Entry<'_, impl Read>) -> io::Result<PathBuf> {
    let name = entry.link_name()?.ok_or_else(|| io::Error::other("a link in the archive leads nowhere"))?;
    Ok(name.into_owned())
}

fn make_node(entry: &Entry<'_, impl Read>, path: &Path, mode: u32) -> io::Result<()> {
    let header = entry.header();
    let kind = match header.entry_type() {
        EntryType::Char => FileType::CharacterDevice,
        EntryType::Block => FileType::BlockDevice,
        _ => FileType::Fifo,
    };
    let number = |number: io::Result<Option<u32>>| number.ok().flatten().unwrap_or_default();
    let device = rustix::fs::makedev(number(header.device_major()), number(header.device_minor()));
    Ok(rustix::fs::mknodat(CWD, path, kind, Mode::from_raw_mode(mode), device)?)
}

/// Owner first: a change of it takes set-user-id and capabilities away.
fn dress(entry: &mut Entry<'_, impl Read>, path: &Path, mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
    let id = |id: io::Result<u64>| id.and_then(|id| u32::try_from(id).map_err(io::Error::other));
    let (uid, gid) = match owner {
        Some(owner) => owner,
        None => (id(entry.header().uid())?, id(entry.header().gid())?),
    };
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    rustix::fs::chownat(CWD, path, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    if entry.header().entry_type() != EntryType::Symlink {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        set_attributes(entry, path)?;
    }
    set_time(path, entry.header().mtime()?)
}

fn set_attributes(entry: &mut Entry<'_, impl Read>, path: &Path) -> io::Result<()> {
    let Some(extensions) = entry.pax_extensions()? else { return Ok(()) };
    for extension in extensions {
        let extension = extension?;
        if let Some(name) = extension.key().ok().and_then(|key| key.strip_prefix("SCHILY.xattr.")) {
            // Not every file system has them.
            let _ = rustix::fs::lsetxattr(path, name, extension.value_bytes(), rustix::fs::XattrFlags::empty());
        }
    }
    Ok(())
}

fn set_time(path: &Path, seconds: u64) -> io::Result<()> {
    let at = Timespec { tv_sec: i64::try_from(seconds).unwrap_or_default(), tv_nsec: 0 };
    let times = Timestamps { last_access: at, last_modification: at };
    Ok(rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
