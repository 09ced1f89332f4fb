//! Deletes retired links together, when the host is quiet: each deletion makes the kernel wait for all its readers
//! (some 20 ms, with the lock that every other request needs), however many links go at once. Each bridge makes it wait
//! anew, so bridges go one by one, each when the host is quiet, and wait for that much longer.
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
/// A retired bridge waits no longer than this.
const PATIENCE_FOR_BRIDGES: Duration = Duration::from_secs(5);
/// So many retired links are enough for a run.
const ENOUGH: usize = 256;

/// Retired links of one sort.
#[derive(Clone, Copy, Debug, Default)]
struct Waiting {
    count: usize,
    since: Option<Instant>,
}

impl Waiting {
    fn add(&mut self, count: usize) {
        if count > 0 {
            self.count += count;
            self.since.get_or_insert_with(Instant::now);
        }
    }
}

#[derive(Debug, Default)]
struct Pending {
    links: Waiting,
    bridges: Waiting,
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

    /// So many links were retired, and so many bridges.
    pub fn retired(&self, links: usize, bridges: usize) {
        self.with(|pending| {
            pending.links.add(links);
            pending.bridges.add(bridges);
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
        match next(&pending, Instant::now()) {
            Next::End => return,
            Next::Sleep => pending = wake.wait(pending).unwrap_or_else(PoisonError::into_inner),
            Next::Wait(time) => {
                pending = wake.wait_timeout(pending, time).unwrap_or_else(PoisonError::into_inner).0;
            }
            Next::Links => {
                pending.links = Waiting::default();
                drop(pending);
                if let Err(error) = kernel.reap(&Netns::Host) {
                    tracing::warn!(%error, "could not delete retired links; the next run tries again");
                }
                pending = lock.lock().unwrap_or_else(PoisonError::into_inner);
            }
            Next::Bridge => {
                let rest = pending.bridges.count.saturating_sub(1);
                pending.bridges = Waiting { count: rest, since: (rest > 0).then(Instant::now) };
                drop(pending);
                let reaped = kernel.reap_bridge(&Netns::Host);
                pending = lock.lock().unwrap_or_else(PoisonError::into_inner);
                match reaped {
                    Ok(true) => {}
                    // Somebody else deleted them, or nobody can at the moment.
                    Ok(false) => pending.bridges = Waiting::default(),
                    Err(error) => {
                        tracing::warn!(%error, "could not delete a retired bridge; the next run tries again");
                        pending.bridges = Waiting::default();
                    }
                }
            }
        }
    }
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Nothing any more.
    End,
    /// Nothing until told.
    Sleep,
    /// Nothing yet.
    Wait(Duration),
    /// Delete links.
    Links,
    /// Delete one bridge.
    Bridge,
}

fn next(pending: &Pending, now: Instant) -> Next {
    let (links, bridges) = (pending.links, pending.bridges);
    let wait_for_links = (links.count > 0).then(|| patience(pending, links, PATIENCE, now));
    let wait_for_bridges = (bridges.count > 0).then(|| patience(pending, bridges, PATIENCE_FOR_BRIDGES, now));
    match (wait_for_links, wait_for_bridges) {
        (Some(Duration::ZERO), _) => Next::Links,
        (_, Some(Duration::ZERO)) => Next::Bridge,
        (Some(links), Some(bridges)) => Next::Wait(links.min(bridges)),
        (Some(wait), None) | (None, Some(wait)) => Next::Wait(wait),
        (None, None) if pending.stop => Next::End,
        (None, None) => Next::Sleep,
    }
}

/// How long to wait still: zero when it is quiet, when some waited long, when they are many, and at the end.
fn patience(pending: &Pending, waiting: Waiting, limit: Duration, now: Instant) -> Duration {
    let left = |from: Option<Instant>, limit: Duration| {
        from.map_or(Duration::ZERO, |from| limit.saturating_sub(now.saturating_duration_since(from)))
    };
    if pending.stop || waiting.count >= ENOUGH {
        return Duration::ZERO;
    }
    left(pending.touched, QUIET).min(left(waiting.since, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(touched: u64, links: (usize, u64), bridges: (usize, u64)) -> Next {
        let now = Instant::now() + Duration::from_secs(60);
        let ago = |ms| Some(now - Duration::from_millis(ms));
        let waiting = |(count, since)| Waiting { count, since: ago(since) };
        let pending = Pending { links: waiting(links), bridges: waiting(bridges), touched: ago(touched), stop: false };
        next(&pending, now)
    }

    #[test]
    fn links_wait_for_quiet_but_not_forever_and_not_in_crowds() {
        assert_eq!(at(5, (1, 5), (0, 0)), Next::Wait(Duration::from_millis(20)));
        assert_eq!(at(30, (1, 30), (0, 0)), Next::Links);
        assert_eq!(at(0, (1, 400), (0, 0)), Next::Links);
        assert_eq!(at(0, (ENOUGH, 0), (0, 0)), Next::Links);
    }

    #[test]
    fn bridges_go_after_links_and_wait_for_quiet_longer() {
        assert_eq!(at(30, (1, 30), (1, 30)), Next::Links);
        assert_eq!(at(30, (0, 0), (1, 30)), Next::Bridge);
        assert_eq!(at(0, (0, 0), (9, 4_000)), Next::Wait(QUIET));
        assert_eq!(at(0, (0, 0), (9, 5_000)), Next::Bridge);
        assert_eq!(at(0, (0, 0), (ENOUGH, 0)), Next::Bridge);
    }

    #[test]
    fn at_the_end_everything_goes_at_once() {
        let now = Instant::now();
        let mut pending = Pending { touched: Some(now), stop: true, ..Pending::default() };
        assert_eq!(next(&pending, now), Next::End);
        pending.bridges.add(1);
        assert_eq!(next(&pending, now), Next::Bridge);
        pending.links.add(1);
        assert_eq!(next(&pending, now), Next::Links);
        assert_eq!(next(&Pending::default(), now), Next::Sleep);
    }
}
