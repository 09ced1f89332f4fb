//! A sandbox in memory: its record, and the turn that lets one change at a time happen to it.

use super::ports::Outlet;
use super::record::SandboxRecord;
use crate::{Error, Result};
use arc_swap::ArcSwap;
use pontoon_kernel::Netns;
use pontoon_types::SandboxId;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What only the holder of the turn may change.
#[derive(Debug)]
pub struct Live {
    /// The record as it is becoming.
    pub record: SandboxRecord,
    /// Set once the sandbox is gone: whoever waited for the turn finds nothing.
    pub removed: bool,
    /// Whether its resolver serves.
    pub resolving: bool,
    /// What its endpoints have published.
    pub outlets: Vec<Outlet>,
    /// At start, the record as it was stored.
    pub restored: Option<SandboxRecord>,
}

impl Live {
    /// The sandbox's namespace.
    pub fn ns(&self) -> Netns {
        self.record.ns()
    }
}

impl SandboxRecord {
    /// The sandbox's namespace.
    pub fn ns(&self) -> Netns {
        self.netns_path.clone().map_or(Netns::Host, Netns::At)
    }
}

/// A sandbox in memory.
#[derive(Debug)]
pub struct Sandbox {
    /// Its id.
    pub id: SandboxId,
    turn: Mutex<Live>,
    shown: ArcSwap<SandboxRecord>,
}

impl Sandbox {
    /// A sandbox with this record.
    pub fn new(record: SandboxRecord) -> Self {
        let shown = ArcSwap::from_pointee(record.clone());
        Self {
            id: record.id,
            turn: Mutex::new(Live { record, removed: false, resolving: false, outlets: Vec::new(), restored: None }),
            shown,
        }
    }

    /// Waits for the turn to change this sandbox; an error when it has gone meanwhile.
    pub fn turn(&self) -> Result<MutexGuard<'_, Live>> {
        let live = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if live.removed { Err(Error::NoSandbox(self.name())) } else { Ok(live) }
    }

    /// Its name now.
    pub fn name(&self) -> String {
        self.shown.load().name.clone()
    }

    /// The record as last shown; never waits for a change under way.
    pub fn shown(&self) -> Arc<SandboxRecord> {
        self.shown.load_full()
    }

    /// Shows the record to readers.
    pub fn show(&self, record: &SandboxRecord) {
        self.shown.store(Arc::new(record.clone()));
    }
}
