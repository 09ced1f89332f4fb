//! Long work with a client at the other end: large bodies in, lines or archives out, on a thread of its own.
//!
//! Owns: the bounded queues between the connection and the thread, and patience with slow clients. None of it holds one
//! of the slots of ordinary calls, and a client that neither sends nor reads is given up.

mod outlet;
mod upload;

pub(crate) use outlet::{Outlet, Piece};
pub(crate) use upload::Upload;

use crate::Failure;
use crate::reply::{self, Reply, StreamError};
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use pontoon_api_types::{ApiVersion, ProgressLine};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::Span;

/// How long a client may neither send nor read.
const PATIENCE: Duration = Duration::from_secs(300);
/// How many transfers run at once; others wait.
const AT_ONCE: usize = 16;
/// Pieces between the thread and the connection.
const QUEUE: usize = 16;

/// The transfers.
#[derive(Clone)]
pub(crate) struct Transfers(Arc<Semaphore>);

impl Default for Transfers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// What an answer is made of.
pub(crate) struct Form {
    pub(crate) content: &'static str,
    /// For lines the version they are written for: an error is a line too. Without, the stream breaks off.
    pub(crate) version: Option<ApiVersion>,
}

impl Transfers {
    /// Runs `work` on a thread. What it writes is the answer; an error before that is an answer of its own.
    pub(crate) async fn run<F>(&self, form: Form, work: F) -> Result<Reply, Failure>
    where
        F: FnOnce(&mut Outlet) -> Result<(), Failure> + Send + 'static,
    {
        let closed = |_| Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is shutting down");
        let turn = self.0.clone().acquire_owned().await.map_err(closed)?;
        let (sender, mut pieces) = mpsc::channel(QUEUE);
        let span = Span::current();
        let mut outlet = Outlet::new(sender, PATIENCE);
        // Ends with the client: nothing is read from it, or taken by it, for longer than patience lasts.
        tokio::task::spawn_blocking(move || {
            let done = span.in_scope(|| work(&mut outlet));
            if let Err(failure) = done {
                span.in_scope(|| tracing::debug!(message = failure.body.message, "transfer ended early"));
                outlet.fail(failure);
            }
        });
        let first = match pieces.recv().await {
            Some(Piece::Failed(failure)) => return Err(failure),
            Some(Piece::Data(bytes)) => Some(bytes),
            None => None,
        };
        Ok(reply::stream(form.content, body(first, pieces, form.version, turn)))
    }
}

fn body(
    first: Option<Bytes>,
    pieces: mpsc::Receiver<Piece>,
    version: Option<ApiVersion>,
    turn: OwnedSemaphorePermit,
) -> crate::ReplyBody {
    let begun = first.map(|bytes| Ok(Frame::data(bytes)));
    let rest = stream::unfold(Some((pieces, turn)), move |state| async move {
        let (mut pieces, turn) = state?;
        match (pieces.recv().await?, version) {
            (Piece::Data(bytes), _) => Some((Ok(Frame::data(bytes)), Some((pieces, turn)))),
            (Piece::Failed(failure), Some(version)) => {
                let line = ProgressLine::failed(&failure.body.message, version);
                Some((Ok(Frame::data(written(&line))), None))
            }
            (Piece::Failed(failure), None) => Some((Err(StreamError::from(failure.body.message)), None)),
        }
    });
    StreamBody::new(stream::StreamExt::chain(stream::iter(begun), rest)).boxed_unsync()
}

/// A line of progress as bytes.
pub(crate) fn written(line: &ProgressLine) -> Bytes {
    // Text and numbers always become JSON.
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.extend_from_slice(b"\r\n");
    bytes.into()
}
