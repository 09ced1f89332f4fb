//! What one entry of an archive is, and making it.

use super::attributes::Attributes;
use super::inside::{Inner, OPAQUE, Place, Root};
use super::meter::Taken;
use super::unpack::UnpackError;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, XattrFlags};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use tar::EntryType;

/// Beginning of the names that mark deletions.
const WHITEOUT: &[u8] = b".wh.";
/// Beginning of the names that are marks of another sort.
const META: &[u8] = b".wh..wh.";
/// The name that marks a folder whose earlier content is gone.
const OPAQUE_MARK: &[u8] = b".wh..wh..opq";

/// What a name asks for.
pub(super) enum Meaning<'a> {
    /// The file of that name.
    File,
    /// That the file of this name is gone.
    Gone(&'a OsStr),
    /// That all earlier content of the folder is gone.
    Opaque,
    /// Nothing: bookkeeping of a file system that is not ours.
    Nothing,
}

impl<'a> Meaning<'a> {
    pub(super) fn of(name: &'a OsStr) -> Option<Self> {
        let bytes = name.as_bytes();
        Some(match bytes.strip_prefix(WHITEOUT) {
            None => Self::File,
            Some(_) if bytes == OPAQUE_MARK => Self::Opaque,
            Some(_) if bytes.starts_with(META) => Self::Nothing,
            Some(b"" | b"." | b"..") => return None,
            Some(gone) => Self::Gone(OsStr::from_bytes(gone)),
        })
    }
}

/// Marks the file as deleted.
pub(super) fn white_out(place: &Place) -> io::Result<()> {
    clear(place, false)?;
    rustix::fs::mknodat(&place.folder, &place.name, FileType::CharacterDevice, Mode::empty(), 0)?;
    Ok(())
}

/// Marks the folder that `place` is in.
pub(super) fn make_opaque(place: &Place) -> io::Result<()> {
    let folder = Place { folder: place.folder.try_clone()?, name: ".".into() };
    rustix::fs::setxattr(folder.path(), OPAQUE, b"y", XattrFlags::empty())?;
    Ok(())
}

/// Makes the file of an entry, with all its attributes. Returns its sort.
pub(super) fn make<R: Read>(
    root: &Root,
    place: &Place,
    entry: &mut tar::Entry<'_, R>,
    attributes: &Attributes,
    taken: &mut Taken,
) -> Result<Option<FileType>, UnpackError> {
    let entry_type = entry.header().entry_type();
    let name = entry.path_bytes().into_owned();
    let failed = |cause| UnpackError::entry(&name, cause);
    clear(place, entry_type == EntryType::Directory).map_err(failed)?;
    let kind = match entry_type {
        EntryType::Directory => make_folder(place).map_err(failed)?,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            write_file(place, entry, taken).map_err(failed)?
        }
        EntryType::Symlink => {
            let target = entry.link_name_bytes().ok_or_else(|| failed(no_target()))?;
            rustix::fs::symlinkat(target.as_ref(), &place.folder, &place.name).map_err(|errno| failed(errno.into()))?;
            FileType::Symlink
        }
        EntryType::Link => {
            let target = entry.link_name_bytes().ok_or_else(|| failed(no_target()))?;
            let target = Inner::parse(&target).ok_or_else(|| UnpackError::outside(&target))?;
            let target = root.existing(&target).map_err(failed)?;
            rustix::fs::linkat(&target.folder, &target.name, &place.folder, &place.name, AtFlags::empty())
                .map_err(|errno| failed(errno.into()))?;
            // The attributes are those of the file that it links to.
            return Ok(None);
        }
        EntryType::Char => make_node(place, entry, FileType::CharacterDevice).map_err(failed)?,
        EntryType::Block => make_node(place, entry, FileType::BlockDevice).map_err(failed)?,
        EntryType::Fifo => make_node(place, entry, FileType::Fifo).map_err(failed)?,
        other => return Err(UnpackError::unknown(&name, other.as_byte())),
    };
    attributes.apply(place, kind).map_err(failed)?;
    Ok(Some(kind))
}

/// Takes away what stands in the way; a folder may stay for a folder.
fn clear(place: &Place, folder: bool) -> io::Result<()> {
    let Some(stat) = place.stat()? else { return Ok(()) };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        rustix::fs::unlinkat(&place.folder, &place.name, AtFlags::empty())?;
    } else if !folder {
        std::fs::remove_dir_all(place.path())?;
    }
    Ok(())
}

fn make_folder(place: &Place) -> io::Result<FileType> {
    match rustix::fs::mkdirat(&place.folder, &place.name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(FileType::Directory),
        Err(errno) => Err(errno.into()),
    }
}

fn write_file<R: Read>(place: &Place, entry: &mut tar::Entry<'_, R>, taken: &mut Taken) -> io::Result<FileType> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&place.folder, &place.name, flags, Mode::from_raw_mode(0o600))?;
    let mut file = File::from(file);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match entry.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        taken.write(&file, count as u64)?;
        file.write_all(&buffer[..count])?;
    }
    Ok(FileType::RegularFile)
}

fn make_node<R: Read>(place: &Place, entry: &tar::Entry<'_, R>, kind: FileType) -> io::Result<FileType> {
    let number = |part: io::Result<Option<u32>>| Ok::<_, io::Error>(part?.unwrap_or(0));
    let header = entry.header();
    let device = match kind {
        FileType::Fifo => 0,
        _ => rustix::fs::makedev(number(header.device_major())?, number(header.device_minor())?),
    };
    rustix::fs::mknodat(&place.folder, &place.name, kind, Mode::from_raw_mode(0o600), device)?;
    Ok(kind)
}

fn no_target() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a link without a target")
}
