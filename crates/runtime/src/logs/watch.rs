//! What tells that a log may have more.

use crate::{Error, Result};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::time::Duration;

/// Becomes readable when a log was written, rotated or begun. Make it before reading, and read to the end after each
/// [`LogWatch::clear`]: then nothing is missed.
#[derive(Debug)]
pub struct LogWatch(Inotify);

impl LogWatch {
    /// Watches the log at `path`, whose folder must exist.
    pub fn new(path: &Path) -> Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let failed = |errno: nix::errno::Errno| Error::File { act: "watch", path: folder.into(), cause: errno.into() };
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).map_err(failed)?;
        let flags = AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_DELETE_SELF;
        inotify.add_watch(folder, flags).map_err(failed)?;
        Ok(Self(inotify))
    }

    /// Takes note of what has happened so far.
    pub fn clear(&self) {
        while self.0.read_events().is_ok_and(|events| !events.is_empty()) {}
    }

    /// Waits until something happens, not longer than `patience`; tells whether it did.
    pub fn wait(&self, patience: Duration) -> std::io::Result<bool> {
        crate::wait::readable(self.0.as_fd(), patience)
    }
}

impl AsFd for LogWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for LogWatch {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}
