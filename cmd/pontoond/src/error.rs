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
    /// A socket for the API could not be opened.
    #[error(transparent)]
    Listen(#[from] pontoon_api::serve::ListenError),
    /// `fd://` without systemd.
    #[error("no sockets were handed over")]
    NotActivated,
    /// No such group.
    #[error("group {0} not found")]
    Group(String),
    /// TLS files.
    #[error(transparent)]
    Tls(#[from] pontoon_api::serve::TlsError),
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
    /// The resolver.
    #[error(transparent)]
    Resolver(#[from] pontoon_dns::Error),
    /// A store.
    #[error(transparent)]
    Store(#[from] pontoon_store::Error),
    /// The containers.
    #[error(transparent)]
    Containers(#[from] pontoon_containers::Error),
    /// The images.
    #[error(transparent)]
    Images(#[from] pontoon_images::Error),
    /// What runs containers.
    #[error(transparent)]
    Runtime(#[from] pontoon_runtime::Error),
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

    /// A refusal of the kernel.
    pub fn kernel(act: &'static str) -> impl FnOnce(pontoon_kernel::Error) -> Self {
        move |cause| Self::Kernel { act, cause }
    }
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Group(_) => ErrorKind::NotFound,
            Self::Core(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Containers(error) => error.kind(),
            _ => ErrorKind::System,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Group(name) => {
                Some(format!("make it with `groupadd --system {name}`, or choose another with --group"))
            }
            Self::Kernel { cause, .. } => cause.hint(),
            Self::Core(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Containers(error) => error.hint(),
            Self::NotActivated => Some("fd:// needs socket activation by systemd; without it give unix://PATH".into()),
            Self::File { cause, .. } if cause.kind() == std::io::ErrorKind::PermissionDenied => Some(
                "pontoond runs as root; for a try, let it run in namespaces of its own (`scripts/quickstart`)".into(),
            ),
            Self::File { cause, .. } | Self::System { cause, .. } => pontoon_types::remedy(cause),
            _ => None,
        }
    }
}
