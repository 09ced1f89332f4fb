//! Where a container's output is written.

use std::path::PathBuf;

/// The log of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogPlan {
    /// Nothing is kept (log driver `none`).
    #[default]
    None,
    /// A file that the monitor writes, daemon or not. Docker's clients know it as `json-file`.
    File {
        /// The file. Its folder must exist; rotated ones stand beside it as `PATH.1`, `PATH.2`, …
        path: PathBuf,
        /// Rotate when it would grow over so many bytes (`max-size`); `None` for never.
        max_size: Option<u64>,
        /// How many files there may be (`max-file`); at least 1.
        max_file: u32,
    },
}
