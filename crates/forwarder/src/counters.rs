//! What the forwarder has done so far, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers at one moment. Totals only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// TCP connections carried now.
    pub tcp_open: u64,
    /// UDP flows carried now.
    pub udp_open: u64,
    /// TCP connections begun, ever.
    pub tcp_total: u64,
    /// UDP flows begun, ever.
    pub udp_total: u64,
    /// Payload bytes carried from clients to sandboxes.
    pub bytes_in: u64,
    /// Payload bytes carried from sandboxes to clients.
    pub bytes_out: u64,
    /// Flows turned away: not for a published port, or too many at once.
    pub refused: u64,
    /// Flows whose sandbox did not answer, or that ended by an error.
    pub failed: u64,
}

/// The same, being counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    tcp_total: AtomicU64,
    tcp_ended: AtomicU64,
    udp_total: AtomicU64,
    udp_ended: AtomicU64,
    /// From clients to sandboxes.
    pub bytes_in: AtomicU64,
    /// From sandboxes to clients.
    pub bytes_out: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

/// A flow being carried; it is over when this is dropped.
pub(crate) struct Open<'a>(&'a AtomicU64);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        add(self.0, 1);
    }
}

/// Adds to a total.
pub(crate) fn add(total: &AtomicU64, count: u64) {
    total.fetch_add(count, Ordering::Relaxed);
}

impl Tally {
    pub fn open_tcp(&self) -> Open<'_> {
        add(&self.tcp_total, 1);
        Open(&self.tcp_ended)
    }

    pub fn open_udp(&self) -> Open<'_> {
        add(&self.udp_total, 1);
        Open(&self.udp_ended)
    }

    pub fn refuse(&self) {
        add(&self.refused, 1);
    }

    pub fn fail(&self) {
        add(&self.failed, 1);
    }

    pub fn read(&self) -> Counters {
        let load = |total: &AtomicU64| total.load(Ordering::Relaxed);
        // Ended before begun, so that a flow that comes and goes meanwhile is not counted as minus one.
        let (tcp_ended, udp_ended) = (load(&self.tcp_ended), load(&self.udp_ended));
        let (tcp_total, udp_total) = (load(&self.tcp_total), load(&self.udp_total));
        Counters {
            tcp_open: tcp_total.saturating_sub(tcp_ended),
            udp_open: udp_total.saturating_sub(udp_ended),
            tcp_total,
            udp_total,
            bytes_in: load(&self.bytes_in),
            bytes_out: load(&self.bytes_out),
            refused: load(&self.refused),
            failed: load(&self.failed),
        }
    }
}
