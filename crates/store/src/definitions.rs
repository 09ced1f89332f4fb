//! Networks and the daemon's own id, kept durably: the core's [`Definitions`].

use crate::{Documents, Entry, Error, Result};
use pontoon_cnm::{Definitions, NetworkRecord, StoreError, StoredNetworks, UnreadableNetwork};
use pontoon_types::{NetworkId, chain};
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

const NETWORKS: &str = "networks";
const META: &str = "meta";
const DAEMON_ID: &str = "daemon-id";

/// The definitions in one file.
#[derive(Debug)]
pub struct DefinitionsFile {
    documents: Documents,
    /// Held while the id is made, so that it is made once.
    daemon_id: Mutex<Option<String>>,
}

impl DefinitionsFile {
    /// Opens or makes the file at `path`. Fails as [`Documents::open`] does.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { documents: Documents::open(path)?, daemon_id: Mutex::default() })
    }

    /// The documents in it, for what has no place among networks.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    fn id(&self) -> Result<String> {
        let mut known = self.daemon_id.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = known.as_ref() {
            return Ok(id.clone());
        }
        let stored = self.documents.get(META, DAEMON_ID)?;
        let id = match stored {
            Some(id) => id,
            None => {
                let id = random_uuid()?;
                self.documents.put(META, DAEMON_ID, &id)?;
                id
            }
        };
        *known = Some(id.clone());
        Ok(id)
    }
}

impl Definitions for DefinitionsFile {
    fn networks(&self) -> std::result::Result<StoredNetworks, StoreError> {
        let mut stored = StoredNetworks::default();
        for entry in self.documents.entries(NETWORKS)? {
            match entry.read() {
                Ok(record) => stored.readable.push(record),
                Err(error) => stored.unreadable.push(unreadable(&entry, error)?),
            }
        }
        Ok(stored)
    }

    fn put_network(&self, record: &NetworkRecord) -> std::result::Result<(), StoreError> {
        Ok(self.documents.put(NETWORKS, &record.id.to_string(), record)?)
    }

    fn delete_network(&self, id: NetworkId) -> std::result::Result<(), StoreError> {
        Ok(self.documents.delete(NETWORKS, &id.to_string())?)
    }

    fn daemon_id(&self) -> std::result::Result<String, StoreError> {
        Ok(self.id()?)
    }
}

/// What can still be told of a network whose record `error` kept from being read.
fn unreadable(entry: &Entry, error: Error) -> std::result::Result<UnreadableNetwork, StoreError> {
    // Without its id it could be neither shown nor removed.
    let Ok(id) = entry.key().parse() else { return Err(error.into()) };
    Ok(UnreadableNetwork { record: NetworkRecord::salvage(id, &entry.content()), why: chain(&error) })
}

/// A random UUID (RFC 9562, version 4), which is what Docker's daemons have for an id.
fn random_uuid() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Error::NoRandom)?;
    let bits = u128::from_be_bytes(bytes) & !(0xf000 << 64) & !(0xc000 << 48) | 0x4000 << 64 | 0x8000 << 48;
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    Ok([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-"))
}
