//! The way outside for a client's question: a place among those on their way, and the reply in the end.

use super::sandbox::{Sandbox, View};
use crate::forward::{Answered, Shared};
use crate::wire::header::rcode;
use crate::wire::question::Question;
use crate::wire::reply;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A place among the queries on their way. Dropping it gives it back.
pub(crate) struct Slot {
    shared: Arc<Shared>,
    sandbox: Arc<Sandbox>,
}

impl Slot {
    /// Takes a place, if the sandbox and all together have fewer than they may.
    pub(crate) fn take(shared: &Arc<Shared>, sandbox: &Arc<Sandbox>) -> Option<Self> {
        let settings = &shared.settings;
        if !take_one(&sandbox.on_their_way, settings.forwards_per_sandbox) {
            return None;
        }
        if !take_one(&shared.on_their_way, settings.forwards_in_total) {
            sandbox.on_their_way.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Self { shared: Arc::clone(shared), sandbox: Arc::clone(sandbox) })
    }

    /// Asks outside and appends the reply to `out`.
    pub(crate) async fn ask(self, view: &View, question: &Question, out: &mut Vec<u8>) {
        self.shared.counters.forwarded.one();
        match view.servers.ask(&self.shared, question).await {
            Some(answered) => told(view, &answered, question, out),
            None => {
                self.shared.counters.failed.one();
                reply::failure(question, rcode::SERVFAIL, out);
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.sandbox.on_their_way.fetch_sub(1, Ordering::Relaxed);
        self.shared.on_their_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Appends what servers outside said before; `false` when they said nothing that still counts.
pub(crate) fn recall(shared: &Shared, view: &View, question: &Question, out: &mut Vec<u8>) -> bool {
    let Some(answered) = view.servers.remembered(shared, question) else { return false };
    shared.counters.answered_from_cache.one();
    told(view, &answered, question, out);
    true
}

/// Appends a refusal because there are too many.
pub(crate) fn refuse(shared: &Shared, question: &Question, out: &mut Vec<u8>) {
    shared.counters.refused.one();
    reply::failure(question, rcode::REFUSED, out);
}

fn told(view: &View, answered: &Answered, question: &Question, out: &mut Vec<u8>) {
    if question.wants_addresses() {
        answered.response.addresses().for_each(|(name, address)| view.names.heard_outside(&name, address));
    }
    reply::forwarded(&answered.response, answered.age, question, out);
}

fn take_one(count: &AtomicUsize, limit: usize) -> bool {
    let more = |taken: usize| (taken < limit).then_some(taken + 1);
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}
