//! What can go wrong with stored state.

use pontoon_cnm::StoreError;
use pontoon_types::{ErrorKind, Kind, chain};
use std::path::PathBuf;

/// Result of a store.
pub type Result<T> = std::result::Result<T, Error>;

/// A store that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder.
    #[error("{act} {}", path.display())]
    File {
        /// What was to be done.
        act: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// The database of definitions.
    #[error("{act} {}", path.display())]
    Database {
        /// What was to be done.
        act: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: Box<redb::Error>,
    },
    /// A record that cannot be read.
    #[error("read record {key} of {}", path.display())]
    Record {
        /// Its key.
        key: String,
        /// In which file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: serde_json::Error,
    },
    /// Another daemon holds the folder.
    #[error("{} is in use by another pontoond{}", root.display(), pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked {
        /// The folder.
        root: PathBuf,
        /// The other's process id, where it told.
        pid: Option<u32>,
    },
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Locked { .. } => ErrorKind::Conflict,
            _ => ErrorKind::System,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Locked { .. } => Some("stop it, or give this one a --data-root and --exec-root of its own".into()),
            Self::Record { path, .. } => Some(format!(
                "{} was written by another version or damaged; move it away to start afresh",
                path.display()
            )),
            Self::Database { path, cause, .. } => match **cause {
                redb::Error::Corrupted(_) | redb::Error::UpgradeRequired(_) => {
                    Some(format!("move {} away to start afresh; networks must then be created again", path.display()))
                }
                redb::Error::DatabaseAlreadyOpen => Some("another process has it open".into()),
                _ => Some("is the disk full or read-only?".into()),
            },
            Self::File { .. } => Some("is the disk full or read-only?".into()),
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let cause = std::error::Error::source(&error).map(chain).unwrap_or_default();
        Self { hint: error.hint(), act: error.to_string(), cause }
    }
}
