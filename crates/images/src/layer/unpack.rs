//! A tar stream into a folder as overlayfs wants a layer to be.

use super::attributes::Attributes;
use super::entries::Entries;
use super::entry::{self, Meaning};
use super::inside::{Inner, Place, Root};
use super::meter::{Room, Taken};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::io::{self, Read};
use std::path::Path;
use tar::EntryType;

/// A layer's archive that cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// It is no archive, is cut short, or its headers contradict each other.
    #[error("read archive")]
    Archive(#[source] io::Error),
    /// A name leads out of the layer.
    #[error("invalid tar: {0:?} is outside of the root directory")]
    Outside(String),
    /// A name that marks a deletion, of nothing.
    #[error("invalid tar: {0:?} is not a valid whiteout")]
    Whiteout(String),
    /// An entry of a sort that no layer has.
    #[error("invalid tar: {name:?} has the unknown type {kind:#04x}")]
    Unknown {
        /// The entry.
        name: String,
        /// Its sort.
        kind: u8,
    },
    /// A file could not be made.
    #[error("unpack {name:?}")]
    Entry {
        /// The entry.
        name: String,
        /// Why not.
        #[source]
        cause: io::Error,
    },
}

impl From<io::Error> for UnpackError {
    fn from(cause: io::Error) -> Self {
        Self::Archive(cause)
    }
}

impl UnpackError {
    pub(super) fn entry(name: &[u8], cause: io::Error) -> Self {
        Self::Entry { name: shown(name), cause }
    }

    pub(crate) fn outside(name: &[u8]) -> Self {
        Self::Outside(shown(name))
    }

    pub(super) fn unknown(name: &[u8], kind: u8) -> Self {
        Self::Unknown { name: shown(name), kind }
    }

    /// Whether the disk, or the limit of a layer, is what was too small.
    pub(crate) fn is_full(&self) -> bool {
        let (Self::Archive(cause) | Self::Entry { cause, .. }) = self else { return false };
        cause.kind() == io::ErrorKind::StorageFull
    }

    /// Whether the archive is to blame, and not the machine.
    pub(crate) fn is_invalid(&self) -> bool {
        match self {
            Self::Archive(_) | Self::Outside(_) | Self::Whiteout(_) | Self::Unknown { .. } => true,
            Self::Entry { cause, .. } => {
                use io::ErrorKind::{
                    AlreadyExists, InvalidData, InvalidFilename, InvalidInput, NotADirectory, NotFound, UnexpectedEof,
                    Unsupported,
                };
                let own = [
                    AlreadyExists,
                    InvalidData,
                    InvalidFilename,
                    InvalidInput,
                    NotADirectory,
                    NotFound,
                    UnexpectedEof,
                    Unsupported,
                ];
                own.contains(&cause.kind()) || Errno::from_io_error(cause) == Some(Errno::LOOP)
            }
        }
    }
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(300)]).into_owned()
}

/// Unpacks the archive into the empty folder `into` and returns how many bytes its files have. Leaves the rest of the
/// stream after the archive's end unread. On failure the folder holds a part; it is the caller's to remove.
pub(crate) fn unpack(archive: impl Read, into: &Path, room: Room) -> Result<u64, UnpackError> {
    let mut unpacking = Unpacking {
        root: Root::open(into).map_err(UnpackError::Archive)?,
        taken: Taken::new(room),
        folders: Vec::new(),
    };
    Entries::over(archive).each(|entry| unpacking.take(entry))?;
    unpacking.finish()
}

struct Unpacking {
    root: Root,
    taken: Taken,
    /// Folders and their attributes: what is made in them later changes their times.
    folders: Vec<(Inner, Attributes)>,
}

impl Unpacking {
    fn take<R: Read>(&mut self, entry: &mut tar::Entry<'_, R>) -> Result<(), UnpackError> {
        if matches!(entry.header().entry_type(), EntryType::XGlobalHeader) {
            return Ok(());
        }
        let name = entry.path_bytes().into_owned();
        self.taken.entry().map_err(|cause| UnpackError::entry(&name, cause))?;
        let inner = Inner::parse(&name).ok_or_else(|| UnpackError::outside(&name))?;
        let attributes = Attributes::of(entry).map_err(|cause| UnpackError::entry(&name, cause))?;
        if inner.split().is_none() {
            return self.take_root(entry, attributes, &name);
        }
        let failed = |cause| UnpackError::entry(&name, cause);
        let place = self.root.place(&inner).map_err(failed)?;
        match Meaning::of(&place.name).ok_or_else(|| UnpackError::Whiteout(shown(&name)))? {
            Meaning::Nothing => {}
            Meaning::Opaque => entry::make_opaque(&place).map_err(failed)?,
            Meaning::Gone(gone) => {
                let gone = Place { name: gone.to_owned(), folder: place.folder };
                entry::white_out(&gone).map_err(failed)?;
            }
            Meaning::File => {
                let made = entry::make(&self.root, &place, entry, &attributes, &mut self.taken)?;
                if made == Some(FileType::Directory) {
                    self.folders.push((inner, attributes));
                }
            }
        }
        Ok(())
    }

    /// The layer's root folder itself.
    fn take_root<R: Read>(
        &mut self,
        entry: &tar::Entry<'_, R>,
        attributes: Attributes,
        name: &[u8],
    ) -> Result<(), UnpackError> {
        if entry.header().entry_type() != EntryType::Directory {
            return Err(UnpackError::outside(name));
        }
        let place = self.root_place().map_err(|cause| UnpackError::entry(name, cause))?;
        attributes.apply(&place, FileType::Directory).map_err(|cause| UnpackError::entry(name, cause))?;
        self.folders.push((Inner::root(), attributes));
        Ok(())
    }

    fn root_place(&self) -> io::Result<Place> {
        Ok(Place { folder: self.root.fd().try_clone()?, name: ".".into() })
    }

    fn finish(self) -> Result<u64, UnpackError> {
        for (inner, attributes) in self.folders.iter().rev() {
            let place = if inner.split().is_some() { self.root.existing(inner) } else { self.root_place() };
            // Replaced or deleted by a later entry: then there is nothing to set.
            let Ok(place) = place else { continue };
            let folder = |stat: rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            if place.stat().map_err(UnpackError::Archive)?.is_some_and(folder) {
                attributes.apply_time(&place).map_err(UnpackError::Archive)?;
            }
        }
        Ok(self.taken.bytes())
    }
}
