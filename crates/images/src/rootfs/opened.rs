//! Who has a root file system open, and who unmounts it at the end.

use super::RootFileSystems;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An open root file system; closed when dropped.
#[derive(Debug)]
pub struct OpenRootfs<'a> {
    of: &'a RootFileSystems,
    container: String,
    path: PathBuf,
}

impl<'a> OpenRootfs<'a> {
    pub(super) fn new(of: &'a RootFileSystems, container: &str, path: PathBuf) -> Self {
        Self { of, container: container.to_owned(), path }
    }

    /// Where it is mounted. Paths in it must be resolved as inside of it: a link may lead anywhere.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OpenRootfs<'_> {
    fn drop(&mut self) {
        self.of.close(&self.container);
    }
}

/// One turn for each container: what concerns one follows one another, different ones go on side by side.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<String, Arc<Turn>>>);

impl Turns {
    pub(super) fn of(&self, container: &str) -> Arc<Turn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(container.to_owned()).or_default().clone()
    }

    pub(super) fn forget(&self, container: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(container);
    }
}

/// A container's turn.
#[derive(Debug, Default)]
pub(super) struct Turn(Mutex<Openers>);

impl Turn {
    pub(super) fn lock(&self) -> MutexGuard<'_, Openers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many have it open, and whether the last one unmounts it.
#[derive(Debug, Default)]
pub(super) struct Openers {
    count: usize,
    transient: bool,
}

impl Openers {
    /// Somebody opens it, who found it mounted or not.
    pub(super) fn enter(&mut self, mounted: bool) {
        self.transient = if self.count == 0 { !mounted } else { self.transient };
        self.count += 1;
    }

    /// Somebody is done; true if it is to be unmounted now.
    pub(super) fn leave(&mut self) -> bool {
        self.count = self.count.saturating_sub(1);
        self.count == 0 && std::mem::take(&mut self.transient)
    }

    /// It is to stay mounted.
    pub(super) fn keep(&mut self) {
        self.transient = false;
    }

    /// It need not stay mounted; true if the last one who has it open will see to that.
    pub(super) fn release(&mut self) -> bool {
        self.transient = self.count > 0;
        self.transient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_unmounts_what_nobody_else_needs() {
        let mut openers = Openers::default();
        openers.enter(false);
        openers.enter(true);
        assert!(!openers.leave());
        assert!(openers.leave());
        openers.enter(true);
        assert!(!openers.leave());
        openers.enter(false);
        openers.keep();
        assert!(!openers.leave());
        openers.enter(true);
        assert!(openers.release());
        assert!(openers.leave());
        assert!(!openers.release());
    }
}
