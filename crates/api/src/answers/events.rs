//! The event stream: what happened, then what happens, until the end of the window, of the client or of the daemon.

use super::Call;
use crate::Failure;
use crate::api::Inner;
use crate::query::{EventFilter, EventWindow};
use crate::reply::{self, Reply, StreamError};
use crate::serve::Peer;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use pontoon_api_types::{ApiVersion, EventMessage};
use pontoon_types::Event;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

/// Below this version events carry their older fields too.
const WITHOUT_LEGACY: ApiVersion = ApiVersion::v1(52);

/// How many streams are open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listeners(Arc<AtomicI64>);

impl Listeners {
    pub(crate) fn count(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn enter(&self) -> Listening {
        self.0.fetch_add(1, Ordering::Relaxed);
        Listening(self.clone())
    }
}

/// One open stream, counted until dropped.
struct Listening(Listeners);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A client that reads too slowly. The stream breaks off, so that the client knows and asks again with `since`.
#[derive(Debug, thiserror::Error)]
#[error("the client fell {0} events behind")]
struct Lagged(u64);

/// How events are written.
#[derive(Clone, Copy)]
struct Form {
    content: &'static str,
    legacy: bool,
}

impl Form {
    /// What the client prefers of what there is; the order is Docker's.
    fn of(headers: &HeaderMap, version: ApiVersion) -> Self {
        let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let wants =
            |content: &&&str| accepted.split(',').any(|one| one.split(';').next().unwrap_or(one).trim() == **content);
        let content = ["application/jsonl", "application/x-ndjson", "application/json-seq"].iter().find(wants);
        Self { content: content.copied().unwrap_or("application/json"), legacy: version < WITHOUT_LEGACY }
    }

    fn write(self, event: &Event) -> Bytes {
        let message = EventMessage::from(event);
        let message = if self.legacy { message.with_legacy() } else { message };
        let mut line = Vec::with_capacity(512);
        if self.content == "application/json-seq" {
            // RFC 7464: each text begins with a record separator.
            line.push(0x1e);
        }
        // Text and numbers always become JSON, and a vector always takes it.
        let _ = serde_json::to_writer(&mut line, &message);
        line.push(b'\n');
        line.into()
    }
}

/// An open stream.
struct Feed {
    past: VecDeque<Bytes>,
    live: Option<broadcast::Receiver<Arc<Event>>>,
    deadline: Option<Instant>,
    filter: EventFilter,
    form: Form,
    peer: Option<Peer>,
    closing: watch::Receiver<bool>,
    _listening: Listening,
}

impl Feed {
    /// The next event as a piece of the body; `None` at the end.
    async fn next(&mut self) -> Option<Result<Bytes, Lagged>> {
        if let Some(line) = self.past.pop_front() {
            return Some(Ok(line));
        }
        let live = self.live.as_mut()?;
        let deadline = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let gone = async {
            match &self.peer {
                Some(peer) => peer.closed().await,
                None => std::future::pending().await,
            }
        };
        // An error means that nobody can close any more; then closing is not waited for.
        let closing = async {
            if self.closing.wait_for(|closing| *closing).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::pin!(deadline, gone, closing);
        loop {
            tokio::select! {
                biased;
                () = &mut closing => return None,
                () = &mut gone => return None,
                () = &mut deadline => return None,
                event = live.recv() => match event {
                    Ok(event) if self.filter.takes(&event) => return Some(Ok(self.form.write(&event))),
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(missed)) => return Some(Err(Lagged(missed))),
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
            }
        }
    }
}

impl Inner {
    /// Opens a stream. The headers go out at once, whether or not there is anything to tell.
    pub(crate) fn events(&self, call: &Call, headers: &HeaderMap, peer: Option<Peer>) -> Result<Reply, Failure> {
        let now = SystemTime::now();
        let window = EventWindow::new(&call.query, now)?;
        let filter = EventFilter::new(call.query.filters()?)?;
        let form = Form::of(headers, call.version);
        let (past, live) = self.engine().events();
        let told = past.iter().filter(|event| window.replays(event) && filter.takes(event));
        let left = window.until.map(|until| until.duration_since(now));
        let feed = Feed {
            past: told.map(|event| form.write(event)).collect(),
            // A window that is over has nothing to wait for.
            live: Some(live).filter(|_| !matches!(left, Some(Err(_)))),
            deadline: left.and_then(Result::ok).and_then(|left| Instant::now().checked_add(left)),
            filter,
            form,
            peer,
            closing: self.closing.subscribe(),
            _listening: self.listeners.enter(),
        };
        let frames = stream::unfold(Some(feed), |feed| async {
            let mut feed = feed?;
            match feed.next().await? {
                Ok(line) => Some((Ok(Frame::data(line)), Some(feed))),
                Err(lagged) => {
                    tracing::warn!(%lagged, "event stream broken off");
                    Some((Err(StreamError::from(lagged)), None))
                }
            }
        });
        Ok(reply::stream(form.content, StreamBody::new(frames).boxed_unsync()))
    }
}
