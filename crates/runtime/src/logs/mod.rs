//! A container's log: read from the beginning, from the end, between times, and on, while it is written and rotated.
//!
//! Owns: the reader of the files that the monitor writes ([`LogReader`]), what tells that there may be more
//! ([`LogWatch`]), and rotation. The files are the newest at `PATH` and older ones at `PATH.1`, `PATH.2`, …

mod entry;
mod files;
mod reader;
#[cfg(test)]
mod tests;
mod watch;

pub use entry::LogEntry;
pub(crate) use files::rotate;
pub use reader::{LogQuery, LogReader};
pub use watch::LogWatch;
