//! Sandboxes while the machine runs: one JSON file each, below the exec root. The core's [`RunState`].
//!
//! A file is written beside its place and renamed into it, so that a reader sees the old or the new one whole, also
//! after `kill -9`. Nothing is ever synced: the exec root is a tmpfs, and what the files are about dies with the kernel.

use crate::error::Damage;
use crate::{Error, Result};
use pontoon_cnm::{RunState, SandboxRecord, StoreError};
use pontoon_types::SandboxId;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What ends the name of a record, and of one that is being written.
const RECORD: &str = ".json";
const UNFINISHED: &str = ".new";

/// The directory of records.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
}

impl RunDirectory {
    /// Opens or makes the directory at `path` (mode 0700) and removes what a crash left half written in it.
    pub fn open(path: &Path) -> Result<Self> {
        let act = "make directory";
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|cause| Error::File { act, path: path.into(), cause })?;
        let directory = Self { path: path.to_owned() };
        for name in directory.names()?.into_iter().filter(|name| name.ends_with(UNFINISHED)) {
            directory.remove(&directory.path.join(name))?;
        }
        Ok(directory)
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

    fn file(&self, id: SandboxId) -> PathBuf {
        self.path.join(format!("{id}{RECORD}"))
    }

    fn read(&self, name: &str) -> Result<SandboxRecord> {
        let broken = |cause| Error::Record { table: self.path.display().to_string(), key: name.to_owned(), cause };
        let bytes = std::fs::read(self.path.join(name)).map_err(|error| broken(error.into()))?;
        let record: SandboxRecord = serde_json::from_slice(&bytes).map_err(|error| broken(error.into()))?;
        if format!("{}{RECORD}", record.id) == name {
            Ok(record)
        } else {
            Err(broken(Damage::Misplaced(record.id.to_string())))
        }
    }

    fn write(&self, record: &SandboxRecord) -> Result<()> {
        let path = self.file(record.id);
        let unwritable =
            |cause| Error::Unwritable { table: self.path.display().to_string(), key: record.id.to_string(), cause };
        let text = serde_json::to_vec(record).map_err(unwritable)?;
        let unfinished = self.path.join(format!("{}{UNFINISHED}", record.id));
        let written = write_new(&unfinished, &text).and_then(|()| std::fs::rename(&unfinished, &path));
        written.map_err(|cause| {
            // The old record stays in force. A leftover is overwritten by the next try.
            let _ = std::fs::remove_file(&unfinished);
            Error::File { act: "write", path, cause }
        })
    }

    fn remove(&self, path: &Path) -> Result<()> {
        match std::fs::remove_file(path) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                Err(Error::File { act: "remove", path: path.into(), cause })
            }
            _ => Ok(()),
        }
    }
}

fn write_new(path: &Path, text: &[u8]) -> std::io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(text)
}

impl RunState for RunDirectory {
    fn sandboxes(&self) -> std::result::Result<(Vec<SandboxRecord>, Vec<StoreError>), StoreError> {
        let (mut records, mut broken) = (Vec::new(), Vec::new());
        for name in self.names()?.into_iter().filter(|name| name.ends_with(RECORD)) {
            match self.read(&name) {
                Ok(record) => records.push(record),
                // Removed since it was listed.
                Err(Error::Record { cause: Damage::Io(error), .. }) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => broken.push(error.into()),
            }
        }
        Ok((records, broken))
    }

    fn put_sandbox(&self, record: &SandboxRecord) -> std::result::Result<(), StoreError> {
        Ok(self.write(record)?)
    }

    fn delete_sandbox(&self, id: SandboxId) -> std::result::Result<(), StoreError> {
        Ok(self.remove(&self.file(id))?)
    }
}
