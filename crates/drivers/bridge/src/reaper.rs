//! Deletes retired links together, when the host is quiet: each deletion makes the kernel wait for all its readers
//! (some 20 ms, with the lock that every other request needs), however many links go at once.
//!
//! Owns one thread. Never runs on a request's path.

use pontoon_kernel::{Kernel, Netns};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// No request for this long means quiet.
const QUIET: Duration = Duration::from_millis(25);
/// Retired links wait no longer than this.
const PATIENCE: Duration = Duration::from_millis(400);
/// So many retired links are enough for a run.
const ENOUGH: usize = 256;

#[derive(Debug, Default)]
struct Pending {
    count: usize,
    since: Option<Instant>,
    touched: Option<Instant>,
    stop: bool,
}

/// The reaper.
#[derive(Debug)]
pub struct Reaper {
    shared: Arc<(Mutex<Pending>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Reaper {
    /// Starts the thread.
    pub fn start(kernel: Arc<dyn Kernel>) -> std::io::Result<Self> {
        let shared = Arc::new((Mutex::new(Pending::default()), Condvar::new()));
        let own = shared.clone();
        let thread = std::thread::Builder::new().name("reaper".into()).spawn(move || run(&own, kernel.as_ref()))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// A request works on the kernel right now.
    pub fn touch(&self) {
        self.with(|pending| pending.touched = Some(Instant::now()));
    }

    /// `count` links were retired.
    pub fn retired(&self, count: usize) {
        self.with(|pending| {
            pending.count += count;
            pending.since.get_or_insert_with(Instant::now);
            pending.touched = Some(Instant::now());
        });
        self.shared.1.notify_one();
    }

    fn with(&self, change: impl FnOnce(&mut Pending)) {
        change(&mut self.shared.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Reaper {
    /// Reaps what is left and ends the thread.
    fn drop(&mut self) {
        self.with(|pending| pending.stop = true);
        self.shared.1.notify_one();
        if let Some(thread) = self.thread.take() {
            // A reaper that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

fn run(shared: &(Mutex<Pending>, Condvar), kernel: &dyn Kernel) {
    let (lock, wake) = shared;
    let mut pending = lock.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if pending.count == 0 {
            if pending.stop {
                return;
            }
            pending = wake.wait(pending).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let wait = if pending.stop { Duration::ZERO } else { patience(&pending, Instant::now()) };
        if !wait.is_zero() {
            pending = wake.wait_timeout(pending, wait).unwrap_or_else(PoisonError::into_inner).0;
            continue;
        }
        (pending.count, pending.since) = (0, None);
        drop(pending);
        if let Err(error) = kernel.reap(&Netns::Host) {
            tracing::warn!(%error, "could not delete retired links; the next run tries again");
        }
        pending = lock.lock().unwrap_or_else(PoisonError::into_inner);
    }
}

/// How long to wait still: zero when it is quiet, when some waited long, or when they are many.
fn patience(pending: &Pending, now: Instant) -> Duration {
    let left = |from: Option<Instant>, limit: Duration| {
        from.map_or(Duration::ZERO, |from| limit.saturating_sub(now.saturating_duration_since(from)))
    };
    if pending.count >= ENOUGH {
        return Duration::ZERO;
    }
    left(pending.touched, QUIET).min(left(pending.since, PATIENCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_wait_for_quiet_but_not_forever_and_not_in_crowds() {
        let now = Instant::now() + Duration::from_secs(1);
        let ago = |ms| Some(now - Duration::from_millis(ms));
        let pending = |count, since, touched| Pending { count, since, touched, stop: false };
        assert_eq!(patience(&pending(1, ago(5), ago(5)), now), Duration::from_millis(20));
        assert_eq!(patience(&pending(1, ago(30), ago(30)), now), Duration::ZERO);
        assert_eq!(patience(&pending(1, ago(400), ago(0)), now), Duration::ZERO);
        assert_eq!(patience(&pending(ENOUGH, ago(0), ago(0)), now), Duration::ZERO);
    }
}
