//! Records while the machine runs: one JSON file each, below the exec root.
//!
//! A file is written beside its place and renamed into it, so that a reader sees the old or the new one whole, also
//! after `kill -9`. Nothing is ever synced: the exec root is a tmpfs, and what the files are about dies with the kernel.

use crate::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What ends the name of a record, and of one that is being written.
const RECORD: &str = ".json";
const UNFINISHED: &str = ".new";

/// Records with their keys, and what is wrong with the others.
pub type Listed<T> = (Vec<(String, T)>, Vec<Error>);

/// A directory of records.
#[derive(Debug)]
pub struct RunFiles {
    path: PathBuf,
}

impl RunFiles {
    /// Opens or makes the directory at `path` (mode 0700) and removes what a crash left half written in it.
    pub fn open(path: &Path) -> Result<Self> {
        let act = "make directory";
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|cause| Error::File { act, path: path.into(), cause })?;
        let files = Self { path: path.to_owned() };
        for name in files.names()?.into_iter().filter(|name| name.ends_with(UNFINISHED)) {
            remove(&files.path.join(name))?;
        }
        Ok(files)
    }

    /// Every record with its key, in the order of keys; a broken one is told beside the good ones and skipped.
    pub fn list<T: DeserializeOwned>(&self) -> Result<Listed<T>> {
        let (mut records, mut broken) = (Vec::new(), Vec::new());
        for name in self.names()? {
            let Some(key) = name.strip_suffix(RECORD) else { continue };
            match self.read(&name) {
                Ok(record) => records.push((key.to_owned(), record)),
                // Removed since it was listed.
                Err(Error::Record { cause: crate::error::Damage::Io(error), .. })
                    if error.kind() == ErrorKind::NotFound => {}
                Err(error) => broken.push(error),
            }
        }
        Ok((records, broken))
    }

    /// Stores or replaces a record, atomically. After an error the old one stays in force.
    pub fn put(&self, key: &str, record: &impl Serialize) -> Result<()> {
        let path = self.file(key);
        let unwritable =
            |cause| Error::Unwritable { table: self.path.display().to_string(), key: key.to_owned(), cause };
        let text = serde_json::to_vec(record).map_err(unwritable)?;
        let unfinished = self.path.join(format!("{key}{UNFINISHED}"));
        let written = write_new(&unfinished, &text).and_then(|()| std::fs::rename(&unfinished, &path));
        written.map_err(|cause| {
            // A leftover is overwritten by the next try.
            let _ = std::fs::remove_file(&unfinished);
            Error::File { act: "write", path, cause }
        })
    }

    /// Forgets a record; an unknown key is no error.
    pub fn delete(&self, key: &str) -> Result<()> {
        remove(&self.file(key))
    }

    /// Where the records are.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn names(&self) -> Result<Vec<String>> {
        let failed = |cause| Error::File { act: "list", path: self.path.clone(), cause };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            names.extend(entry.map_err(failed)?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn file(&self, key: &str) -> PathBuf {
        self.path.join(format!("{key}{RECORD}"))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let broken = |cause| Error::Record { table: self.path.display().to_string(), key: name.to_owned(), cause };
        let bytes = std::fs::read(self.path.join(name)).map_err(|error| broken(error.into()))?;
        serde_json::from_slice(&bytes).map_err(|error| broken(error.into()))
    }
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => {
            Err(Error::File { act: "remove", path: path.into(), cause })
        }
        _ => Ok(()),
    }
}

fn write_new(path: &Path, text: &[u8]) -> std::io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(text)
}
