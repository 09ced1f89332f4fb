//! A short stay in another namespace, on the calling thread.
//!
//! Owns the guard that brings the thread home, whatever happens. The stay must be synchronous and short. Measured:
//! there and back costs about 10 µs, a hand-over to a worker thread three times that.

use super::file::identity;
use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// The calling thread's own namespace, by the kernel's magic link.
pub(super) const OWN: &str = "/proc/thread-self/ns/net";

/// Runs `act` with the calling thread in `target`, and brings the thread home again even when `act` panics.
pub(crate) fn within<T>(target: BorrowedFd<'_>, act: impl FnOnce() -> T) -> io::Result<T> {
    let mut home = Home::here()?;
    if identity(&home.file)? != identity(target)? {
        home.leave_for(target)?;
    }
    Ok(act())
}

/// Where the thread belongs; dropping it brings the thread back.
pub(crate) struct Home {
    file: File,
    away: bool,
}

impl Home {
    /// Remembers where the thread is.
    pub(crate) fn here() -> io::Result<Self> {
        Ok(Self { file: File::open(OWN)?, away: false })
    }

    /// Moves the thread into `target`.
    pub(crate) fn leave_for(&mut self, target: BorrowedFd<'_>) -> io::Result<()> {
        setns(target, CloneFlags::CLONE_NEWNET)?;
        self.away = true;
        Ok(())
    }

    /// Moves the thread into a namespace of its own.
    pub(crate) fn leave_for_new(&mut self) -> io::Result<()> {
        nix::sched::unshare(CloneFlags::CLONE_NEWNET)?;
        self.away = true;
        Ok(())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !self.away {
            return;
        }
        if let Err(error) = setns(self.file.as_fd(), CloneFlags::CLONE_NEWNET) {
            // A thread left in a sandbox would do the host's work there. Nothing that is ours is lost by dying:
            // sandboxes outlive the daemon.
            tracing::error!(%error, "cannot return to the thread's own network namespace");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> io::Result<pontoon_kernel::NetnsId> {
        identity(&File::open(OWN)?)
    }

    /// A namespace that lives as long as the file is open, or nothing when we may not make one.
    fn other() -> Option<File> {
        let mut home = Home::here().unwrap();
        home.leave_for_new().ok()?;
        Some(File::open(OWN).unwrap())
    }

    #[test]
    fn a_panic_inside_brings_the_thread_home() {
        let Some(other) = other() else {
            eprintln!("skipped: not permitted to make a namespace");
            return;
        };
        let before = own().unwrap();
        let inside = identity(&other).unwrap();
        let outcome = std::panic::catch_unwind(|| {
            within(other.as_fd(), || {
                assert_eq!(own().unwrap(), inside);
                panic!("on purpose");
            })
        });
        assert!(outcome.is_err());
        assert_eq!(own().unwrap(), before);
        assert_ne!(before, inside);
    }

    #[test]
    fn a_file_that_is_no_namespace_is_refused_and_the_thread_stays() {
        let before = own().unwrap();
        let file = File::open("/proc/self/status").unwrap();
        assert!(within(file.as_fd(), || ()).is_err());
        assert_eq!(own().unwrap(), before);
    }
}
