//! What can go wrong with the stores.

use pontoon_cnm::StoreError;
use pontoon_types::{ErrorKind, Kind, chain};
use std::error::Error as StdError;
use std::path::PathBuf;

/// Result of asking a store.
pub type Result<T> = std::result::Result<T, Error>;

/// A store that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the definitions open.
    #[error("open the definitions in {path}")]
    InUse {
        /// The file.
        path: PathBuf,
        /// The lock that could not be had.
        #[source]
        cause: redb::DatabaseError,
    },
    /// The file cannot be opened, or is not one of ours.
    #[error("open the definitions in {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: Box<redb::Error>,
    },
    /// The file is damaged.
    #[error("read the definitions in {path}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: Damage,
    },
    /// A record is in a format that a later version introduced.
    #[error("read {key} of {table}: format {found} is newer than this version knows")]
    Newer {
        /// Table of the record.
        table: String,
        /// Its key.
        key: String,
        /// The format found.
        found: u32,
    },
    /// A record is not what it should be.
    #[error("read {key} of {table}")]
    Record {
        /// Table, or directory, of the record.
        table: String,
        /// Its key, or file name.
        key: String,
        /// What is wrong with it.
        #[source]
        cause: Damage,
    },
    /// A record cannot be written down.
    #[error("write {key} of {table}")]
    Unwritable {
        /// Table, or directory, of the record.
        table: String,
        /// Its key.
        key: String,
        /// Why not.
        #[source]
        cause: serde_json::Error,
    },
    /// A question or a commit failed; nothing was changed.
    #[error("{act} in {path}")]
    Database {
        /// What was asked.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        cause: Box<redb::Error>,
    },
    /// A file or directory could not be used.
    #[error("{act} {path}")]
    File {
        /// What was to be done with it.
        act: &'static str,
        /// It.
        path: PathBuf,
        /// Why it failed.
        #[source]
        cause: std::io::Error,
    },
    /// A daemon is at work on these roots.
    #[error("{path} is in use: pontoond is already running{}", pid.map(|pid| format!(" as process {pid}")).unwrap_or_default())]
    AlreadyRunning {
        /// The root.
        path: PathBuf,
        /// The process, if its number could be read.
        pid: Option<u32>,
    },
    /// The system has no random numbers to make an id of.
    #[error("make an id for this daemon: {0}")]
    NoRandom(getrandom::Error),
}

/// What is wrong with stored data.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// The database itself says so.
    #[error(transparent)]
    Database(Box<redb::Error>),
    /// It is so damaged that reading it broke off.
    #[error("its pages contradict each other")]
    Pages,
    /// The bytes are not the text of a record.
    #[error(transparent)]
    Text(#[from] serde_json::Error),
    /// The record is another's.
    #[error("it is the record of {0}")]
    Misplaced(String),
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InUse { .. } | Self::AlreadyRunning { .. } => ErrorKind::Conflict,
            _ => ErrorKind::System,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::InUse { .. } | Self::AlreadyRunning { .. } => {
                Some("stop the other daemon, or give this one its own --data-root and --exec-root".into())
            }
            Self::Corrupt { path, .. } => {
                Some(format!("restore {0} from a backup, or move it away to begin without networks", path.display()))
            }
            Self::Newer { .. } => Some("run the version of pontoond that wrote it, or a later one".into()),
            Self::Open { .. } | Self::Database { .. } | Self::File { .. } => {
                Some("see that the file system is mounted, writable and not full".into())
            }
            Self::Record { .. } | Self::Unwritable { .. } | Self::NoRandom(_) => None,
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let cause = error.source().map_or_else(|| "refused".to_owned(), chain);
        Self { act: error.to_string(), cause, hint: error.hint() }
    }
}
