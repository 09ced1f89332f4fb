//! The client: one daemon, one API version, and raw calls.
//!
//! Owns: paths with their version, status to error. The typed calls are in `calls`.

use crate::wire::{Answer, Wire};
use crate::{ApiError, Error, EventStream, Host, TlsFiles};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use pontoon_api_types::{ApiVersion, ErrorResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Response {
    /// The body as text; bytes that are none are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body read as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|cause| Error::Answer(Box::new(cause)))
    }

    /// Itself when the status tells of success, else the error in its body.
    pub fn success(self) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        let told: ErrorResponse = serde_json::from_slice(&self.body).unwrap_or_default();
        let message = match (told.message.as_str(), self.text().trim()) {
            ("", "") => format!("the daemon answered {}", self.status),
            ("", text) => text.to_owned(),
            (message, _) => message.to_owned(),
        };
        Err(ApiError { status: self.status.as_u16(), message, hint: told.hint }.into())
    }
}

/// A client of one daemon. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    wire: Arc<Wire>,
    version: ApiVersion,
    timeout: Option<Duration>,
}

impl Client {
    /// A client of the daemon at `host`, without TLS. Nothing is connected yet.
    pub fn new(host: Host) -> Self {
        Self { wire: Arc::new(Wire::new(host, None)), version: ApiVersion::MAX, timeout: None }
    }

    /// A client of the daemon at `host` over TLS. Fails when a file cannot be used. A unix socket stays without TLS.
    pub fn with_tls(host: Host, files: &TlsFiles) -> Result<Self, Error> {
        let wire = Wire::new(host, Some(files.config()?));
        Ok(Self { wire: Arc::new(wire), version: ApiVersion::MAX, timeout: None })
    }

    /// The same with connections of its own.
    pub fn apart(&self) -> Self {
        Self { wire: Arc::new(self.wire.apart()), ..self.clone() }
    }

    /// The same, asking for another API version than the newest.
    pub fn at_version(mut self, version: ApiVersion) -> Self {
        self.version = version;
        self
    }

    /// The same, giving up on a call after `timeout`. Event streams only have to begin in that time.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The API version in use.
    pub fn version(&self) -> ApiVersion {
        self.version
    }

    /// `GET` of a path as it stands, version included if wanted. Any status is an answer.
    pub async fn get(&self, path: &str) -> Result<Response, Error> {
        self.call(Method::GET, path, None).await
    }

    /// `HEAD` of a path as it stands.
    pub async fn head(&self, path: &str) -> Result<Response, Error> {
        self.call(Method::HEAD, path, None).await
    }

    /// `DELETE` of a path as it stands.
    pub async fn delete(&self, path: &str) -> Result<Response, Error> {
        self.call(Method::DELETE, path, None).await
    }

    /// `POST` to a path as it stands, with a JSON body; `None` sends no body and no content type.
    pub async fn post(&self, path: &str, body: Option<&[u8]>) -> Result<Response, Error> {
        self.call(Method::POST, path, body).await
    }

    /// Any request; the path's host and version are the caller's.
    pub async fn request(&self, request: Request<Full<Bytes>>) -> Result<Response, Error> {
        self.in_time(async {
            let Answer { response, sender } = self.wire.send(request).await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(Error::Http)?.to_bytes();
            self.wire.keep(sender);
            Ok(Response { status: parts.status, headers: parts.headers, body })
        })
        .await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&[u8]>) -> Result<Response, Error> {
        self.request(built(method, path, body)?).await
    }

    /// A call below `/v1.xx` whose answer must be a success.
    pub(crate) async fn engine(&self, method: Method, path: &str, body: Option<&[u8]>) -> Result<Response, Error> {
        self.call(method, &format!("/v{}{path}", self.version), body).await?.success()
    }

    /// A call of our own API whose answer must be a success.
    pub(crate) async fn own(&self, method: Method, path: &str, body: Option<&[u8]>) -> Result<Response, Error> {
        self.call(method, &format!("/pontoon/v1{path}"), body).await?.success()
    }

    pub(crate) async fn stream(&self, path: &str) -> Result<EventStream, Error> {
        let request = built(Method::GET, &format!("/v{}{path}", self.version), None)?;
        let Answer { response, sender } = self.in_time(self.wire.send(request)).await?;
        if response.status().is_success() {
            return Ok(EventStream::new(response.into_body(), sender));
        }
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(Error::Http)?.to_bytes();
        match (Response { status: parts.status, headers: parts.headers, body }).success() {
            Err(error) => Err(error),
            Ok(answer) => Err(Error::Answer(format!("unexpected status {}", answer.status).into())),
        }
    }

    async fn in_time<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match self.timeout {
            None => call.await,
            Some(limit) => tokio::time::timeout(limit, call).await.unwrap_or(Err(Error::Timeout(limit))),
        }
    }
}

fn built(method: Method, path: &str, body: Option<&[u8]>) -> Result<Request<Full<Bytes>>, Error> {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "pontoon");
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    request.body(Full::new(Bytes::copy_from_slice(body.unwrap_or_default()))).map_err(Error::Request)
}

/// A body as JSON.
pub(crate) fn json(body: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(body).map_err(|cause| Error::Answer(Box::new(cause)))
}
