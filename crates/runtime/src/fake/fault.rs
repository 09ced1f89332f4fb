//! Calls counted, written down, and made to fail.
//!
//! Owns the count and the log. Must not know what a call does.

use crate::{Error, Result};
use pontoon_types::{ContainerId, ExecId};

/// A call that changes something, in the order of calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// [`crate::Runtime::create`]
    Create(ContainerId),
    /// [`crate::Runtime::start`]
    Start(ContainerId),
    /// [`crate::Runtime::kill`] with the signal and whether it was for all.
    Kill(ContainerId, i32, bool),
    /// [`crate::Runtime::pause`]
    Pause(ContainerId),
    /// [`crate::Runtime::resume`]
    Resume(ContainerId),
    /// [`crate::Runtime::update`]
    Update(ContainerId),
    /// [`crate::Runtime::delete`]
    Delete(ContainerId),
    /// [`crate::Runtime::attach`]
    Attach(ContainerId),
    /// [`crate::Runtime::resize`] with height and width.
    Resize(ContainerId, u16, u16),
    /// [`crate::Runtime::exec`]
    Exec(ContainerId, ExecId),
    /// [`crate::Runtime::exec_resize`] with height and width.
    ExecResize(ExecId, u16, u16),
    /// [`crate::Runtime::exec_kill`] with the signal.
    ExecKill(ExecId, i32),
    /// [`crate::Runtime::exec_delete`]
    ExecDelete(ExecId),
}

/// Picks calls.
pub(super) type Which = fn(&Call) -> bool;

/// Count, log and plan of failures.
#[derive(Default)]
pub(super) struct Faults {
    count: usize,
    planned: Option<usize>,
    next: Option<(Which, Error)>,
    log: Vec<Call>,
}

impl Faults {
    /// Counts `call` and writes it down; its error when it is the one that is to fail.
    pub fn pass(&mut self, call: Call) -> Result<()> {
        self.count += 1;
        let failure = match (&self.planned, &self.next) {
            (Some(at), _) if *at == self.count => {
                self.planned = None;
                Some(Error::OnDemand { act: format!("{call:?}") })
            }
            (_, Some((which, _))) if which(&call) => self.next.take().map(|(_, error)| error),
            _ => None,
        };
        self.log.push(call);
        failure.map_or(Ok(()), Err)
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn fail_on(&mut self, nth: usize) {
        self.planned = Some(self.count + nth);
    }

    pub fn fail_next(&mut self, which: Which, error: Error) {
        self.next = Some((which, error));
    }

    pub fn is_pending(&self) -> bool {
        self.planned.is_some() || self.next.is_some()
    }

    pub fn log(&self) -> &[Call] {
        &self.log
    }
}
