//! Records as JSON documents in the tables of one durable file.
//!
//! Owns the file, its format and its recovery: a commit that fails changes nothing, and the next one works as soon as
//! the disk does. Must know nothing of what a document says.
//!
//! One commit costs one `fdatasync` (redb's one-phase commit with checksums). Each document carries its format's
//! number, so that a later version can read what this one wrote.

use crate::error::Damage;
use crate::{Error, Result};
use redb::{Database, ReadableDatabase, ReadableTable, StorageError, TableDefinition, TableError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The format of documents that this version writes.
const FORMAT: u32 = 1;
/// Pages kept in memory. All definitions of a busy host fit in a fraction of it.
const CACHE: usize = 1024 * 1024;

/// A document with the number of its format.
#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    format: u32,
    record: T,
}

/// Just the number, to be read before anything else.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// One change of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Store or replace a document.
    Put {
        /// Table.
        table: String,
        /// Key.
        key: String,
        /// The document's text.
        text: String,
    },
    /// Forget a document; an unknown key is no error.
    Delete {
        /// Table.
        table: String,
        /// Key.
        key: String,
    },
}

impl Change {
    /// Stores or replaces `record` under `key`.
    pub fn put(table: &str, key: &str, record: &impl Serialize) -> Result<Self> {
        let text = serde_json::to_string(&Envelope { format: FORMAT, record });
        let unwritable = |cause| Error::Unwritable { table: table.into(), key: key.into(), cause };
        Ok(Self::Put { table: table.into(), key: key.into(), text: text.map_err(unwritable)? })
    }

    /// Forgets what is under `key`.
    pub fn delete(table: &str, key: &str) -> Self {
        Self::Delete { table: table.into(), key: key.into() }
    }

    fn table(&self) -> &str {
        match self {
            Self::Put { table, .. } | Self::Delete { table, .. } => table,
        }
    }
}

/// A stored document that was not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    table: String,
    key: String,
    text: Vec<u8>,
}

impl Entry {
    /// Its key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What it says. [`Error::Newer`] and [`Error::Record`] when this version cannot tell.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        read(&self.table, &self.key, &self.text)
    }

    /// Its content in whatever shape it is, for those who cannot read it; nothing when it is no document at all.
    pub fn content(&self) -> serde_json::Value {
        serde_json::from_slice::<Envelope<serde_json::Value>>(&self.text).map(|it| it.record).unwrap_or_default()
    }
}

/// The file.
#[derive(Debug)]
pub struct Documents {
    path: PathBuf,
    /// `None` after a failure, until it is opened again.
    database: Mutex<Option<Database>>,
}

impl Documents {
    /// Opens the file at `path`, or makes it, with the directories it needs (mode 0700; the file 0600).
    ///
    /// [`Error::InUse`] when another process has it open; [`Error::Corrupt`] when it is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let database = open(path)?;
        Ok(Self { path: path.to_owned(), database: Mutex::new(Some(database)) })
    }

    /// Commits all of `changes` or, with an error, none. When it returns, they survive power loss.
    pub fn commit(&self, changes: &[Change]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        self.with("commit", |database| {
            let transaction = database.begin_write()?;
            for change in changes {
                let mut table = transaction.open_table(definition(change.table()))?;
                match change {
                    Change::Put { key, text, .. } => table.insert(key.as_str(), text.as_bytes())?,
                    Change::Delete { key, .. } => table.remove(key.as_str())?,
                };
            }
            Ok(transaction.commit()?)
        })
    }

    /// Stores or replaces one document, durably.
    pub fn put(&self, table: &str, key: &str, record: &impl Serialize) -> Result<()> {
        self.commit(&[Change::put(table, key, record)?])
    }

    /// Forgets one document, durably; an unknown key is no error.
    pub fn delete(&self, table: &str, key: &str) -> Result<()> {
        self.commit(&[Change::delete(table, key)])
    }

    /// One document; `None` when there is none.
    pub fn get<T: DeserializeOwned>(&self, table: &str, key: &str) -> Result<Option<T>> {
        let bytes = self.with("read", |database| match database.begin_read()?.open_table(definition(table)) {
            Ok(open) => Ok(open.get(key)?.map(|bytes| bytes.value().to_vec())),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        })?;
        bytes.map(|bytes| read(table, key, &bytes)).transpose()
    }

    /// All documents of a table with their keys, in the order of keys. One that cannot be read is an error.
    pub fn list<T: DeserializeOwned>(&self, table: &str) -> Result<Vec<(String, T)>> {
        self.entries(table)?.into_iter().map(|entry| Ok((entry.key.clone(), entry.read()?))).collect()
    }

    /// All documents of a table in the order of keys, not read yet.
    pub fn entries(&self, table: &str) -> Result<Vec<Entry>> {
        self.with("list", |database| match database.begin_read()?.open_table(definition(table)) {
            Ok(open) => {
                let entry = |(key, value): (redb::AccessGuard<'_, &str>, redb::AccessGuard<'_, &[u8]>)| Entry {
                    table: table.to_owned(),
                    key: key.value().to_owned(),
                    text: value.value().to_vec(),
                };
                Ok(open.iter()?.map(|item| item.map(entry)).collect::<std::result::Result<Vec<_>, _>>()?)
            }
            Err(TableError::TableDoesNotExist(_)) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        })
    }

    /// Asks the database, opening it again if an earlier failure closed it.
    fn with<T>(
        &self,
        act: &'static str,
        ask: impl FnOnce(&Database) -> std::result::Result<T, redb::Error>,
    ) -> Result<T> {
        let mut slot = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let database = match slot.take() {
            Some(database) => database,
            None => open(&self.path)?,
        };
        let outcome = guarded(|| ask(&database));
        if matches!(outcome, Some(Ok(_))) {
            *slot = Some(database);
        } else {
            // After a failure redb refuses everything until it is opened anew, which recovers the last commit.
            let _ = guarded(|| drop(database));
        }
        match outcome {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(failed(act, &self.path, error)),
            None => Err(Error::Corrupt { path: self.path.clone(), cause: Damage::Pages }),
        }
    }
}

/// `None` when it panicked: redb does so on some damaged files.
fn guarded<T>(act: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(act)).ok()
}

fn definition(table: &str) -> TableDefinition<'_, &'static str, &'static [u8]> {
    TableDefinition::new(table)
}

fn read<T: DeserializeOwned>(table: &str, key: &str, bytes: &[u8]) -> Result<T> {
    let damaged =
        |cause: serde_json::Error| Error::Record { table: table.into(), key: key.into(), cause: cause.into() };
    let Format { format } = serde_json::from_slice(bytes).map_err(damaged)?;
    if format > FORMAT {
        return Err(Error::Newer { table: table.into(), key: key.into(), found: format });
    }
    Ok(serde_json::from_slice::<Envelope<T>>(bytes).map_err(damaged)?.record)
}

fn failed(act: &'static str, path: &Path, error: redb::Error) -> Error {
    let path = path.to_owned();
    match error {
        redb::Error::Corrupted(_) => Error::Corrupt { path, cause: Damage::Database(Box::new(error)) },
        error => Error::Database { act, path, cause: Box::new(error) },
    }
}

fn open(path: &Path) -> Result<Database> {
    let file = create(path).map_err(|cause| Error::File { act: "open", path: path.into(), cause })?;
    let opened = guarded(|| {
        let mut database = redb::Builder::new().set_cache_size(CACHE).create_file(file)?;
        database.check_integrity()?;
        Ok(database)
    });
    match opened {
        None => Err(Error::Corrupt { path: path.into(), cause: Damage::Pages }),
        Some(Err(cause @ redb::DatabaseError::DatabaseAlreadyOpen)) => Err(Error::InUse { path: path.into(), cause }),
        Some(Err(error)) => Err(cannot_open(path, error)),
        Some(Ok(database)) => Ok(database),
    }
}

fn cannot_open(path: &Path, error: redb::DatabaseError) -> Error {
    let damaged = match &error {
        redb::DatabaseError::Storage(StorageError::Corrupted(_)) => true,
        // A foreign or cut-off file.
        redb::DatabaseError::Storage(StorageError::Io(io)) => {
            matches!(io.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof)
        }
        _ => false,
    };
    let cause = Box::new(redb::Error::from(error));
    if damaged {
        Error::Corrupt { path: path.into(), cause: Damage::Database(cause) }
    } else {
        Error::Open { path: path.into(), cause }
    }
}

/// Opens the file; a new one has its place in its directory before anything is promised.
fn create(path: &Path) -> std::io::Result<File> {
    let existed = path.exists();
    let directory = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if !existed {
        File::open(directory)?.sync_all()?;
    }
    Ok(file)
}
