//! What a container's process, or a command's, is doing; and how its end is waited for.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::SystemTime;

/// Processes of a container or command that was just made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    /// The first process, in the daemon's pid namespace.
    pub pid: u32,
    /// Its monitor.
    pub monitor: u32,
}

/// What is known of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// What it does.
    pub phase: Phase,
    /// Its pid in the daemon's pid namespace; 0 when it has ended.
    pub pid: u32,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waits for its start.
    Created,
    /// It runs.
    Running,
    /// It is frozen.
    Paused,
    /// It has ended.
    Ended(Exit),
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code; 128 and the signal's number when a signal ended it.
    pub code: i32,
    /// When.
    pub at: SystemTime,
    /// Whether the kernel ended it, or a process beside it, because it was out of memory.
    pub oom_killed: bool,
    /// Whether its monitor was killed before it: the process was killed then, and its exit code is 137.
    pub monitor_lost: bool,
}

/// Becomes readable when a process has ended: a file descriptor to wait for with poll(2) or an async runtime.
///
/// It never is read; it stays readable.
#[derive(Debug)]
pub struct Ending(OwnedFd);

impl Ending {
    /// The end that `fd` tells of.
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Waits for the end, not longer than `patience`; tells whether it came.
    pub fn wait(&self, patience: std::time::Duration) -> std::io::Result<bool> {
        crate::wait::readable(self.0.as_fd(), patience)
    }
}

impl AsFd for Ending {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Ending {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl From<Ending> for OwnedFd {
    fn from(ending: Ending) -> Self {
        ending.0
    }
}
