//! Requests over the unix socket, one connection each, blocking.

use crate::answer::Answer;
use crate::hijack::Hijacked;
use crate::stream::Stream;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};

/// How long any answer may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A client at one API version. Clones and threads may use it at the same time.
#[derive(Clone)]
pub struct Http {
    socket: PathBuf,
    version: String,
}

impl Http {
    /// A client of the engine at `socket` that asks for `version`.
    pub fn new(socket: PathBuf, version: &str) -> Self {
        Self { socket, version: version.to_owned() }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    /// The same at another version; an empty one leaves it out of paths.
    pub fn at(&self, version: &str) -> Self {
        Self::new(self.socket.clone(), version)
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None)
    }

    /// `GET` with a query.
    pub fn get_with(&self, path: &str, query: &[(&str, &str)]) -> Answer {
        self.get(&with_query(path, query))
    }

    /// `HEAD`.
    pub fn head(&self, path: &str) -> Answer {
        self.send(Method::HEAD, path, None)
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None)
    }

    /// `POST` without a body.
    pub fn post(&self, path: &str) -> Answer {
        self.send(Method::POST, path, None)
    }

    /// `POST` of JSON.
    pub fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(("application/json", body.to_string().into())))
    }

    /// Any request with a body of any type.
    pub fn send(&self, method: Method, path: &str, body: Option<(&str, Bytes)>) -> Answer {
        let asked = format!("{method} {path}");
        let request = self.request(method, path, body, false);
        runtime().block_on(within(&asked, async {
            let response = self.begin(request).await;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Answer { asked: asked.clone(), status: parts.status.as_u16(), headers: parts.headers, body }
        }))
    }

    /// `GET` of something that goes on; it must begin with a success.
    #[track_caller]
    pub fn stream(&self, path: &str) -> Stream {
        let runtime = runtime();
        let request = self.request(Method::GET, path, None, false);
        let response = runtime.block_on(within(path, self.begin(request)));
        assert_eq!(response.status(), 200, "{path}");
        Stream::new(runtime, path, response.into_body())
    }

    /// `POST` of something that takes the connection over; it must do so, or say why not.
    pub fn hijack(&self, path: &str, body: Option<&Value>) -> Result<Hijacked, Box<Answer>> {
        let runtime = runtime();
        let body = body.map(|body| ("application/json", body.to_string().into()));
        let request = self.request(Method::POST, path, body, true);
        let response = runtime.block_on(within(path, self.begin(request)));
        if response.status() == 101 {
            let kind = response.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
            let connection = runtime.block_on(within(path, hyper::upgrade::on(response))).unwrap();
            return Ok(Hijacked::new(runtime, path, kind, connection));
        }
        let (parts, body) = response.into_parts();
        let body = runtime.block_on(within(path, body.collect())).unwrap().to_bytes();
        Err(Box::new(Answer {
            asked: format!("POST {path}"),
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }))
    }

    fn request(&self, method: Method, path: &str, body: Option<(&str, Bytes)>, upgrade: bool) -> Request<Full<Bytes>> {
        let version = if self.version.is_empty() { String::new() } else { format!("/v{}", self.version) };
        let mut request =
            Request::builder().method(method).uri(format!("{version}{path}")).header(header::HOST, "engine");
        if upgrade {
            request = request.header(header::CONNECTION, "Upgrade").header(header::UPGRADE, "tcp");
        }
        if let Some((kind, _)) = body {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        request.body(Full::new(body.map(|(_, body)| body).unwrap_or_default())).unwrap()
    }

    async fn begin(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        let stream = UnixStream::connect(&self.socket).await.unwrap();
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        sender.send_request(request).await.unwrap()
    }
}

/// A path with a query.
pub(crate) fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// `work`, which must be done in a while.
pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}
