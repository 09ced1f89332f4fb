//! Attaching to a container, over the bare connection or WebSocket.

use super::LongCall;
use super::logs::{TELLS_FRAMES, written};
use crate::api::Inner;
use crate::reply::Reply;
use crate::stream::attachment::opened;
use crate::stream::carry::{AtEnd, Ended, Session, carry, part};
use crate::stream::detach::Keys;
use crate::stream::frame::{Piece, Source};
use crate::stream::websocket;
use crate::takeover::{self, Taken};
use crate::{Attached, Failure, LogWish, Logs};
use futures_util::{Stream, StreamExt, future, stream};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// How long a process may go on that closed its output.
const SETTLE: Duration = Duration::from_secs(2);

/// What a client asked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) stdin: bool,
    pub(super) stdout: bool,
    pub(super) stderr: bool,
}

/// All there is to a session, opened before the connection is taken over so that errors are answers.
struct Opened {
    wanted: Wanted,
    keys: Keys,
    attached: Option<Attached>,
    logs: Option<Logs>,
    tty: bool,
}

impl Inner {
    pub(super) fn attach(self: &Arc<Self>, id: &str, long: &LongCall) -> Result<Reply, Failure> {
        let opened = self.open(id, long)?;
        let multiplexed = !opened.tty && long.call.version >= TELLS_FRAMES;
        let framed = !opened.tty;
        Ok(takeover::raw(&long.headers, multiplexed, move |taken| opened.run(taken, framed)))
    }

    pub(super) fn attach_websocket(self: &Arc<Self>, id: &str, long: &LongCall) -> Result<Reply, Failure> {
        let accepted = websocket::accept(&long.headers)?;
        let opened = self.open(id, long)?;
        // Messages have no frames of Docker's, whatever the container is.
        Ok(takeover::switched(accepted, move |taken| websocket::over(taken, move |taken| opened.run(taken, false))))
    }

    fn open(self: &Arc<Self>, id: &str, long: &LongCall) -> Result<Opened, Failure> {
        let query = &long.call.query;
        let keys = Keys::parse(query.get("detachKeys"))?;
        let wanted = Wanted { stdin: query.flag("stdin"), stdout: query.flag("stdout"), stderr: query.flag("stderr") };
        let (stream, past) = (query.flag("stream"), query.flag("logs"));
        let containers = &self.containers;
        let tty = containers.container(id)?.definition.config.tty;
        let wish = LogWish { stdout: wanted.stdout, stderr: wanted.stderr, ..LogWish::default() };
        let logs = if past { Some(containers.logs(id, wish)?) } else { None };
        let attached = if stream { Some(containers.attach(id, wanted.stdin)?) } else { None };
        Ok(Opened { wanted, keys, attached, logs, tty })
    }
}

impl Opened {
    async fn run(self, mut taken: Taken, framed: bool) {
        let Self { wanted, keys, attached, logs, tty } = self;
        if let Some(logs) = logs {
            let mut past = std::pin::pin!(written(logs, framed));
            while let Some(bytes) = past.next().await {
                if taken.output.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        }
        match attached {
            Some(attached) => follow(taken, attached, wanted, keys, framed && !tty).await,
            None => part(taken.input, taken.output).await,
        }
    }
}

/// Carries the streams of a process to their end, once they are there.
pub(super) async fn follow(taken: Taken, attached: Attached, wanted: Wanted, keys: Keys, framed: bool) {
    let Attached { tty, closes_stdin, attachment, settled, ended, .. } = attached;
    let attachment = tokio::select! {
        attachment = attachment => attachment,
        () = taken.peer.hung_up() => None,
    };
    let streams = attachment.and_then(|attachment| {
        opened(attachment).inspect_err(|error| tracing::warn!(%error, "cannot follow a container's streams")).ok()
    });
    let Some((output, stdin)) = streams else {
        part(taken.input, taken.output).await;
        return ended(false);
    };
    let session = Session {
        framed,
        stdin: stdin.filter(|_| wanted.stdin),
        at_end: if closes_stdin && !tty { AtEnd::CloseStdin } else { AtEnd::Leave },
        keys: tty.then_some(keys),
    };
    // The output is only over when the process is, unless it closed it before.
    let last = stream::once(async { drop(tokio::time::timeout(SETTLE, settled).await) });
    let output = chosen(output, wanted).chain(last.filter_map(|()| future::ready(None)));
    let how = carry(taken, output, session).await;
    ended(matches!(how, Ended::Detached | Ended::Left | Ended::Gone));
}

/// Only what the client asked for.
fn chosen(output: impl Stream<Item = Piece> + Send, wanted: Wanted) -> impl Stream<Item = Piece> + Send {
    output.filter(move |(source, _)| {
        future::ready(match source {
            Source::Stdout => wanted.stdout,
            Source::Stderr => wanted.stderr,
        })
    })
}
