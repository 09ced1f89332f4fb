//! Bytes under their digest: configurations, manifests, and layers' archives as they were delivered.

use super::folder::{Folder, Scratch, sync_folder};
use crate::digest::Hashing;
use crate::layer::{Room, Taken};
use crate::{Digest, Error, Result};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The blobs.
#[derive(Debug)]
pub(crate) struct Blobs {
    path: PathBuf,
}

/// Bytes in the making whose digest is known.
#[derive(Debug)]
pub(crate) struct Spooled {
    scratch: Scratch,
    pub(crate) digest: Digest,
    pub(crate) length: u64,
}

impl Spooled {
    /// Writes down a stream to its end, as long as there is room.
    pub(crate) fn read(folder: &Folder, mut from: impl Read) -> Result<Self> {
        let scratch = folder.scratch_path();
        let file = File::create_new(scratch.path()).map_err(Error::file("make", scratch.path()))?;
        let failed = || Error::file("write", scratch.path());
        let mut taken = Taken::new(Room::default());
        let mut writer = Hashing::new(&file);
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(Error::Receive { cause }),
            };
            taken.write(&file, count as u64).map_err(failed())?;
            writer.write_all(&buffer[..count]).map_err(failed())?;
        }
        let (_, digest, length) = writer.finish();
        Ok(Self { scratch, digest, length })
    }

    pub(crate) fn open(&self) -> Result<File> {
        File::open(self.scratch.path()).map_err(Error::file("open", self.scratch.path()))
    }
}

impl Blobs {
    pub(crate) fn open(folder: &Folder) -> Result<Self> {
        Ok(Self { path: folder.part("blobs/sha256")? })
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.path.join(digest.hex())
    }

    /// Whether it is there.
    pub(crate) fn has(&self, digest: Digest) -> bool {
        self.path(digest).exists()
    }

    /// Opens one.
    pub(crate) fn get(&self, digest: Digest) -> Result<File> {
        let path = self.path(digest);
        File::open(&path).map_err(Error::file("open", path))
    }

    /// All of a small one, checked against its digest.
    pub(crate) fn read(&self, digest: Digest) -> Result<Vec<u8>> {
        let path = self.path(digest);
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        if Digest::of(&bytes) == digest { Ok(bytes) } else { Err(Error::Damaged { path }) }
    }

    /// Keeps spooled bytes. When this returns they survive power loss.
    pub(crate) fn keep(&self, spooled: Spooled) -> Result<Digest> {
        let path = self.path(spooled.digest);
        self.settle(spooled.scratch.path(), &path).map_err(Error::file("write", &path))?;
        Ok(spooled.digest)
    }

    /// Keeps a few bytes.
    pub(crate) fn put(&self, folder: &Folder, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        if !self.has(digest) {
            self.keep(Spooled::read(folder, bytes)?)?;
        }
        Ok(digest)
    }

    fn settle(&self, from: &Path, to: &Path) -> io::Result<()> {
        File::open(from)?.sync_all()?;
        fs::rename(from, to)?;
        sync_folder(&self.path)
    }

    /// Removes all but those that are wanted.
    pub(crate) fn sweep(&self, wanted: impl Fn(Digest) -> bool) -> Result<()> {
        for file in fs::read_dir(&self.path).map_err(Error::file("read", &self.path))?.flatten() {
            let digest = file.file_name().to_str().and_then(Digest::from_hex);
            if !digest.is_some_and(&wanted) {
                fs::remove_file(file.path()).map_err(Error::file("remove", file.path()))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_by_their_digest_and_checked() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let blobs = Blobs::open(&folder).unwrap();
        let digest = blobs.put(&folder, b"abc").unwrap();
        assert_eq!(digest, Digest::of(b"abc"));
        assert_eq!(blobs.read(digest).unwrap(), b"abc");
        fs::write(blobs.path(digest), "abd").unwrap();
        assert!(matches!(blobs.read(digest), Err(Error::Damaged { .. })));
        assert!(blobs.read(Digest::of(b"x")).is_err());
    }

    #[test]
    fn what_nobody_wants_is_swept_away() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let blobs = Blobs::open(&folder).unwrap();
        let (kept, swept) = (blobs.put(&folder, b"a").unwrap(), blobs.put(&folder, b"b").unwrap());
        fs::write(blobs.path.join("stray"), "").unwrap();
        blobs.sweep(|digest| digest == kept).unwrap();
        assert!(blobs.has(kept) && !blobs.has(swept));
        assert_eq!(fs::read_dir(&blobs.path).unwrap().count(), 1);
    }
}
