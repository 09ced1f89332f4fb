//! What can go wrong when the forwarder is opened. Trouble with one flow ends that flow and is counted.

use pontoon_types::{ErrorKind, Kind};

/// Result of opening the forwarder.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the forwarder cannot work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A socket of the host could not be opened.
    #[error("open the forwarder's {0} socket")]
    Open(&'static str, #[source] pontoon_kernel::Error),
    /// A socket cannot be used as needed.
    #[error("prepare the forwarder's {0} socket")]
    Prepare(&'static str, #[source] std::io::Error),
    /// It was started outside the asynchronous runtime that is to carry the flows.
    #[error("start the forwarder")]
    NoRuntime(#[source] tokio::runtime::TryCurrentError),
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        ErrorKind::System
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Open(_, cause) => cause.hint(),
            Self::Prepare(..) | Self::NoRuntime(_) => None,
        }
    }
}
