//! A file descriptor of ours that the async runtime waits for.

use std::io;
use std::os::fd::AsRawFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Watches for `of` becoming readable.
#[expect(deprecated, reason = "the successor is unsafe; what is watched here owns its descriptor until it is dropped")]
pub(super) fn watched<T: AsRawFd>(of: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::with_interest(of, Interest::READABLE)
}
