//! What a container's root file system is made of, and where its parts stand.

use crate::{Digest, Error, ImageId, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What it is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RootfsRecord {
    /// The image.
    pub(super) image: ImageId,
    /// Its layers, the lowest first.
    pub(super) layers: Vec<Digest>,
    /// The foundation over them.
    pub(super) foundation: Digest,
    /// Bytes of the layers.
    pub(super) size: u64,
}

/// Where a container's parts stand.
#[derive(Clone, Debug)]
pub(super) struct Places(PathBuf);

impl Places {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// What the container wrote.
    pub(super) fn upper(&self) -> PathBuf {
        self.0.join("upper")
    }

    /// The kernel's own.
    pub(super) fn work(&self) -> PathBuf {
        self.0.join("work")
    }

    /// Where all of it is mounted.
    pub(super) fn merged(&self) -> PathBuf {
        self.0.join("merged")
    }

    fn record(&self) -> PathBuf {
        self.0.join("rootfs.json")
    }

    /// Writes down what it is made of, durably: its layers are kept for it.
    pub(super) fn write(&self, record: &RootfsRecord) -> io::Result<()> {
        let mut file = File::create_new(self.record())?;
        file.write_all(&serde_json::to_vec(record)?)?;
        file.sync_all()
    }

    /// What it is made of; `None` if the container has none.
    pub(super) fn read(&self) -> Result<Option<RootfsRecord>> {
        let path = self.record();
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| Error::Damaged { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file("read", path)(error)),
        }
    }
}
