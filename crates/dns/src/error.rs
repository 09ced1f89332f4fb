//! Why a resolver could not be made. Once it is made, what goes wrong is told to clients or counted.

use pontoon_types::ErrorKind;
use std::io;

/// Result of making a resolver.
pub type Result<T> = std::result::Result<T, Error>;

/// What was missing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel would not make the queue on which a thread waits for its sockets.
    #[error("make the resolver's event queue")]
    EventQueue(#[source] io::Error),
    /// The system would not start a thread.
    #[error("start the resolver's threads")]
    Thread(#[source] io::Error),
}

impl pontoon_types::Kind for Error {
    fn kind(&self) -> ErrorKind {
        ErrorKind::System
    }

    fn hint(&self) -> Option<String> {
        Some("the system may be out of threads or file descriptors: see `ulimit -u` and `ulimit -n`".into())
    }
}
