//! Limits and times of the resolver. The defaults are Docker's where Docker has them.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a resolver may use.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Threads that answer from names and from what is kept. Default: the processors, at most four.
    pub answering_threads: NonZeroUsize,
    /// Threads that ask servers outside and serve connections. Default: one.
    pub forwarding_threads: NonZeroUsize,
    /// The port of servers outside: 53.
    pub upstream_port: u16,
    /// Queries that one sandbox may have on their way outside; more are refused. Docker: 1024.
    pub forwards_per_sandbox: usize,
    /// The same for all sandboxes together: each needs a socket.
    pub forwards_in_total: usize,
    /// Connections that one sandbox may have open to its resolver; more are closed at once.
    pub connections_per_sandbox: usize,
    /// How long one server may take. Docker: 4 s.
    pub exchange_timeout: Duration,
    /// How long a connection may be silent.
    pub idle_timeout: Duration,
    /// Bytes of answers that are kept for one set of servers.
    pub cache_bytes: usize,
    /// Bytes of answers that are kept in all.
    pub cache_bytes_in_total: usize,
    /// The time by which kept answers grow old.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let four = NonZeroUsize::MIN.saturating_add(3);
        Self {
            answering_threads: processors.min(four),
            forwarding_threads: NonZeroUsize::MIN,
            upstream_port: 53,
            forwards_per_sandbox: 1024,
            forwards_in_total: 16384,
            connections_per_sandbox: 64,
            exchange_timeout: Duration::from_secs(4),
            idle_timeout: Duration::from_secs(10),
            cache_bytes: 2 << 20,
            cache_bytes_in_total: 16 << 20,
            clock: Clock::default(),
        }
    }
}

/// A source of the present time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Instant + Send + Sync>);

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The present time.
    pub fn now(&self) -> Instant {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(Instant::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
