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

/// A well-formed body with a text that cannot be understood. The texts are Docker's where
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
    #[error("{0}")]
    Newer(&'static str),
    #[error("Container cannot be created with multiple network endpoints: {0}")]
    SeveralEndpoints(String),
    #[error("invalid MAC address: {0}")]
    MacAddress(String),
    #[error("conflicting options: mac-address and the network mode")]
    MacInMode,
    #[error(
        "unable to migrate container-wide MAC address to a specific network: HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks"
    )]
    MacWithoutEndpoint,
    #[error(
        "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty"
    )]
    MacMismatch,
    #[error(
        "interface specific sysctl setting \"{0}\" must be supplied using driver option 'com.docker.network.endpoint.sysctls'"
    )]
    InterfaceSysctl(String),
    #[error(
        "unable to determine network endpoint for sysctl {0}, use driver option 'com.docker.network.endpoint.sysctls' to set per-interface sysctls"
    )]
    SysctlWithoutEndpoint(String),
}

impl Kind for ShapeError {
    fn kind(&self) -> ErrorKind {
        match self {
            // Docker's errors have no type here.
            Self::InterfaceSysctl(_) | Self::SysctlWithoutEndpoint(_) => ErrorKind::System,
            _ => ErrorKind::Invalid,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Spec(error) => error.hint(),
            Self::NilEndpoint(_) => Some("give {} for an endpoint without settings".into()),
            _ => None,
        }
    }
}
