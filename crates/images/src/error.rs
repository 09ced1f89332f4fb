//! What can go wrong with images and root file systems. The texts that Docker's clients match on stand here.

use crate::layer::UnpackError;
use crate::{Digest, ReferenceError};
use pontoon_types::{ErrorKind, Kind};
use std::io;
use std::path::PathBuf;

/// Result of asking for images.
pub type Result<T> = std::result::Result<T, Error>;

/// A refusal or a failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No image has that name or id.
    #[error("No such image: {0}")]
    NoImage(String),
    /// A name that is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A change to the configuration that cannot be read, as in `docker import --change`.
    #[error("{0}")]
    Change(String),
    /// An image for another sort of machine.
    #[error("image operating system \"{os}\" cannot be used on this platform")]
    OperatingSystem {
        /// Its operating system.
        os: String,
    },
    /// More layers than a mount can have.
    #[error("max depth exceeded")]
    TooDeep,
    /// An archive that is not what it should be.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// Something that is no image, and why.
    #[error("not an image: {0}")]
    NotAnImage(String),
    /// A blob has other content than its name says.
    #[error("digest mismatch: expected {expected}, got {found}")]
    WrongBlob {
        /// Its name.
        expected: Digest,
        /// What was found.
        found: Digest,
    },
    /// A registry refuses or cannot be asked.
    #[error(transparent)]
    Pull(#[from] crate::pull::PullError),
    /// Nobody waits for the result any more.
    #[error("cancelled")]
    Cancelled,
    /// Removing would take something from somebody. The text is Docker's.
    #[error("{0}")]
    InUse(String),
    /// A layer has other content than its image says.
    #[error("layer {found} does not match the expected {expected}")]
    WrongLayer {
        /// What the image says.
        expected: Digest,
        /// What was found.
        found: Digest,
    },
    /// The built-in image cannot be changed.
    #[error("{0}")]
    BuiltIn(&'static str),
    /// The stream from the client or the registry broke off.
    #[error("receive image")]
    Receive {
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The archive could not be handed over.
    #[error("send image")]
    Send {
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file of the store is not as it was written.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A file of the store is in a format that a later version introduced.
    #[error("{} has format {found}, which is newer than this version knows", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A container has no root file system here.
    #[error("no root file system for container {0}")]
    NoRootfs(String),
    /// A container has one already.
    #[error("container {0} already has a root file system")]
    RootfsExists(String),
    /// A root file system cannot be mounted.
    #[error("mount root file system {}", path.display())]
    Mount {
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// A file or folder could not be used.
    #[error("{act} {}", path.display())]
    File {
        /// What was to be done with it.
        act: &'static str,
        /// It.
        path: PathBuf,
        /// Why it failed.
        #[source]
        cause: io::Error,
    },
}

/// A stream that broke off, or an archive in it that is none.
impl From<io::Error> for Error {
    fn from(cause: io::Error) -> Self {
        Self::Unpack(UnpackError::Archive(cause))
    }
}

impl Error {
    /// A file that could not be used.
    pub(crate) fn file(act: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::File { act, path, cause }
    }
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoImage(_) | Self::NoRootfs(_) => ErrorKind::NotFound,
            Self::Pull(error) => error.kind(),
            Self::Reference(_)
            | Self::Change(_)
            | Self::NotAnImage(_)
            | Self::WrongBlob { .. }
            | Self::OperatingSystem { .. } => ErrorKind::Invalid,
            Self::TooDeep | Self::WrongLayer { .. } => ErrorKind::Invalid,
            Self::Unpack(error) if error.is_invalid() && !error.is_full() => ErrorKind::Invalid,
            Self::BuiltIn(_) | Self::RootfsExists(_) | Self::InUse(_) => ErrorKind::Conflict,
            _ => ErrorKind::System,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Pull(error) => error.hint(),
            Self::Unpack(error) if error.is_full() => {
                Some("free some room under the data root, or move it with --data-root".into())
            }
            Self::Damaged { path } => Some(format!("move {} away and load the image again", path.display())),
            Self::Newer { .. } => Some("run the version of pontoond that wrote it, or a later one".into()),
            Self::Mount { cause, .. } if cause.raw_os_error() == Some(19) => {
                Some("the kernel has no overlay file system: modprobe overlay".into())
            }
            _ => None,
        }
    }
}
