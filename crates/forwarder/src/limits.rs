//! How much the forwarder takes on at once.

use std::time::Duration;

/// Bounds, so that no flood of clients takes the daemon's memory or descriptors.
///
/// A TCP connection costs two descriptors and at most 32 KiB of buffers, a UDP flow one descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// TCP connections carried at once; a further one is accepted and closed.
    pub tcp: usize,
    /// UDP flows carried at once; datagrams of a further one are dropped.
    pub udp: usize,
    /// A UDP flow without a datagram in either direction for this long is over. (Docker's proxy: 90 s to 180 s.)
    pub udp_idle: Duration,
    /// A sandbox must accept a TCP connection within this time.
    pub dial: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tcp: 4096, udp: 4096, udp_idle: Duration::from_secs(90), dial: Duration::from_secs(10) }
    }
}
