//! TLS to a daemon: whom to trust, and who we are.

use crate::Error;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files in PEM form, as `--tlscacert`, `--tlscert` and `--tlskey` name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Only daemons with a certificate from here are trusted.
    pub ca: PathBuf,
    /// Our certificate and its key, if the daemon wants to know who we are.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    /// Reads the files.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.ca)? {
            roots.add(certificate).map_err(Error::Tls)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Error::Tls)?
            .with_root_certificates(roots);
        let config = match &self.identity {
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
                builder.with_client_auth_cert(certificates(certificate)?, key).map_err(Error::Tls)?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Arc::new(config))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let list = CertificateDer::pem_file_iter(path).map_err(unreadable(path))?;
    list.collect::<Result<_, _>>().map_err(unreadable(path))
}

fn unreadable(path: &Path) -> impl Fn(rustls::pki_types::pem::Error) -> Error {
    let path = path.to_owned();
    move |cause| Error::TlsFile { path: path.clone(), cause }
}
