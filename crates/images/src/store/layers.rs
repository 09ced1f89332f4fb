//! Unpacked layers, each a folder under the digest of its archive.
//!
//! A layer does not depend on those below it: marks of deletion are overlayfs's own. So one that two images share is
//! there once, wherever it stands in them.

use super::blobs::{Blobs, Spooled};
use super::folder::{Folder, Scratch, sync_folder};
use super::holds::Hold;
use crate::digest::Hashing;
use crate::layer::{Compression, Decoder, Room, unpack};
use crate::{Digest, Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The unpacked files.
const FILES: &str = "diff";
/// What is known of them.
const RECORD: &str = "layer.json";

/// What is known of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerRecord {
    /// Digest of the archive, not compressed: Docker's diff id.
    pub(crate) diff: Digest,
    /// Bytes of that archive.
    pub(crate) archive_size: u64,
    /// Digest of the archive as it was delivered, which is a blob.
    pub(crate) blob: Digest,
    /// How that is compressed.
    pub(crate) compression: Compression,
    /// Bytes of the files.
    pub(crate) size: u64,
}

/// The layers.
#[derive(Debug)]
pub(crate) struct Layers {
    path: PathBuf,
}

impl Layers {
    pub(crate) fn open(folder: &Folder) -> Result<Self> {
        Ok(Self { path: folder.part("layers")? })
    }

    /// What is known of a layer; `None` if it is not there.
    pub(crate) fn get(&self, diff: Digest) -> Result<Option<LayerRecord>> {
        let path = self.path.join(diff.hex()).join(RECORD);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| Error::Damaged { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file("read", path)(error)),
        }
    }

    /// Unpacks an archive and keeps both. If the layer is there already, only that is found out. With `expected` any
    /// other content is refused. Two at once may do the same: the first to be ready counts.
    pub(crate) fn add(
        &self,
        folder: &Folder,
        blobs: &Blobs,
        archive: Spooled,
        expected: Option<Digest>,
        hold: &mut Hold,
    ) -> Result<LayerRecord> {
        if let Some(diff) = expected {
            hold.add(diff);
            if let Some(record) = self.get(diff)? {
                return Ok(record);
            }
        }
        let scratch = folder.scratch_path();
        let files = scratch.path().join(FILES);
        make(&files).map_err(Error::file("make", &files))?;
        let unpacked = unpack_all(archive.open()?, &files)?;
        if expected.is_some_and(|diff| diff != unpacked.diff) {
            return Err(Error::WrongLayer { expected: expected.unwrap_or(unpacked.diff), found: unpacked.diff });
        }
        hold.add(unpacked.diff);
        if let Some(record) = self.get(unpacked.diff)? {
            return Ok(record);
        }
        hold.add(archive.digest);
        let blob = blobs.keep(archive)?;
        let record = LayerRecord {
            diff: unpacked.diff,
            archive_size: unpacked.archive_size,
            blob,
            compression: unpacked.compression,
            size: unpacked.size,
        };
        self.settle(scratch.path(), &record)
    }

    /// Makes the layer durable, then visible.
    fn settle(&self, from: &Path, record: &LayerRecord) -> Result<LayerRecord> {
        let path = self.path.join(record.diff.hex());
        let settle = || {
            fs::write(from.join(RECORD), serde_json::to_vec(record)?)?;
            // One call for thousands of files.
            rustix::fs::syncfs(File::open(from)?)?;
            match fs::rename(from, &path) {
                // Another was faster; what it made is the same.
                Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty) => {}
                other => other?,
            }
            sync_folder(&self.path)
        };
        settle().map_err(Error::file("write", &path))?;
        Ok(self.get(record.diff)?.unwrap_or(*record))
    }

    /// Takes all but those that are wanted out of sight. They are gone when the answer is dropped.
    pub(crate) fn sweep(&self, folder: &Folder, wanted: impl Fn(Digest) -> bool) -> Result<Vec<Scratch>> {
        let mut swept = Vec::new();
        for found in fs::read_dir(&self.path).map_err(Error::file("read", &self.path))?.flatten() {
            let diff = found.file_name().to_str().and_then(Digest::from_hex);
            if !diff.is_some_and(&wanted) {
                let scratch = folder.scratch_path();
                fs::rename(found.path(), scratch.path()).map_err(Error::file("remove", found.path()))?;
                swept.push(scratch);
            }
        }
        Ok(swept)
    }
}

/// The root of a layer: open to all unless its archive says otherwise, whatever the process's mask is.
fn make(files: &Path) -> io::Result<()> {
    fs::create_dir_all(files)?;
    fs::set_permissions(files, fs::Permissions::from_mode(0o755))
}

struct Unpacked {
    diff: Digest,
    archive_size: u64,
    compression: Compression,
    size: u64,
}

fn unpack_all(archive: File, into: &Path) -> Result<Unpacked> {
    let receive = |cause| Error::Unpack(crate::layer::UnpackError::Archive(cause));
    let decoder = Decoder::new(archive).map_err(receive)?;
    let compression = decoder.compression();
    let mut reader = Hashing::new(decoder);
    let size = unpack(&mut reader, into, Room::default())?;
    // What stands behind the archive's end belongs to the digest.
    let padding = io::copy(&mut io::Read::take(&mut reader, PADDING + 1), &mut io::sink()).map_err(receive)?;
    if padding > PADDING {
        return Err(receive(io::Error::new(io::ErrorKind::InvalidData, "too much behind the end of the archive")));
    }
    let (_, diff, archive_size) = reader.finish();
    Ok(Unpacked { diff, archive_size, compression, size })
}

/// How much may stand behind an archive's end: writers fill up to their block size.
const PADDING: u64 = 64 << 20;
