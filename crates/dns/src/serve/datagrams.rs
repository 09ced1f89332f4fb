//! Queries in datagrams: the path that millions of lookups take.
//!
//! Owns: nothing that waits. What names or memory answer is answered here, on the thread that received it; the rest is
//! handed on.

use super::batch::{Batch, SIZE};
use super::outside::{self, Slot};
use super::sandbox::{Sandbox, View};
use crate::answer::{Action, Scratch, Transport, answer};
use crate::forward::Shared;
use crate::wire::question::Question;
use nix::sys::socket::SockaddrIn;
use std::net::SocketAddrV4;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Batches that one sandbox gets before it is another's turn.
const ROUNDS: usize = 4;

/// One thread's means for answering datagrams.
pub(crate) struct Datagrams {
    batch: Batch,
    scratch: Scratch,
    forwarding: Handle,
}

/// What a batch came to, counted once for all of it.
#[derive(Default)]
struct Tally {
    answered: usize,
    rejected: usize,
    ignored: usize,
}

impl Datagrams {
    pub(crate) fn new(forwarding: Handle) -> Self {
        Self { batch: Batch::new(), scratch: Scratch::default(), forwarding }
    }

    /// Answers what has come for a sandbox.
    pub(crate) fn serve(&mut self, shared: &Arc<Shared>, sandbox: &Arc<Sandbox>) {
        for _ in 0..ROUNDS {
            let received = self.batch.receive(&sandbox.udp);
            if received > 0 {
                self.serve_batch(shared, sandbox, received);
            }
            if received < SIZE {
                return;
            }
        }
    }

    fn serve_batch(&mut self, shared: &Arc<Shared>, sandbox: &Arc<Sandbox>, received: usize) {
        let view = sandbox.view.load();
        let mut tally = Tally::default();
        for index in 0..received {
            let Some((message, from, out)) = self.batch.datagram(index) else { continue };
            let start = out.len();
            match answer(message, &view.names, view.terms(Transport::Udp), &mut self.scratch, out) {
                Action::Answered => tally.answered += 1,
                Action::Rejected => tally.rejected += 1,
                Action::Ignore => {
                    tally.ignored += 1;
                    continue;
                }
                Action::Forward(question) => {
                    if !forward(shared, sandbox, &view, &self.forwarding, question, from, out) {
                        continue;
                    }
                }
            }
            self.batch.answer(from, start);
        }
        self.batch.send(&sandbox.udp);
        let counters = &shared.counters;
        counters.udp_queries.add(received);
        counters.answered_locally.add(tally.answered);
        counters.rejected.add(tally.rejected);
        counters.ignored.add(tally.ignored);
    }
}

/// Answers from memory, or hands the question on. Tells whether there is an answer already.
fn forward(
    shared: &Arc<Shared>,
    sandbox: &Arc<Sandbox>,
    view: &Arc<View>,
    forwarding: &Handle,
    question: Question,
    from: SockaddrIn,
    out: &mut Vec<u8>,
) -> bool {
    if outside::recall(shared, view, &question, out) {
        return true;
    }
    let Some(slot) = Slot::take(shared, sandbox) else {
        outside::refuse(shared, &question, out);
        return true;
    };
    let (sandbox, view) = (Arc::clone(sandbox), Arc::clone(view));
    // Nobody waits for it: it ends by itself in bounded time, and with the sandbox. Their number is bounded by slots.
    forwarding.spawn(async move {
        let mut reply = Vec::new();
        tokio::select! {
            biased;
            () = sandbox.closed() => return,
            () = slot.ask(&view, &question, &mut reply) => {}
        }
        if let Err(error) = sandbox.udp.send_to(&reply, SocketAddrV4::from(from)) {
            tracing::trace!(%error, "an answer could not be sent");
        }
    });
    false
}
