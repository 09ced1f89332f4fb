//! What is kept of containers and volumes: definitions durably, states for as long as the machine runs.
//!
//! Owns: the two traits, and their implementations over `pontoon-store`. Must never decide when something is kept.

use crate::volumes::Volume;
use crate::{Definition, State};
use pontoon_store::{Change as Document, Documents, Result, RunFiles};
use pontoon_types::ContainerId;
use serde::{Deserialize, Serialize};

const CONTAINERS: &str = "containers";
const VOLUMES: &str = "volumes";

/// A container as it is kept durably: its state is as old as its last durable change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerRecord {
    /// What it is.
    pub definition: Definition,
    /// What it did.
    pub state: State,
}

/// One change of what is kept.
#[derive(Clone, Debug)]
pub enum Change {
    /// Stores or replaces a container.
    PutContainer(Box<ContainerRecord>),
    /// Forgets one; an unknown one is no error.
    DeleteContainer(ContainerId),
    /// Stores or replaces a volume.
    PutVolume(Volume),
    /// Forgets one by name; an unknown one is no error.
    DeleteVolume(String),
}

/// Containers and volumes, durably.
pub trait Definitions: Send + Sync + 'static {
    /// Every container. A record that cannot be read is an error: definitions are never dropped silently.
    fn containers(&self) -> Result<Vec<ContainerRecord>>;
    /// Every volume.
    fn volumes(&self) -> Result<Vec<Volume>>;
    /// Makes all changes or none. When it returns, they survive power loss.
    fn commit(&self, changes: &[Change]) -> Result<()>;
}

impl Definitions for Documents {
    fn containers(&self) -> Result<Vec<ContainerRecord>> {
        Ok(self.list(CONTAINERS)?.into_iter().map(|(_, record)| record).collect())
    }

    fn volumes(&self) -> Result<Vec<Volume>> {
        Ok(self.list(VOLUMES)?.into_iter().map(|(_, volume)| volume).collect())
    }

    fn commit(&self, changes: &[Change]) -> Result<()> {
        let document = |change: &Change| match change {
            Change::PutContainer(record) => Document::put(CONTAINERS, &record.definition.id.to_string(), record),
            Change::DeleteContainer(id) => Ok(Document::delete(CONTAINERS, &id.to_string())),
            Change::PutVolume(volume) => Document::put(VOLUMES, &volume.name, volume),
            Change::DeleteVolume(name) => Ok(Document::delete(VOLUMES, name)),
        };
        Documents::commit(self, &changes.iter().map(document).collect::<Result<Vec<_>>>()?)
    }
}

/// States by container, and what is wrong with the others.
pub type StoredStates = (Vec<(ContainerId, State)>, Vec<pontoon_store::Error>);

/// States of containers, until the machine stops.
pub trait States: Send + Sync + 'static {
    /// Every stored state; a broken one is told beside the good ones and skipped.
    fn all(&self) -> Result<StoredStates>;
    /// Stores or replaces a state, without waiting for a disk.
    fn put(&self, id: ContainerId, state: &State) -> Result<()>;
    /// Forgets a state; an unknown one is no error.
    fn delete(&self, id: ContainerId) -> Result<()>;
}

impl States for RunFiles {
    fn all(&self) -> Result<StoredStates> {
        let (all, broken) = self.list()?;
        Ok((all.into_iter().filter_map(|(key, state)| Some((key.parse().ok()?, state))).collect(), broken))
    }

    fn put(&self, id: ContainerId, state: &State) -> Result<()> {
        RunFiles::put(self, &id.to_string(), state)
    }

    fn delete(&self, id: ContainerId) -> Result<()> {
        RunFiles::delete(self, &id.to_string())
    }
}
