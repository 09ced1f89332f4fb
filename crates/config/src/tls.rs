//! How `tcp://` sockets are protected.

use std::path::PathBuf;

/// TLS for `tcp://` sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// The authority that clients' certificates must come from; `None` lets in everybody.
    pub clients: Option<PathBuf>,
}

/// The environment variable that names the folder of the certificates, and what lies there under which setting.
pub(crate) const FOLDER: (&str, [(&str, &str); 3]) =
    ("DOCKER_CERT_PATH", [("tlscacert", "ca.pem"), ("tlscert", "cert.pem"), ("tlskey", "key.pem")]);
