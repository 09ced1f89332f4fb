//! What the core asks of its two stores. `crates/store` implements both.
//!
//! Definitions survive power loss and are committed durably. Run state lives as long as the kernel's objects do
//! and is written without waiting for a disk.

use crate::{NetworkRecord, SandboxRecord};
use pontoon_types::{NetworkId, SandboxId};

/// A store that failed: what it was doing, why, and a remedy if one is known.
#[derive(Debug, thiserror::Error)]
#[error("{act}: {cause}")]
pub struct StoreError {
    /// What it was doing.
    pub act: String,
    /// Why it failed.
    pub cause: String,
    /// A remedy.
    pub hint: Option<String>,
}

impl From<StoreError> for crate::Error {
    fn from(error: StoreError) -> Self {
        Self::Store { act: error.act, cause: error.cause, hint: error.hint }
    }
}

/// A stored network that this version cannot read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableNetwork {
    /// What could be made out of it: see [`NetworkRecord::salvage`].
    pub record: NetworkRecord,
    /// What is wrong with it.
    pub why: String,
}

/// Networks as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredNetworks {
    /// Those that can be read.
    pub readable: Vec<NetworkRecord>,
    /// The others.
    pub unreadable: Vec<UnreadableNetwork>,
}

/// Networks, durably. When a call returns, the change survives power loss.
pub trait Definitions: Send + Sync {
    /// Every stored network. One that cannot be read stays stored as it is, and keeps no other from being used:
    /// definitions are never dropped silently.
    fn networks(&self) -> Result<StoredNetworks, StoreError>;
    /// Stores or replaces a network.
    fn put_network(&self, record: &NetworkRecord) -> Result<(), StoreError>;
    /// Forgets a network; unknown ids are no error.
    fn delete_network(&self, id: NetworkId) -> Result<(), StoreError>;
    /// The daemon's own persistent id, made on first use.
    fn daemon_id(&self) -> Result<String, StoreError>;
}

/// Sandboxes with their endpoints and ports, until the machine stops.
pub trait RunState: Send + Sync {
    /// Every stored sandbox; a broken record is reported beside the good ones and skipped.
    fn sandboxes(&self) -> Result<(Vec<SandboxRecord>, Vec<StoreError>), StoreError>;
    /// Stores or replaces a sandbox, atomically.
    fn put_sandbox(&self, record: &SandboxRecord) -> Result<(), StoreError>;
    /// Forgets a sandbox; unknown ids are no error.
    fn delete_sandbox(&self, id: SandboxId) -> Result<(), StoreError>;
}
