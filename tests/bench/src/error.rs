//! Why something could not be measured.

use pontoon_types::{ErrorKind, Kind};
use std::io;

/// A measurement, or what it needs, that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A step of the set-up or a system call.
    #[error("{act}")]
    System {
        /// What was to be done.
        act: String,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// A command that ended badly.
    #[error("`{line}` failed: {output}")]
    Command {
        /// The command.
        line: String,
        /// What it said.
        output: String,
    },
    /// A daemon refused or did not answer.
    #[error("{act}")]
    Api {
        /// What was asked.
        act: String,
        /// Why not.
        #[source]
        cause: pontoon_client::Error,
    },
    /// The daemon is not as the measurement needs it.
    #[error("{0}")]
    Unfit(String),
}

/// What a measurement gives, or why there is none.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A failing part of the operating system.
    pub fn system<C: Into<io::Error>>(act: impl Into<String>) -> impl FnOnce(C) -> Self {
        let act = act.into();
        move |cause| Self::System { act, cause: cause.into() }
    }

    /// A daemon that refused.
    pub fn api(act: impl Into<String>) -> impl FnOnce(pontoon_client::Error) -> Self {
        let act = act.into();
        move |cause| Self::Api { act, cause }
    }
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        ErrorKind::System
    }
}
