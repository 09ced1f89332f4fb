//! Operations counted, written down, and made to fail.
//!
//! Owns the count and the log. Must not know what an operation does.

use crate::nft::Transaction;
use crate::{Error, Kind, Netns, Op, Result};
use std::path::PathBuf;

/// Something that was written, in the order of writing. Requests that change nothing because everything is so already
/// are written down too: they cost a system call. The exception is a sysctl that has its value, which is not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// An operation on links, addresses, routes or sysctls of a namespace.
    Op(Netns, Op),
    /// A transaction of rules.
    Commit(Netns, Transaction),
    /// So many retired links were deleted; runs that find none are left out.
    Reap(Netns, usize),
    /// A namespace was made and kept at this path.
    CreateNetns(PathBuf),
    /// A namespace was kept at this path.
    AdoptNetns(PathBuf),
    /// The file of a namespace was removed, if it was there.
    ReleaseNetns(PathBuf),
    /// So many tracked connections were deleted; calls that find none are left out.
    ForgetFlows(usize),
}

/// Count, log and plan of failures.
#[derive(Debug, Default)]
pub(super) struct Faults {
    count: usize,
    planned: Option<(usize, Kind)>,
    reaps: Option<Kind>,
    log: Vec<Write>,
}

impl Faults {
    /// Counts an operation; its error when it is the one that is to fail.
    pub fn pass(&mut self, act: impl FnOnce() -> String) -> Result<()> {
        self.count += 1;
        match self.planned {
            Some((at, kind)) if at == self.count => {
                self.planned = None;
                Err(Error::new(kind, act(), "failed on demand"))
            }
            _ => Ok(()),
        }
    }

    /// The error of a reaping, if those are to fail.
    pub fn pass_reap(&self) -> Result<()> {
        self.reaps.map_or(Ok(()), |kind| Err(Error::new(kind, "delete retired links", "failed on demand")))
    }

    /// Writes an operation down.
    pub fn note(&mut self, write: Write) {
        self.log.push(write);
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn fail_on(&mut self, nth: usize, kind: Kind) {
        self.planned = Some((self.count + nth, kind));
    }

    pub fn fail_reaps(&mut self, kind: Option<Kind>) {
        self.reaps = kind;
    }

    pub fn is_pending(&self) -> bool {
        self.planned.is_some()
    }

    pub fn cancel(&mut self) {
        self.planned = None;
    }

    pub fn log(&self) -> &[Write] {
        &self.log
    }

    pub fn clear_log(&mut self) {
        self.log.clear();
    }
}

/// The error of `act`, in the words of the system for its kind.
pub(super) fn refused(kind: Kind, act: impl Into<String>) -> Error {
    let cause = match kind {
        Kind::NotFound => "no such device",
        Kind::Exists => "file exists",
        Kind::Busy => "address already in use",
        Kind::NotAvailable => "cannot assign requested address",
        Kind::NotSupported => "operation not supported",
        Kind::Denied => "permission denied",
        Kind::Invalid => "invalid argument",
        Kind::Exhausted => "too many open files",
        Kind::Other => "network is unreachable",
    };
    Error::new(kind, act, cause)
}
