//! Texts in a container's settings that cannot be understood.

use pontoon_types::{ErrorKind, Kind, ZoneError};

/// A well-formed shape with a text that means nothing. All are the client's fault; the texts are Docker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the text of each variant is its documentation")]
pub enum SpecError {
    #[error("invalid endpoint settings:\n{0}")]
    EndpointSettings(String),
    #[error("empty string specified for links")]
    EmptyLink,
    #[error("bad format for links: {0}")]
    Link(String),
    #[error("{text}")]
    Port { text: String, hint: Option<String> },
    #[error(transparent)]
    Zone(#[from] ZoneError),
}

impl Kind for SpecError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Port { hint, .. } => hint.clone(),
            _ => None,
        }
    }
}

impl From<pontoon_ports::Error> for SpecError {
    fn from(error: pontoon_ports::Error) -> Self {
        Self::Port { text: error.to_string(), hint: error.hint() }
    }
}
