//! The folder of the store, and things in the making.

use crate::{Error, Result};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where what is in the making stands.
const SCRATCH: &str = "tmp";

/// A root folder with a place for things in the making on the same file system.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    next: AtomicU64,
}

impl Folder {
    /// Opens or makes it, and takes away what an earlier process left in the making.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let folder = Self { root: root.to_owned(), next: AtomicU64::new(0) };
        make_private(&folder.scratch()).map_err(Error::file("make", folder.scratch()))?;
        for left in fs::read_dir(folder.scratch()).map_err(Error::file("read", folder.scratch()))?.flatten() {
            discard(&left.path());
        }
        Ok(folder)
    }

    /// The path of a part.
    pub(crate) fn path(&self, part: &str) -> PathBuf {
        self.root.join(part)
    }

    /// A folder that belongs to the store, made if missing.
    pub(crate) fn part(&self, part: &str) -> Result<PathBuf> {
        let path = self.path(part);
        make_private(&path).map_err(Error::file("make", &path))?;
        Ok(path)
    }

    /// A name nobody else uses, for a thing in the making; removed when dropped, unless it was renamed away.
    pub(crate) fn scratch_path(&self) -> Scratch {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Scratch(self.scratch().join(number.to_string()))
    }

    fn scratch(&self) -> PathBuf {
        self.root.join(SCRATCH)
    }
}

/// A path of something in the making.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        discard(&self.0);
    }
}

/// Removes whatever stands there. What cannot be removed is tried again at the next start.
fn discard(path: &Path) {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "cannot remove what was left in the making");
        }
        _ => {}
    }
}

/// A folder only for the daemon, with all folders above it.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Waits until names in the folder are on the disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Replaces a file as a whole: after a crash it is the old one or the new one.
pub(crate) fn write_durably(folder: &Folder, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let scratch = folder.scratch_path();
    let mut file = File::create_new(scratch.path())?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(scratch.path(), path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_in_the_making_is_gone_after_a_restart() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let (file, tree) = (folder.scratch_path(), folder.scratch_path());
        fs::write(file.path(), "x").unwrap();
        fs::create_dir_all(tree.path().join("a/b")).unwrap();
        let paths = [file.path().to_owned(), tree.path().to_owned()];
        std::mem::forget((file, tree));
        Folder::open(root.path()).unwrap();
        assert!(paths.iter().all(|path| !path.exists()));
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let path = folder.path("state");
        for text in ["one", "two"] {
            write_durably(&folder, &path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.scratch()).unwrap().count(), 0);
    }
}
