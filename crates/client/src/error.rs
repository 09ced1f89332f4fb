//! What can go wrong between a client and the daemon, with a remedy where one is known.

use crate::Host;
use pontoon_types::{ErrorKind, Kind};
use std::fmt;
use std::io;
use std::path::PathBuf;

/// The daemon refused or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// The daemon's text.
    pub message: String,
    /// A remedy, if the daemon knows one.
    pub hint: Option<String>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The daemon answered with an error.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Text that is no address of a daemon.
    #[error("invalid host {0:?}")]
    Host(String),
    /// No connection.
    #[error("connect to {host}")]
    Connect {
        /// Where to.
        host: Host,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The connection broke, or what came was no HTTP.
    #[error("talk to the daemon")]
    Http(#[source] hyper::Error),
    /// The request could not be put into words (a control character in a header).
    #[error("write the request")]
    Request(#[source] http::Error),
    /// The answer is not what this call gives.
    #[error("understand the daemon's answer")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer in time.
    #[error("the daemon did not answer in {0:?}")]
    Timeout(std::time::Duration),
    /// A certificate or key that cannot be used.
    #[error("read {path}", path = path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rustls::pki_types::pem::Error,
    },
    /// Certificates and key do not go together.
    #[error("set up TLS")]
    Tls(#[source] rustls::Error),
    /// The host's name cannot stand in a certificate.
    #[error("{0:?} is no name a certificate could carry")]
    ServerName(String),
    /// No runtime for blocking calls.
    #[error("start the client's runtime")]
    Runtime(#[source] io::Error),
}

impl Error {
    /// The daemon's status, if it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(error) => Some(error.status),
            _ => None,
        }
    }
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Api(error) => match error.status {
                404 => ErrorKind::NotFound,
                409 => ErrorKind::Conflict,
                403 => ErrorKind::Forbidden,
                400..=499 => ErrorKind::Invalid,
                501 => ErrorKind::NotImplemented,
                503 => ErrorKind::Unavailable,
                _ => ErrorKind::System,
            },
            Self::Host(_) | Self::Request(_) | Self::ServerName(_) | Self::TlsFile { .. } | Self::Tls(_) => {
                ErrorKind::Invalid
            }
            Self::Connect { .. } | Self::Timeout(_) => ErrorKind::Unavailable,
            Self::Http(_) | Self::Answer(_) | Self::Runtime(_) => ErrorKind::System,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Api(error) => error.hint.clone(),
            Self::Host(_) => Some("write unix:///path/to/socket or tcp://host:port".into()),
            Self::Connect { host, cause } => connect_hint(host, cause.kind()),
            _ => None,
        }
    }
}

fn connect_hint(host: &Host, kind: io::ErrorKind) -> Option<String> {
    match (host, kind) {
        (_, io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            Some("is pontoond running? start it, or name another daemon with --host".into())
        }
        (Host::Unix(path), io::ErrorKind::PermissionDenied) => {
            Some(format!("only root and the group of {} may use it; join that group or use sudo", path.display()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_is_not_there_comes_with_a_hint() {
        for (kind, word) in [(io::ErrorKind::NotFound, "pontoond"), (io::ErrorKind::PermissionDenied, "group")] {
            let error = Error::Connect { host: Host::Unix("/x".into()), cause: kind.into() };
            assert!(error.hint().unwrap().contains(word));
            assert_eq!(error.to_string(), "connect to unix:///x");
        }
    }

    #[test]
    fn a_status_is_a_kind() {
        for (status, kind) in [(404, ErrorKind::NotFound), (400, ErrorKind::Invalid), (500, ErrorKind::System)] {
            let error = Error::from(ApiError { status, message: "m".into(), hint: None });
            assert_eq!((error.kind(), error.to_string()), (kind, "m".to_owned()));
        }
    }
}
