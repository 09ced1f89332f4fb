//! News for watchers of the model. Bursts are merged: a change that is waiting already is not added again.

use crate::{Change, Changes, NetnsOwner, Result};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<VecDeque<Change>>,
    woken: Condvar,
}

impl Queue {
    fn push(&self, change: &Change) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.contains(change) {
            waiting.push_back(change.clone());
            self.woken.notify_all();
        }
    }
}

/// Everybody who listens.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    queues: Vec<Weak<Queue>>,
}

impl Watchers {
    /// A new listener.
    pub fn listen(&mut self) -> Box<dyn Changes> {
        let queue = Arc::new(Queue::default());
        self.queues.push(Arc::downgrade(&queue));
        Box::new(Watcher { queue })
    }

    /// Tells everybody; those who listen no longer are forgotten.
    pub fn tell(&mut self, change: &Change) {
        self.queues.retain(|queue| {
            queue.upgrade().is_some_and(|queue| {
                queue.push(change);
                true
            })
        });
    }
}

/// One listener. Every owner's going is told, followed or not: the followed ones are what matters to the caller.
struct Watcher {
    queue: Arc<Queue>,
}

impl Changes for Watcher {
    fn next(&mut self, timeout: Duration) -> Result<Option<Change>> {
        let deadline = Instant::now() + timeout;
        let mut waiting = self.queue.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(change) = waiting.pop_front() {
                return Ok(Some(change));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            waiting = self.queue.woken.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn follow(&mut self, _owners: &[NetnsOwner]) -> Result<()> {
        Ok(())
    }
}
