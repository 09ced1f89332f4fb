//! Sandboxes while the machine runs: the core's [`RunState`].

use crate::error::Damage;
use crate::{Error, Result, RunFiles};
use pontoon_cnm::{RunState, SandboxRecord, StoreError};
use pontoon_types::SandboxId;
use std::path::Path;

/// The directory of sandboxes.
#[derive(Debug)]
pub struct RunDirectory {
    files: RunFiles,
}

impl RunDirectory {
    /// Opens or makes the directory at `path`, as [`RunFiles::open`] does.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { files: RunFiles::open(path)? })
    }

    fn misplaced(&self, key: &str, record: &SandboxRecord) -> StoreError {
        let cause = Damage::Misplaced(record.id.to_string());
        Error::Record { table: self.files.path().display().to_string(), key: format!("{key}.json"), cause }.into()
    }
}

impl RunState for RunDirectory {
    fn sandboxes(&self) -> std::result::Result<(Vec<SandboxRecord>, Vec<StoreError>), StoreError> {
        let (all, broken) = self.files.list::<SandboxRecord>()?;
        let (mut records, mut broken) = (Vec::new(), broken.into_iter().map(StoreError::from).collect::<Vec<_>>());
        for (key, record) in all {
            if record.id.to_string() == key {
                records.push(record);
            } else {
                broken.push(self.misplaced(&key, &record));
            }
        }
        Ok((records, broken))
    }

    fn put_sandbox(&self, record: &SandboxRecord) -> std::result::Result<(), StoreError> {
        Ok(self.files.put(&record.id.to_string(), record)?)
    }

    fn delete_sandbox(&self, id: SandboxId) -> std::result::Result<(), StoreError> {
        Ok(self.files.delete(&id.to_string())?)
    }
}
