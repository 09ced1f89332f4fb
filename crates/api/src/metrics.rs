//! Counting requests, without knowing who collects the numbers.

use std::time::Duration;

/// Told about every request when its answer begins.
pub trait RequestMetrics: Send + Sync + 'static {
    /// `route` is a pattern such as `/networks/{id}`, never a path, so that there are few of them.
    fn answered(&self, method: &str, route: &'static str, status: u16, took: Duration);
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMetrics;

impl RequestMetrics for NoMetrics {
    fn answered(&self, _: &str, _: &'static str, _: u16, _: Duration) {}
}
