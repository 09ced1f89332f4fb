//! The size of a terminal as Docker's settings write it: height, then width.

use serde::{Deserialize, Serialize};

/// `[height, width]`; zeros when unset. As with Go's arrays, what is missing is zero and what is too much is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<Vec<u64>>", into = "[u64; 2]")]
pub struct ConsoleSize {
    /// Rows.
    pub height: u64,
    /// Columns.
    pub width: u64,
}

impl From<Option<Vec<u64>>> for ConsoleSize {
    fn from(size: Option<Vec<u64>>) -> Self {
        let mut sizes = size.unwrap_or_default().into_iter();
        Self { height: sizes.next().unwrap_or(0), width: sizes.next().unwrap_or(0) }
    }
}

impl From<ConsoleSize> for [u64; 2] {
    fn from(size: ConsoleSize) -> Self {
        [size.height, size.width]
    }
}
