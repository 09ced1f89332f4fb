//! What can go wrong with containers and volumes, with the texts that Docker's clients show or match.
//!
//! This is the one place for those texts. Kinds become statuses in `api` only.

use crate::spec::SpecError;
use pontoon_types::{ErrorKind, Kind};

/// Result of a request about containers or volumes.
pub type Result<T> = std::result::Result<T, Error>;

/// A refused or failed request.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the text of each variant is its documentation")]
pub enum Error {
    // Finding.
    #[error("No such container: {0}")]
    NoContainer(String),
    #[error("Multiple IDs found with provided prefix: {0}")]
    Ambiguous(String),
    #[error("No such exec instance: {0}")]
    NoExec(String),
    #[error("get {0}: no such volume")]
    NoVolume(String),

    // Making.
    #[error(
        "Conflict. The container name \"/{name}\" is already in use by container \"{id}\". You have to remove (or rename) that container to be able to reuse that name."
    )]
    NameTaken { name: String, id: String },
    #[error("Invalid container name ({0}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")]
    BadName(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Missing(String),
    #[error("{0}")]
    Refused(String),
    /// Known, and not built here.
    #[error("{what} is not supported by Pontoon")]
    NotSupported { what: String },
    #[error(transparent)]
    Spec(#[from] SpecError),

    // Living.
    #[error("container {0} is not running")]
    NotRunning(String),
    #[error("cannot kill container: {term}: {cause}")]
    Kill { term: String, cause: Box<Error> },
    #[error("Container {0} is already paused")]
    AlreadyPaused(String),
    #[error("Container {0} is not paused")]
    NotPaused(String),
    #[error("container {0} is restarting, wait until the container is running")]
    Restarting(String),
    #[error("cannot start a paused container, try unpause instead")]
    StartPaused,
    #[error("container is marked for removal and cannot be started")]
    StartGoing,
    #[error("cannot remove container \"/{name}\": {why}")]
    RemoveLiving { name: String, why: &'static str },
    #[error("removal of container {0} is already in progress")]
    Going(String),
    #[error("a prune operation is already running")]
    PruneRunning,
    #[error("{act}: {}", pontoon_types::chain(cause))]
    During { act: String, cause: Box<Error> },

    // Others.
    #[error(transparent)]
    Network(#[from] crate::network::Error),
    #[error(transparent)]
    Core(#[from] pontoon_cnm::Error),
    #[error(transparent)]
    Runtime(#[from] pontoon_runtime::Error),
    #[error(transparent)]
    Store(#[from] pontoon_store::Error),
    #[error(transparent)]
    Image(#[from] pontoon_images::Error),
    #[error("{act}: {cause}")]
    File { act: String, cause: std::io::Error },
    #[error("the daemon is shutting down")]
    ShuttingDown,
    #[error("internal error: {0}, see the daemon's log")]
    Internal(&'static str),
    /// A failure and the failures while undoing what had been done.
    #[error("{}; while undoing: {}", pontoon_types::chain(first), undo.iter().map(|e| pontoon_types::chain(e)).collect::<Vec<_>>().join("; "))]
    WhileUndoing { first: Box<Error>, undo: Vec<Error> },
}

impl Error {
    /// A file, folder or mount that could not be worked with.
    pub fn file(act: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let act = act.into();
        move |cause| Self::File { act, cause }
    }

    /// `self` as the cause of failing to do `act`.
    pub fn during(self, act: impl Into<String>) -> Self {
        Self::During { act: act.into(), cause: Box::new(self) }
    }

    /// `self`, with what also went wrong while undoing.
    pub fn with_undo(self, undo: Vec<Error>) -> Self {
        if undo.is_empty() { self } else { Self::WhileUndoing { first: Box::new(self), undo } }
    }

    /// The exit code that a container has after a start that failed so.
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Runtime(error) => error.exit_code(),
            Self::During { cause, .. } => cause.exit_code(),
            Self::WhileUndoing { first, .. } => first.exit_code(),
            _ => 128,
        }
    }
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoContainer(_) | Self::NoExec(_) | Self::NoVolume(_) | Self::Missing(_) => ErrorKind::NotFound,
            Self::Ambiguous(_) | Self::BadName(_) | Self::Invalid(_) => ErrorKind::Invalid,
            Self::NameTaken { .. }
            | Self::Conflict(_)
            | Self::NotRunning(_)
            | Self::AlreadyPaused(_)
            | Self::Restarting(_)
            | Self::StartPaused
            | Self::StartGoing
            | Self::RemoveLiving { .. }
            | Self::Going(_)
            | Self::PruneRunning => ErrorKind::Conflict,
            Self::Refused(_) => ErrorKind::Forbidden,
            Self::NotSupported { .. } => ErrorKind::NotImplemented,
            Self::Spec(error) => error.kind(),
            Self::Kill { cause, .. } | Self::During { cause, .. } => cause.kind(),
            Self::Network(error) => error.kind(),
            Self::Core(error) => error.kind(),
            Self::Runtime(error) => error.kind(),
            Self::Image(error) => error.kind(),
            Self::ShuttingDown => ErrorKind::Unavailable,
            Self::WhileUndoing { first, .. } => first.kind(),
            Self::NotPaused(_) | Self::Store(_) | Self::File { .. } | Self::Internal(_) => ErrorKind::System,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Spec(error) => error.hint(),
            Self::Network(error) => error.hint(),
            Self::Core(error) => error.hint(),
            Self::Runtime(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::Kill { cause, .. } | Self::During { cause, .. } => cause.hint(),
            Self::WhileUndoing { first, .. } => first.hint(),
            _ => None,
        }
    }
}
