//! Networks and the daemon's id, in one redb file. A call that changes something returns when the disk has it.
//!
//! Values are JSON with a version in front, so that a later version can tell what it reads.

use crate::error::{Error, Result};
use pontoon_cnm::{Definitions, NetworkRecord, StoreError};
use pontoon_types::NetworkId;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::{Path, PathBuf};

const NETWORKS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("networks-1");
const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta-1");
const DAEMON_ID: &str = "daemon-id";
/// redb's own cache: definitions are read once, at start.
const CACHE: usize = 1 << 20;

/// The durable store.
pub struct DurableDefinitions {
    path: PathBuf,
    database: Database,
}

impl DurableDefinitions {
    /// Opens or makes `definitions.redb` in the data root.
    pub fn open(data_root: &Path) -> Result<Self> {
        let cause = |cause| Error::File { act: "make", path: data_root.into(), cause };
        std::fs::create_dir_all(data_root).map_err(cause)?;
        let path = data_root.join("definitions.redb");
        let database = Database::builder().set_cache_size(CACHE).create(&path);
        let database = database.map_err(|cause| failed("open", &path, cause.into()))?;
        let store = Self { path, database };
        store.write("prepare", |transaction| {
            transaction.open_table(NETWORKS)?;
            transaction.open_table(META)?;
            Ok(())
        })?;
        Ok(store)
    }

    /// One durable transaction: all of `change` or nothing.
    fn write(
        &self,
        act: &'static str,
        change: impl FnOnce(&redb::WriteTransaction) -> std::result::Result<(), redb::Error>,
    ) -> Result<()> {
        let run = || {
            let transaction = self.database.begin_write()?;
            change(&transaction)?;
            Ok(transaction.commit()?)
        };
        run().map_err(|cause| failed(act, &self.path, cause))
    }

    fn rows(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let run = || {
            let table = self.database.begin_read()?.open_table(NETWORKS)?;
            let mut rows = Vec::new();
            for row in table.iter()? {
                let (key, value) = row?;
                rows.push((key.value().to_owned(), value.value().to_owned()));
            }
            Ok(rows)
        };
        run().map_err(|cause| failed("read", &self.path, cause))
    }

    fn meta(&self, key: &str) -> Result<Option<String>> {
        let run = || {
            let table = self.database.begin_read()?.open_table(META)?;
            Ok(table.get(key)?.map(|value| value.value().to_owned()))
        };
        run().map_err(|cause| failed("read", &self.path, cause))
    }
}

fn failed(act: &'static str, path: &Path, cause: redb::Error) -> Error {
    Error::Database { act, path: path.into(), cause: Box::new(cause) }
}

impl Definitions for DurableDefinitions {
    fn networks(&self) -> std::result::Result<Vec<NetworkRecord>, StoreError> {
        let mut networks = Vec::new();
        for (key, value) in self.rows()? {
            let read = serde_json::from_slice(&value);
            networks.push(read.map_err(|cause| Error::Record { key, path: self.path.clone(), cause })?);
        }
        Ok(networks)
    }

    fn put_network(&self, record: &NetworkRecord) -> std::result::Result<(), StoreError> {
        let key = record.id.to_string();
        let encode = |cause| Error::Record { key: key.clone(), path: self.path.clone(), cause };
        let value = serde_json::to_vec(record).map_err(encode)?;
        Ok(self.write("write to", |transaction| {
            transaction.open_table(NETWORKS)?.insert(key.as_str(), value.as_slice())?;
            Ok(())
        })?)
    }

    fn delete_network(&self, id: NetworkId) -> std::result::Result<(), StoreError> {
        Ok(self.write("write to", |transaction| {
            transaction.open_table(NETWORKS)?.remove(id.to_string().as_str())?;
            Ok(())
        })?)
    }

    fn daemon_id(&self) -> std::result::Result<String, StoreError> {
        if let Some(id) = self.meta(DAEMON_ID)? {
            return Ok(id);
        }
        // Any random id will do; networks' ids are at hand.
        let id = NetworkId::random().to_string();
        self.write("write to", |transaction| {
            transaction.open_table(META)?.insert(DAEMON_ID, id.as_str())?;
            Ok(())
        })?;
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_types::Scope;
    use std::time::SystemTime;

    fn network(name: &str) -> NetworkRecord {
        NetworkRecord {
            id: NetworkId::random(),
            name: name.into(),
            created: SystemTime::now(),
            driver: "bridge".into(),
            scope: Scope::Local,
            ipv4: true,
            ipv6: false,
            internal: false,
            attachable: false,
            ingress: false,
            config_only: false,
            config_from: None,
            ipam_driver: "default".into(),
            ipam_options: None,
            pools: Vec::new(),
            config_ipam: None,
            options: Default::default(),
            labels: Default::default(),
            predefined: false,
        }
    }

    #[test]
    fn what_was_stored_is_there_after_opening_again() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (network("a"), network("b"));
        let id = {
            let store = DurableDefinitions::open(folder.path()).unwrap();
            store.put_network(&a).unwrap();
            store.put_network(&b).unwrap();
            store.delete_network(b.id).unwrap();
            store.delete_network(b.id).unwrap();
            store.daemon_id().unwrap()
        };
        let store = DurableDefinitions::open(folder.path()).unwrap();
        assert_eq!(store.networks().unwrap(), vec![a]);
        assert_eq!(store.daemon_id().unwrap(), id);
    }

    #[test]
    fn a_damaged_file_is_an_error_with_a_remedy_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("definitions.redb");
        std::fs::write(&path, vec![7u8; 8192]).unwrap();
        let error = DurableDefinitions::open(folder.path()).err().unwrap();
        assert!(pontoon_types::Kind::hint(&error).is_some(), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), vec![7u8; 8192]);
    }
}
