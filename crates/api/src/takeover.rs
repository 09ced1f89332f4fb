//! Taking a connection over: after such an answer its bytes are no HTTP any more (Docker's "hijack").
//!
//! Owns: the answer's head, and handing the connection to whoever asked for it. hyper is not told: its upgrades exist for
//! status 101 alone, and clients that ask without `Upgrade` get 200 and the bare connection too. The connection's own
//! task goes on with it, so nothing outlives the connection or the daemon.

use crate::reply::{self, Reply};
use crate::serve::Peer;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CONNECTION, CONTENT_TYPE, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::fmt::Write as _;
use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What comes from the client.
pub(crate) type Input = Box<dyn AsyncRead + Send + Unpin>;
/// What goes to the client.
pub(crate) type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// A connection that was taken over.
pub(crate) struct Taken {
    pub(crate) input: Input,
    pub(crate) output: Output,
    /// For noticing that the client is gone while nothing is read.
    pub(crate) peer: Peer,
}

type Go = Box<dyn FnOnce(Taken) -> BoxFuture<'static, ()> + Send>;

/// Travels with an answer from the call to the connection. Extensions must be cloneable, so it is shared; it goes once.
#[derive(Clone)]
pub(crate) struct Takeover(Arc<Mutex<Option<Go>>>);

impl Takeover {
    fn new<F: Future<Output = ()> + Send + 'static>(go: impl FnOnce(Taken) -> F + Send + 'static) -> Self {
        let go: Go = Box::new(|taken| Box::pin(go(taken)));
        Self(Arc::new(Mutex::new(Some(go))))
    }

    fn take(&self) -> Option<Go> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// An answer after which `go` has the connection: 101 for clients that ask for an upgrade, 200 for others. Both have the
/// content type by which clients know whether the stream is multiplexed.
pub(crate) fn raw<F>(headers: &HeaderMap, multiplexed: bool, go: impl FnOnce(Taken) -> F + Send + 'static) -> Reply
where
    F: Future<Output = ()> + Send + 'static,
{
    let upgrade = headers.contains_key(UPGRADE);
    let mut reply = reply::empty(if upgrade { StatusCode::SWITCHING_PROTOCOLS } else { StatusCode::OK });
    let content = if multiplexed && upgrade { MULTIPLEXED } else { RAW };
    let answer = reply.headers_mut();
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(content));
    if upgrade {
        answer.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        answer.insert(UPGRADE, HeaderValue::from_static("tcp"));
    }
    reply.extensions_mut().insert(Takeover::new(go));
    reply
}

/// The same for another protocol, whose headers are given.
pub(crate) fn switched<F>(headers: HeaderMap, go: impl FnOnce(Taken) -> F + Send + 'static) -> Reply
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut reply = reply::empty(StatusCode::SWITCHING_PROTOCOLS);
    *reply.headers_mut() = headers;
    reply.extensions_mut().insert(Takeover::new(go));
    reply
}

/// Content type of a stream that is one terminal's bytes.
pub(crate) const RAW: &str = "application/vnd.docker.raw-stream";
/// Content type of a stream in frames.
pub(crate) const MULTIPLEXED: &str = "application/vnd.docker.multiplexed-stream";

/// An answer that takes its connection over, ready to go.
pub(crate) struct Departure {
    head: String,
    go: Go,
}

impl Departure {
    /// Looks whether the answer takes the connection over.
    pub(crate) fn of(reply: &Reply) -> Option<Self> {
        let go = reply.extensions().get::<Takeover>()?.take()?;
        Some(Self { head: head(reply.status(), reply.headers()), go })
    }

    /// Sends the head and hands the connection over, to its end. `early` is what the client already sent.
    pub(crate) async fn run(self, early: Bytes, input: Input, mut output: Output, peer: Peer) {
        if let Err(error) = output.write_all(self.head.as_bytes()).await {
            tracing::debug!(%error, "the client left before its stream began");
            return;
        }
        let input: Input = if early.is_empty() { input } else { Box::new(Cursor::new(early).chain(input)) };
        (self.go)(Taken { input, output, peer }).await;
    }
}

/// The head as Docker writes it.
fn head(status: StatusCode, headers: &HeaderMap) -> String {
    let reason = if status == StatusCode::SWITCHING_PROTOCOLS { "UPGRADED" } else { "OK" };
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16());
    for (name, value) in headers {
        // Writing to a string cannot fail. Go reads header names in any case; people read these.
        let _ = write!(head, "{}: {}\r\n", titled(name.as_str()), value.to_str().unwrap_or_default());
    }
    head.push_str("\r\n");
    head
}

fn titled(name: &str) -> String {
    let part = |part: &str| part[..1].to_ascii_uppercase() + &part[1..];
    name.split('-').map(|p| if p.is_empty() { String::new() } else { part(p) }).collect::<Vec<_>>().join("-")
}

/// Whether the answer will take its connection over; such answers carry no headers of the daemon, as in Docker.
pub(crate) fn takes_over(reply: &Reply) -> bool {
    reply.extensions().get::<Takeover>().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(upgrade: bool, multiplexed: bool) -> String {
        let mut headers = HeaderMap::new();
        if upgrade {
            headers.insert(UPGRADE, HeaderValue::from_static("tcp"));
        }
        let reply = raw(&headers, multiplexed, |_| async {});
        let departure = Departure::of(&reply).unwrap();
        assert!(Departure::of(&reply).is_none(), "a connection is taken over once");
        departure.head
    }

    #[test]
    fn the_heads_are_dockers_to_the_letter() {
        assert_eq!(
            answered(true, true),
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        );
        assert_eq!(
            answered(true, false),
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        );
        for multiplexed in [true, false] {
            assert_eq!(
                answered(false, multiplexed),
                "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
            );
        }
    }
}
