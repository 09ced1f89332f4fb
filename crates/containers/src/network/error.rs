//! What can be wrong with a container's networking, in Docker's words (containers-networking.md sections 1 to 3, 8).

use crate::spec::SpecError;
use pontoon_types::{ErrorKind, Kind, chain};

/// A refused request, or networking that could not be set up.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the text of each variant is its documentation")]
pub enum Error {
    // Settings that exclude each other.
    #[error("invalid network mode: invalid container format container:<name|id>")]
    ContainerFormat,
    #[error("conflicting options: {0} and the network mode")]
    WithMode(&'static str),
    #[error("conflicting options: port {0} and the container type network mode")]
    WithContainerMode(&'static str),
    #[error(
        "conflicting options: {0} type networking can't be used with links. This would result in undefined behavior"
    )]
    LinksWithMode(&'static str),
    #[error(
        "conflicting options: container type network can't be used with links. This would result in undefined behavior"
    )]
    LinksWithContainer,
    #[error("conflicting options: hostname and the UTS mode")]
    HostnameWithUts,

    // Settings that mean nothing.
    #[error("{0}")]
    Endpoints(String),
    #[error("invalid JSON: {text}")]
    PortKey { text: String, hint: Option<String> },
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error(transparent)]
    Files(#[from] pontoon_etcfiles::Error),

    // Links.
    #[error("empty string specified for links")]
    EmptyLink,
    #[error("bad format for links: {0}")]
    BadLink(String),
    #[error("could not get container for {0}: No such container: {0}")]
    LinkUnknown(String),
    #[error("Cannot link to a non running container: /{child} AS /{parent}/{alias}")]
    LinkNotRunning { child: String, parent: String, alias: String },
    #[error("container {0} not attached to default bridge network")]
    LinkNotOnBridge(String),
    #[error("Cannot link to /{0}, as it does not belong to the default network")]
    LinkElsewhere(String),

    // Sharing a namespace.
    #[error("joining network namespace of container: No such container: {0}")]
    DonorUnknown(String),
    #[error("cannot join own network namespace")]
    DonorIsSelf,
    #[error("cannot join network namespace of a non running container: container {name} is {state}")]
    DonorNotRunning { name: String, state: String },
    #[error(
        "cannot join network namespace of container: container {0} is restarting, wait until the container is running"
    )]
    DonorRestarting(String),

    // Connecting and disconnecting.
    #[error("container {container} is not connected to the network {network}")]
    NotDefined { container: String, network: String },
    #[error("filter for '{key}' should not contain ':': {value}")]
    PortFilter { key: &'static str, value: String },
    #[error("error while looking up for {key} {value}: invalid port")]
    PortFilterNumber { key: &'static str, value: String },

    // The core's.
    #[error("failed to set up container networking: {}", chain(.0))]
    SetUp(Box<Error>),
    #[error(transparent)]
    Core(#[from] pontoon_cnm::Error),
}

impl Error {
    /// As told when a container cannot be started.
    pub fn at_start(self) -> Self {
        Self::SetUp(Box::new(self))
    }
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::EmptyLink
            | Self::BadLink(_)
            | Self::LinkNotRunning { .. }
            | Self::LinkNotOnBridge(_)
            | Self::LinkElsewhere(_)
            | Self::DonorUnknown(_)
            | Self::DonorIsSelf
            | Self::NotDefined { .. } => ErrorKind::System,
            Self::DonorNotRunning { .. } | Self::DonorRestarting(_) => ErrorKind::Conflict,
            Self::Spec(error) => error.kind(),
            Self::Files(error) => error.kind(),
            Self::SetUp(error) => error.kind(),
            Self::Core(error) => error.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::PortKey { hint, .. } => hint.clone(),
            Self::Spec(error) => error.hint(),
            Self::Files(error) => error.hint(),
            Self::SetUp(error) => error.hint(),
            Self::Core(error) => error.hint(),
            Self::DonorNotRunning { .. } => Some("start the container whose network is to be shared first".into()),
            _ => None,
        }
    }
}
