//! How work on images tells what it is doing.

use crate::{Error, Result};
use std::ops::ControlFlow;

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A line of text.
    Said(String),
    /// The state of the work as a whole, or of the part with that short id.
    Status {
        /// The part.
        id: Option<String>,
        /// Docker's word for what happens to it.
        status: String,
        /// Bytes done and bytes in all.
        amount: Option<(u64, u64)>,
    },
}

impl Progress {
    /// About a part.
    pub(crate) fn part(id: &str, status: &str) -> Self {
        Self::Status { id: Some(id.to_owned()), status: status.to_owned(), amount: None }
    }

    /// About all of it.
    pub(crate) fn whole(status: impl Into<String>) -> Self {
        Self::Status { id: None, status: status.into(), amount: None }
    }

    /// About a part of which so much is done.
    pub(crate) fn amount(id: &str, status: &str, done: u64, all: u64) -> Self {
        Self::Status { id: Some(id.to_owned()), status: status.to_owned(), amount: Some((done, all)) }
    }
}

/// Is told of progress, and says whether to go on: nobody may be listening any more.
pub type Listener<'a> = dyn FnMut(Progress) -> ControlFlow<()> + Send + 'a;

/// Tells, and breaks off when nobody listens.
pub(crate) fn tell(listener: &mut Listener<'_>, progress: Progress) -> Result<()> {
    match listener(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled),
    }
}
