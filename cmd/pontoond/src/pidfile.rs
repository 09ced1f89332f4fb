//! The file with the daemon's process id.

use crate::error::Error;
use std::path::{Path, PathBuf};

/// A pid file that goes when the value is dropped.
#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    /// Writes it; an old one is replaced: the locks on the roots say whether another daemon runs.
    pub fn write(path: &Path) -> Result<Self, Error> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::file("make the folder", folder))?;
        }
        std::fs::write(path, std::process::id().to_string()).map_err(Error::file("write the pid file", path))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.0);
    }
}
