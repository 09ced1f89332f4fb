//! Both stores in memory, as text, able to fail on demand.

use super::Life;
use pontoon_cnm::{Definitions, NetworkRecord, RunState, SandboxRecord, StoreError, StoredNetworks, UnreadableNetwork};
use pontoon_types::{NetworkId, SandboxId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct Inner {
    networks: BTreeMap<String, String>,
    sandboxes: BTreeMap<String, String>,
    count: usize,
    failing: Option<usize>,
    writes: usize,
}

#[derive(Clone, Default)]
pub struct Stores {
    inner: Arc<Mutex<Inner>>,
    life: Arc<Life>,
}

impl Stores {
    /// The same stores for another life of the daemon.
    pub fn living(self, life: Arc<Life>) -> Self {
        Self { life, ..self }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self, act: &str) -> Result<MutexGuard<'_, Inner>, StoreError> {
        self.life.tick();
        let mut inner = self.lock();
        inner.count += 1;
        if inner.failing == Some(inner.count) {
            inner.failing = None;
            return Err(StoreError { act: act.into(), cause: "no space left on device".into(), hint: None });
        }
        Ok(inner)
    }

    fn write(&self, act: &str) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let mut inner = self.pass(act)?;
        inner.writes += 1;
        Ok(inner)
    }

    pub fn fail_on(&self, nth: usize) {
        let mut inner = self.lock();
        inner.failing = Some(inner.count + nth);
    }

    pub fn is_failure_pending(&self) -> bool {
        self.lock().failing.is_some()
    }

    pub fn cancel_failure(&self) {
        self.lock().failing = None;
    }

    /// The machine was off.
    pub fn forget_sandboxes(&self) {
        self.lock().sandboxes.clear();
    }

    pub fn writes(&self) -> usize {
        self.lock().writes
    }

    pub fn content(&self) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let inner = self.lock();
        (inner.networks.clone(), inner.sandboxes.clone())
    }

    /// Somebody, a later version say, writes other things into a stored network.
    pub fn alter_network(&self, id: NetworkId, alter: impl FnOnce(&mut serde_json::Value)) {
        let mut inner = self.lock();
        let text = inner.networks.get_mut(&id.to_string()).unwrap();
        let mut content = serde_json::from_str(text).unwrap();
        alter(&mut content);
        *text = content.to_string();
    }

    pub fn stored_networks(&self) -> Vec<NetworkRecord> {
        self.lock().networks.values().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    pub fn stored_sandboxes(&self) -> Vec<SandboxRecord> {
        self.lock().sandboxes.values().map(|text| serde_json::from_str(text).unwrap()).collect()
    }
}

impl Definitions for Stores {
    fn networks(&self) -> Result<StoredNetworks, StoreError> {
        let inner = self.pass("read networks")?;
        let mut stored = StoredNetworks::default();
        for (id, text) in &inner.networks {
            match serde_json::from_str(text) {
                Ok(record) => stored.readable.push(record),
                Err(error) => stored.unreadable.push(UnreadableNetwork {
                    record: NetworkRecord::salvage(
                        id.parse().unwrap(),
                        &serde_json::from_str(text).unwrap_or_default(),
                    ),
                    why: error.to_string(),
                }),
            }
        }
        Ok(stored)
    }

    fn put_network(&self, record: &NetworkRecord) -> Result<(), StoreError> {
        let text = serde_json::to_string(record).unwrap();
        self.write("store a network")?.networks.insert(record.id.to_string(), text);
        Ok(())
    }

    fn delete_network(&self, id: NetworkId) -> Result<(), StoreError> {
        self.write("forget a network")?.networks.remove(&id.to_string());
        Ok(())
    }

    fn daemon_id(&self) -> Result<String, StoreError> {
        Ok("11111111-2222-3333-4444-555555555555".into())
    }
}

impl RunState for Stores {
    fn sandboxes(&self) -> Result<(Vec<SandboxRecord>, Vec<StoreError>), StoreError> {
        drop(self.pass("read sandboxes")?);
        Ok((self.stored_sandboxes(), Vec::new()))
    }

    fn put_sandbox(&self, record: &SandboxRecord) -> Result<(), StoreError> {
        let text = serde_json::to_string(record).unwrap();
        self.write("store a sandbox")?.sandboxes.insert(record.id.to_string(), text);
        Ok(())
    }

    fn delete_sandbox(&self, id: SandboxId) -> Result<(), StoreError> {
        self.write("forget a sandbox")?.sandboxes.remove(&id.to_string());
        Ok(())
    }
}
