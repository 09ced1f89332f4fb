//! The core's blocking calls, on threads made for it, a bounded number at once.
//!
//! Owns: the queues. Looking has a queue of its own, so that it never waits behind slow changes. Waiting calls cost no
//! thread.

use crate::Failure;
use http::StatusCode;
use tokio::sync::Semaphore;
use tracing::Span;

/// How many calls run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkLimits {
    /// Calls that look.
    pub reads: usize,
    /// Calls that change something.
    pub writes: usize,
}

/// Which queue a call stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    Reads,
    Writes,
}

impl Default for WorkLimits {
    fn default() -> Self {
        Self { reads: 8, writes: 32 }
    }
}

/// The queues.
pub(crate) struct Work {
    reads: Semaphore,
    writes: Semaphore,
}

impl Work {
    pub(crate) fn new(limits: WorkLimits) -> Self {
        let places = |places: usize| Semaphore::new(places.max(1));
        Self { reads: places(limits.reads), writes: places(limits.writes) }
    }

    /// Runs `call` when it is its turn. Once begun it runs to its end, whatever the client does.
    pub(crate) async fn run<T, F>(&self, queue: Queue, call: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Failure> + Send + 'static,
    {
        let queue = match queue {
            Queue::Reads => &self.reads,
            Queue::Writes => &self.writes,
        };
        let closed = |_| Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is shutting down");
        let _turn = queue.acquire().await.map_err(closed)?;
        let span = Span::current();
        match tokio::task::spawn_blocking(move || span.in_scope(call)).await {
            Ok(answer) => answer,
            Err(broken) => {
                tracing::error!(%broken, "a call broke down");
                Err(Failure::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal error: the call broke down, see the daemon's log",
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_calls_run_at_once_than_allowed_and_all_get_their_turn() {
        let work = Arc::new(Work::new(WorkLimits { reads: 1, writes: 3 }));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let calls: Vec<_> = (0..200)
            .map(|number| {
                let (work, running, most) = (work.clone(), running.clone(), most.clone());
                tokio::spawn(async move {
                    work.run(Queue::Writes, move || {
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                        Ok(number)
                    })
                    .await
                })
            })
            .collect();
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(call.await.unwrap(), Ok(number));
        }
        assert!(most.load(Ordering::SeqCst) <= 3);
    }

    #[tokio::test]
    async fn looking_does_not_wait_behind_changes() {
        let work = Arc::new(Work::new(WorkLimits { reads: 1, writes: 1 }));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let change = tokio::spawn({
            let work = work.clone();
            async move { work.run(Queue::Writes, move || Ok(held.recv().is_ok())).await }
        });
        assert_eq!(work.run(Queue::Reads, || Ok(1)).await, Ok(1));
        release.send(()).unwrap();
        assert_eq!(change.await.unwrap(), Ok(true));
    }

    #[tokio::test]
    async fn a_call_that_breaks_down_is_an_error_and_frees_its_turn() {
        let work = Work::new(WorkLimits { reads: 1, writes: 1 });
        for _ in 0..2 {
            let answer = work.run(Queue::Writes, || -> Result<(), Failure> { panic!("on purpose") }).await;
            assert_eq!(answer.unwrap_err().status, StatusCode::INTERNAL_SERVER_ERROR);
        }
        assert_eq!(work.run(Queue::Writes, || Ok(())).await, Ok(()));
    }
}
