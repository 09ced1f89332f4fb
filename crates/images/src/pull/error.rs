//! What registries refuse, in Docker's words.

use oci_client::errors::{OciDistributionError, OciErrorCode};
use pontoon_types::{ErrorKind, Kind, chain};

/// A registry that refuses or cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// No such tag or digest.
    #[error("manifest for {0} not found: manifest unknown: manifest unknown")]
    NoManifest(String),
    /// No such repository, or not for this user.
    #[error(
        "pull access denied for {0}, repository does not exist or may require 'docker login': denied: requested access \
         to the resource is denied"
    )]
    Denied(String),
    /// A wrong name or password.
    #[error("Get \"{url}\": unauthorized: authentication required")]
    Unauthorized {
        /// What was asked.
        url: String,
    },
    /// An image for other machines only.
    #[error("no matching manifest for {platform} in the manifest list entries")]
    Platform {
        /// This machine.
        platform: String,
    },
    /// A manifest that contradicts its configuration.
    #[error("invalid manifest, layers length mismatch: expected {expected}, got {found}")]
    Layers {
        /// Layers of the configuration.
        expected: usize,
        /// Layers of the manifest.
        found: usize,
    },
    /// It cannot be reached, or answers nonsense.
    #[error("Get \"{url}\": {text}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What went wrong.
        text: String,
    },
    /// A way to log in that is not built.
    #[error("{0} is not implemented")]
    NotImplemented(&'static str),
}

impl PullError {
    /// From the library's, asked for `name` at `url`.
    pub(super) fn of(error: &OciDistributionError, name: &str, url: &str) -> Self {
        let repository = name.split(['@', ':']).next().unwrap_or(name);
        match error {
            OciDistributionError::RegistryError { envelope, .. } => {
                let has = |code: OciErrorCode| envelope.errors.iter().any(|error| error.code == code);
                if has(OciErrorCode::ManifestUnknown) || has(OciErrorCode::NotFound) {
                    Self::NoManifest(name.to_owned())
                } else if has(OciErrorCode::Denied) || has(OciErrorCode::NameUnknown) {
                    Self::Denied(repository.to_owned())
                } else if has(OciErrorCode::Unauthorized) {
                    Self::Unauthorized { url: url.to_owned() }
                } else {
                    Self::Unreachable { url: url.to_owned(), text: chain(error) }
                }
            }
            OciDistributionError::ImageManifestNotFoundError(_) => Self::NoManifest(name.to_owned()),
            OciDistributionError::UnauthorizedError { .. } | OciDistributionError::AuthenticationFailure(_) => {
                Self::Unauthorized { url: url.to_owned() }
            }
            OciDistributionError::ServerError { code: 404, .. } => Self::NoManifest(name.to_owned()),
            _ => Self::Unreachable { url: url.to_owned(), text: chain(error) },
        }
    }
}

impl Kind for PullError {
    fn kind(&self) -> ErrorKind {
        match self {
            // As in Docker, so that nobody learns what exists.
            Self::NoManifest(_) | Self::Denied(_) | Self::Platform { .. } => ErrorKind::NotFound,
            Self::Unauthorized { .. } => ErrorKind::Forbidden,
            Self::Layers { .. } => ErrorKind::Invalid,
            Self::NotImplemented(_) => ErrorKind::NotImplemented,
            Self::Unreachable { .. } => ErrorKind::System,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => {
                Some("a registry without TLS must be among insecure-registries of the daemon's settings".into())
            }
            Self::Unauthorized { .. } => Some("docker login REGISTRY".into()),
            _ => None,
        }
    }
}
