//! Why the daemon could not start or go on, with remedies.

use pontoon_types::{ErrorKind, Kind};
use std::path::PathBuf;

/// A failure of the daemon as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be prepared.
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
    /// Another daemon has the same folders.
    #[error("another pontoond{} runs with {}", pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(), root.display())]
    AlreadyRunning {
        /// Its process id, where it told.
        pid: Option<u32>,
        /// The folder.
        root: PathBuf,
    },
    /// A socket for the API could not be opened.
    #[error("listen on {address}")]
    Listen {
        /// The address as configured.
        address: String,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// No such group.
    #[error("group {0} not found")]
    Group(String),
    /// TLS files.
    #[error("set up TLS: {0}")]
    Tls(String),
    /// The kernel.
    #[error("{act}")]
    Kernel {
        /// What was to be done.
        act: &'static str,
        /// Why not.
        #[source]
        cause: pontoon_kernel::Error,
    },
    /// The core.
    #[error(transparent)]
    Core(#[from] pontoon_cnm::Error),
    /// A store.
    #[error(transparent)]
    Store(#[from] pontoon_store::Error),
    /// The runtime or a thread.
    #[error("{act}")]
    System {
        /// What was to be done.
        act: &'static str,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
}

impl Error {
    /// A file that could not be prepared.
    pub fn file(act: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Self::File { act, path, cause }
    }

    /// A failing part of the operating system.
    pub fn system(act: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |cause| Self::System { act, cause }
    }
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::AlreadyRunning { .. } => ErrorKind::Conflict,
            Self::Group(_) => ErrorKind::NotFound,
            Self::Core(error) => error.kind(),
            Self::Store(error) => error.kind(),
            _ => ErrorKind::System,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::AlreadyRunning { .. } => {
                Some("stop it first, or give this one --data-root and --exec-root of its own".into())
            }
            Self::Group(name) => Some(format!("make it with `groupadd --system {name}`, or choose another with --group")),
            Self::Kernel { cause, .. } => cause.hint(),
            Self::Core(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::File { cause, .. } if cause.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("pontoond runs as root; for a test, run it in namespaces of its own (`scripts/quickstart`)".into())
            }
            _ => None,
        }
    }
}
