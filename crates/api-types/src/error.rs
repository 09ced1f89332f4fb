//! The error body, and requests whose shape is right and whose text values are not.

use pontoon_containers::spec::SpecError;
use pontoon_types::{ErrorKind, Kind, ZoneError};
use serde::{Deserialize, Serialize};

/// The body of every error answer. `hint` is our own addition; Docker's clients ignore it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorResponse {
    /// What went wrong.
    pub message: String,
    /// What to do about it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A well-formed body with a text that cannot be understood. All are the client's fault; the texts are Docker's where
/// Docker has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the text of each variant is its documentation")]
pub enum ShapeError {
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error(transparent)]
    Zone(#[from] ZoneError),
    #[error("invalid network config:\n{0}")]
    NetworkConfig(String),
    #[error("invalid config for network {0}: EndpointsConfig is nil")]
    NilEndpoint(String),
    #[error("bad format for add-host: \"{0}\"")]
    ExtraHost(String),
    #[error("invalid IP address in add-host: \"{0}\"")]
    ExtraHostAddress(String),
    #[error("invalid namespace: give one of Path, Pid and Host")]
    Namespace,
    #[error("invalid namespace: path \"{0}\" is not absolute")]
    NamespacePath(String),
    #[error("invalid DNS server address: \"\"")]
    Dns,
}

impl Kind for ShapeError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Spec(error) => error.hint(),
            Self::NilEndpoint(_) => Some("give {} for an endpoint without settings".into()),
            _ => None,
        }
    }
}
