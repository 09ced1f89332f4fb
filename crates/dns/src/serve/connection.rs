//! Queries over TCP (RFC 7766): several at a time on one connection, answered as answers come.
//!
//! Owns: what a connection may cost: its number, its silence, its queries at a time.

use super::outside::{self, Slot};
use super::sandbox::Sandbox;
use crate::answer::{Action, Scratch, Transport, answer};
use crate::forward::Shared;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::io;
use std::net::TcpStream as StdStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Queries of one connection that may be on their way; what comes meanwhile waits in the kernel.
const AT_A_TIME: usize = 32;

/// Bytes of answers that may be ready before they are written: a client that does not read is not served further.
const OUTPUT: usize = 64 << 10;

/// Counts a connection; dropping it counts it out.
struct Ticket(Arc<Sandbox>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves a connection until it ends. One too many is closed at once.
pub(super) fn accept(
    shared: &Arc<Shared>,
    sandbox: &Arc<Sandbox>,
    stream: StdStream,
) -> Option<impl Future<Output = ()> + Send + use<>> {
    let ticket = Ticket(Arc::clone(sandbox));
    if sandbox.connections.fetch_add(1, Ordering::Relaxed) >= shared.settings.connections_per_sandbox {
        shared.counters.connections_refused.one();
        return None;
    }
    let (shared, sandbox) = (Arc::clone(shared), Arc::clone(sandbox));
    Some(async move {
        tokio::select! {
            biased;
            () = sandbox.closed() => {}
            ended = converse(&shared, ticket, stream) => if let Err(error) = ended {
                tracing::trace!(%error, "a connection to the resolver broke");
            },
        }
    })
}

/// What came and was not read yet, and the means to answer it.
struct Conversation<'c> {
    shared: &'c Arc<Shared>,
    ticket: Ticket,
    scratch: Scratch,
    input: Vec<u8>,
    output: Vec<u8>,
}

async fn converse(shared: &Arc<Shared>, ticket: Ticket, stream: StdStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let mut stream = TcpStream::from_std(stream)?;
    let (mut from_client, mut to_client) = stream.split();
    let idle = shared.settings.idle_timeout;
    let (scratch, input, output) = (Scratch::default(), Vec::new(), Vec::new());
    // Dropped before the stream: a client that sees the end may connect again.
    let mut conversation = Conversation { shared, ticket, scratch, input, output };
    let (mut on_their_way, mut ended) = (FuturesUnordered::new(), false);
    loop {
        while on_their_way.len() < AT_A_TIME
            && conversation.output.len() < OUTPUT
            && let Some(message) = conversation.next_message()
        {
            on_their_way.extend(conversation.reply(&message));
        }
        if !conversation.output.is_empty() {
            timeout(idle, to_client.write_all(&conversation.output)).await??;
            conversation.output.clear();
            continue;
        }
        if ended && on_their_way.is_empty() {
            return to_client.shutdown().await;
        }
        tokio::select! {
            biased;
            Some(reply) = on_their_way.next(), if !on_their_way.is_empty() => conversation.output = reply,
            read = from_client.read_buf(&mut conversation.input), if !ended && on_their_way.len() < AT_A_TIME => {
                ended = read? == 0;
            }
            () = sleep(idle) => if on_their_way.is_empty() {
                return Ok(());
            },
        }
    }
}

impl Conversation<'_> {
    /// Takes the next whole message out of what came.
    fn next_message(&mut self) -> Option<Vec<u8>> {
        let length = usize::from(crate::wire::u16_at(&self.input, 0)?);
        let message = self.input.get(2..2 + length)?.to_vec();
        self.input.drain(..2 + length);
        Some(message)
    }

    /// Appends the reply to what is sent next, or returns what will have it later.
    fn reply(&mut self, message: &[u8]) -> Option<impl Future<Output = Vec<u8>> + Send + use<>> {
        let view = self.ticket.0.view.load_full();
        let start = self.output.len();
        self.output.extend_from_slice(&[0, 0]);
        let counters = &self.shared.counters;
        counters.tcp_queries.one();
        let terms = view.terms(Transport::Tcp);
        let question = match answer(message, &view.names, terms, &mut self.scratch, &mut self.output) {
            Action::Answered => {
                counters.answered_locally.one();
                None
            }
            Action::Rejected => {
                counters.rejected.one();
                None
            }
            Action::Ignore => {
                counters.ignored.one();
                self.output.truncate(start);
                return None;
            }
            Action::Forward(question) => Some(question),
        };
        let Some(question) =
            question.filter(|question| !outside::recall(self.shared, &view, question, &mut self.output))
        else {
            frame(&mut self.output, start);
            return None;
        };
        let Some(slot) = Slot::take(self.shared, &self.ticket.0) else {
            outside::refuse(self.shared, &question, &mut self.output);
            frame(&mut self.output, start);
            return None;
        };
        self.output.truncate(start);
        Some(async move {
            let mut output = vec![0, 0];
            slot.ask(&view, &question, &mut output).await;
            frame(&mut output, 0);
            output
        })
    }
}

/// Writes the length before the message that was appended after `start`.
fn frame(output: &mut [u8], start: usize) {
    // Replies over TCP are at most 65535 bytes long.
    let length = u16::try_from(output.len() - start - 2).unwrap_or(u16::MAX);
    crate::wire::put_u16(output, start, length);
}
