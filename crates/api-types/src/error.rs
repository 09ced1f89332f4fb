//! The error body, and requests whose shape is right and whose text values are not.

use pontoon_types::{ErrorKind, Kind};
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
    #[error("invalid IPv6 address: {0}")]
    Zone(String),
    #[error("invalid network config:\n{0}")]
    NetworkConfig(String),
    #[error("invalid endpoint settings:\n{0}")]
    EndpointSettings(String),
    #[error("invalid config for network {0}: EndpointsConfig is nil")]
    NilEndpoint(String),
    #[error("empty string specified for links")]
    EmptyLink,
    #[error("bad format for links: {0}")]
    Link(String),
    #[error("bad format for add-host: \"{0}\"")]
    ExtraHost(String),
    #[error("invalid IP address in add-host: \"{0}\"")]
    ExtraHostAddress(String),
    #[error("{text}")]
    Port { text: String, hint: Option<String> },
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
            Self::Port { hint, .. } => hint.clone(),
            Self::NilEndpoint(_) => Some("give {} for an endpoint without settings".into()),
            _ => None,
        }
    }
}

impl From<pontoon_ports::Error> for ShapeError {
    fn from(error: pontoon_ports::Error) -> Self {
        Self::Port { text: error.to_string(), hint: error.hint() }
    }
}
