//! Questions to a registry, each waited for.

use super::Login;
use super::error::PullError;
use crate::manifest::Descriptor;
use crate::{Digest, Error, Reference, Result};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference as Name};
use std::cell::RefCell;
use std::io::{self, Read};
use std::net::IpAddr;
use std::time::Duration;
use tokio::runtime::Runtime;

/// What a name may lead to.
const MANIFESTS: &[&str] = &[
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
/// More than any configuration or manifest has.
const MOST_TEXT: usize = 8 << 20;
/// How long a registry may say nothing.
const SILENCE: Duration = Duration::from_secs(60);
/// How long it may take to answer at all.
const CONNECT: Duration = Duration::from_secs(15);
/// Where the images without a registry in their name are.
const DEFAULT: (&str, &str) = ("docker.io", "registry-1.docker.io");
/// How older clients call that one when they log in.
const DEFAULT_LOGIN: &str = "index.docker.io";

/// A registry, and one repository of it.
pub(super) struct Registry {
    runtime: Runtime,
    /// The ways to ask it, the preferred one first; reduced to the one that works.
    ways: RefCell<Vec<Way>>,
    host: String,
    repository: String,
    familiar: String,
    auth: RegistryAuth,
}

/// How a registry is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Tls,
    TlsUnchecked,
    Plain,
}

impl Way {
    fn all(host: &str, insecure: &[String]) -> Vec<Self> {
        if is_insecure(host, insecure) { vec![Self::TlsUnchecked, Self::Plain] } else { vec![Self::Tls] }
    }

    fn scheme(self) -> &'static str {
        if self == Self::Plain { "http" } else { "https" }
    }

    fn client(self) -> ClientConfig {
        ClientConfig {
            protocol: if self == Self::Plain { ClientProtocol::Http } else { ClientProtocol::Https },
            accept_invalid_certificates: self == Self::TlsUnchecked,
            read_timeout: Some(SILENCE),
            connect_timeout: Some(CONNECT),
            user_agent: concat!("pontoon/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        }
    }
}

impl Registry {
    pub(super) fn new(name: &Reference, login: &Login, insecure: &[String]) -> Result<Self> {
        let host = if name.domain() == DEFAULT.0 { DEFAULT.1 } else { name.domain() };
        Ok(Self {
            runtime: runtime()?,
            ways: RefCell::new(Way::all(host, insecure)),
            host: host.to_owned(),
            repository: name.path().to_owned(),
            familiar: name.familiar_name(),
            auth: auth(login),
        })
    }

    /// The manifest or index of a name, as it is.
    pub(super) fn manifest(&self, name: &Reference) -> Result<Vec<u8>> {
        let (host, repository) = (self.host.clone(), self.repository.clone());
        let asked = match (name.digest(), name.tag()) {
            (Some(digest), _) => Name::with_digest(host, repository, digest.to_string()),
            (None, tag) => Name::with_tag(host, repository, tag.unwrap_or("latest").to_owned()),
        };
        let (bytes, _) =
            self.ask(&name.familiar(), async |client| client.pull_manifest_raw(&asked, &self.auth, MANIFESTS).await)?;
        if bytes.len() > MOST_TEXT {
            return Err(Error::NotAnImage("the manifest is too large".into()));
        }
        Ok(bytes.to_vec())
    }

    /// A small blob as a whole, checked.
    pub(super) fn small_blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let stream = self.blob(descriptor)?;
        stream.take(MOST_TEXT as u64 + 1).read_to_end(&mut bytes).map_err(|cause| Error::Receive { cause })?;
        let found = Digest::of(&bytes);
        if found == descriptor.digest {
            Ok(bytes)
        } else {
            Err(Error::WrongBlob { expected: descriptor.digest, found })
        }
    }

    /// A blob as it comes; not checked.
    pub(super) fn blob(&self, descriptor: &Descriptor) -> Result<BlobStream<'_>> {
        let digest = descriptor.digest.to_string();
        let name = Name::with_digest(self.host.clone(), self.repository.clone(), digest.clone());
        let stream = self.ask(&self.familiar, async |client| {
            client.store_auth_if_needed(&self.host, &self.auth).await;
            client.pull_blob_stream(&name, digest.as_str()).await
        })?;
        Ok(BlobStream { runtime: &self.runtime, stream: stream.stream, at: Default::default() })
    }

    /// Asks in each way until the registry can be reached in one.
    fn ask<T>(
        &self,
        name: &str,
        question: impl AsyncFn(&Client) -> std::result::Result<T, OciDistributionError>,
    ) -> Result<T> {
        let ways = self.ways.borrow().clone();
        let mut failed = None;
        for way in ways {
            let url = format!("{}://{}/v2/", way.scheme(), self.host);
            let client = Client::try_from(way.client()).map_err(|error| PullError::of(&error, name, &url))?;
            match self.runtime.block_on(question(&client)) {
                Err(error @ OciDistributionError::RequestError(_)) => {
                    failed.get_or_insert(PullError::of(&error, name, &url));
                }
                answer => {
                    *self.ways.borrow_mut() = vec![way];
                    return answer.map_err(|error| PullError::of(&error, name, &url).into());
                }
            }
        }
        Err(failed.unwrap_or(PullError::NotImplemented("this registry")).into())
    }
}

/// A blob on its way.
pub(super) struct BlobStream<'a> {
    runtime: &'a Runtime,
    stream: BoxStream<'static, std::result::Result<bytes::Bytes, io::Error>>,
    at: bytes::Bytes,
}

impl Read for BlobStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                Some(piece) => self.at = piece?,
                None => return Ok(0),
            }
        }
        let piece = self.at.split_to(buffer.len().min(self.at.len()));
        buffer[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

/// Asks a registry whether it knows the user: with the name and password themselves, or by the token it wants instead.
pub(super) fn check_login(server: &str, login: &Login, insecure: &[String]) -> Result<()> {
    let host = server.trim_start_matches("https://").trim_start_matches("http://");
    let host = host.split('/').next().unwrap_or(host);
    let host = if host.is_empty() || [DEFAULT.0, DEFAULT_LOGIN].contains(&host) { DEFAULT.1 } else { host };
    let runtime = runtime()?;
    let mut failed = None;
    for way in Way::all(host, insecure) {
        let url = format!("{}://{host}/v2/", way.scheme());
        match runtime.block_on(ask_login(way, &url, host, login)) {
            Ok(true) => return Ok(()),
            Ok(false) => return Err(PullError::Unauthorized { url }.into()),
            Err(text) => _ = failed.get_or_insert(PullError::Unreachable { url, text }),
        }
    }
    Err(failed.unwrap_or(PullError::NotImplemented("this registry")).into())
}

async fn ask_login(way: Way, url: &str, host: &str, login: &Login) -> std::result::Result<bool, String> {
    let told = |error: reqwest::Error| pontoon_types::chain(&error);
    let client = reqwest::Client::builder()
        .danger_accept_invalid_certs(way == Way::TlsUnchecked)
        .connect_timeout(CONNECT)
        .timeout(SILENCE);
    let client = client.build().map_err(told)?;
    let answer = client.get(url).basic_auth(&login.user, Some(&login.password)).send().await.map_err(told)?;
    match answer.status() {
        status if status.is_success() => Ok(true),
        reqwest::StatusCode::UNAUTHORIZED | reqwest::StatusCode::FORBIDDEN => {
            let challenge = answer.headers().get(reqwest::header::WWW_AUTHENTICATE);
            let bearer = challenge.and_then(|value| value.to_str().ok()).is_some_and(|text| text.starts_with("Bearer"));
            if !bearer {
                return Ok(false);
            }
            let client = Client::try_from(way.client()).map_err(|error| error.to_string())?;
            let any = Name::with_tag(host.to_owned(), "library/hello".to_owned(), "latest".to_owned());
            let token = client.auth(&any, &auth(login), oci_client::RegistryOperation::Pull).await;
            Ok(token.is_ok_and(|token| token.is_some()))
        }
        status => Err(format!("unexpected status: {status}")),
    }
}

/// One thread's runtime, and TLS by ring.
fn runtime() -> Result<Runtime> {
    // Somebody else may have chosen before; then that is what is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|cause| Error::Receive { cause })
}

fn auth(login: &Login) -> RegistryAuth {
    match (login.user.is_empty(), login.token.is_empty()) {
        (_, false) => RegistryAuth::Bearer(login.token.clone()),
        (true, true) => RegistryAuth::Anonymous,
        (false, true) => RegistryAuth::Basic(login.user.clone(), login.password.clone()),
    }
}

/// Whether a registry may be asked without TLS or with any certificate: those on this machine, and those of the settings,
/// which name hosts or networks.
fn is_insecure(host: &str, insecure: &[String]) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, _)) => inner,
        None => host.split(':').next().unwrap_or(host),
    };
    let address: Option<IpAddr> = name.parse().ok();
    let listed = |entry: &String| {
        let network = entry.parse::<pontoon_types::IpNet>().ok();
        entry == host
            || entry == name
            || network.zip(address).is_some_and(|(network, address)| network.contains(&address))
    };
    name == "localhost" || address.is_some_and(|address| address.is_loopback()) || insecure.iter().any(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_what_the_settings_name_is_insecure() {
        let listed = ["reg.test:5000".to_owned(), "10.0.0.0/8".to_owned(), "fd00::/8".to_owned()];
        for (host, insecure) in [
            ("localhost:5000", true),
            ("127.0.0.2:5000", true),
            ("[::1]:5000", true),
            ("reg.test:5000", true),
            ("10.1.2.3", true),
            ("[fd00::1]:80", true),
            ("reg.test", false),
            ("registry-1.docker.io", false),
            ("192.0.2.1:5000", false),
        ] {
            assert_eq!(is_insecure(host, &listed), insecure, "{host}");
        }
    }

    #[test]
    fn a_login_shows_no_password() {
        let login = Login { user: "me".into(), password: "secret".into(), token: "secret".into() };
        assert!(!format!("{login:?}").contains("secret"));
    }
}
