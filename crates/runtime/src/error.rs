//! What can go wrong between us, the monitor and the OCI runtime; and the texts that Docker's clients match on.
//!
//! Owns: the crate's one error enum. A runtime's own message is kept word for word, but for the two that clients look
//! for in the words of runc: see [`Refusal`].

use pontoon_types::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

/// Result of a call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a runtime refused to run something, as far as it matters to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The program does not exist in the container. Exit code 127.
    CommandNotFound,
    /// The program is there and cannot be executed: a folder, no permission. Exit code 126.
    CommandNotExecutable,
    /// A file was to be mounted over a folder, or the other way round. Exit code 127.
    MountMismatch,
    /// Anything else. Exit code 128.
    Other,
}

/// A failed call, and on what.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing under the exec root has this id.
    #[error("container {id} has no process")]
    NoSuchContainer {
        /// The container's id.
        id: String,
    },
    /// No such exec session.
    #[error("No such exec instance: {id}")]
    NoSuchExec {
        /// The session's id.
        id: String,
    },
    /// The container's process has ended, or was never started.
    #[error("container {id} is not running")]
    NotRunning {
        /// The container's id.
        id: String,
    },
    /// Something of this id runs or was created already.
    #[error("container {id} has a process already")]
    Exists {
        /// The container's id.
        id: String,
    },
    /// The runtime said no to what the container is.
    #[error("{}OCI runtime {act} failed: {message}", .prefix)]
    Refused {
        /// What Docker says before it: `failed to create task for container: ` and the like.
        prefix: &'static str,
        /// `create`, `start`, `exec`, …
        act: &'static str,
        /// The runtime's own message.
        message: String,
        /// What sort of refusal it is.
        refusal: Refusal,
    },
    /// No runtime of this name is configured.
    #[error("unknown or invalid runtime name: {name}")]
    UnknownRuntime {
        /// The name asked for.
        name: String,
    },
    /// A program that is needed is not installed.
    #[error("{program} is not installed")]
    Missing {
        /// The program's name or path.
        program: String,
        /// What installs it.
        remedy: String,
    },
    /// A program did not answer in time and was killed.
    #[error("{program} did not {act} within {} s", .patience.as_secs())]
    TimedOut {
        /// The program.
        program: String,
        /// What it was to do.
        act: &'static str,
        /// How long was waited.
        patience: Duration,
    },
    /// A program ended before it had done its work, without saying why.
    #[error("{program} ended before it could {act}{message}")]
    Died {
        /// The program.
        program: String,
        /// What it was to do.
        act: &'static str,
        /// What it left on its standard error, with `: ` before it; or nothing.
        message: String,
    },
    /// The plan makes no sense, in Docker's words.
    #[error("{0}")]
    Invalid(String),
    /// Known, and not possible with this host or runtime.
    #[error("{0}")]
    NotSupported(String),
    /// A file, folder, mount or socket.
    #[error("{act} {}", .path.display())]
    File {
        /// What was done with it.
        act: &'static str,
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// A process.
    #[error("{act}")]
    Process {
        /// What was done with it.
        act: String,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// Failed because a test said so.
    #[error("{act}: failed on demand")]
    OnDemand {
        /// What was asked.
        act: String,
    },
}

impl Error {
    /// The exit code that Docker gives a container or exec session whose start failed with this error.
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Refused { refusal: Refusal::CommandNotFound | Refusal::MountMismatch, .. } => 127,
            Self::Refused { refusal: Refusal::CommandNotExecutable, .. } => 126,
            _ => 128,
        }
    }

    /// Whether there is no such container or exec session.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NoSuchContainer { .. } | Self::NoSuchExec { .. })
    }
}

impl pontoon_types::Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSuchContainer { .. } | Self::NoSuchExec { .. } => ErrorKind::NotFound,
            Self::NotRunning { .. } | Self::Exists { .. } => ErrorKind::Conflict,
            Self::Refused { refusal: Refusal::Other, .. } => ErrorKind::System,
            Self::Refused { .. } | Self::UnknownRuntime { .. } | Self::Invalid(_) => ErrorKind::Invalid,
            Self::NotSupported(_) => ErrorKind::NotImplemented,
            Self::Missing { .. } => ErrorKind::Unavailable,
            Self::TimedOut { .. }
            | Self::Died { .. }
            | Self::File { .. }
            | Self::Process { .. }
            | Self::OnDemand { .. } => ErrorKind::System,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { remedy, .. } => Some(remedy.clone()),
            _ => None,
        }
    }
}
