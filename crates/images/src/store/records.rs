//! Which images there are and what they are called: one file, replaced as a whole at each change.
//!
//! Readers take the state as it is and never wait; writers follow one another.

use super::folder::{Folder, write_durably};
use crate::{Digest, Error, ImageId, Reference, Result};
use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// The format written here.
const FORMAT: u32 = 1;

/// All that is known of images beside their configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    format: u32,
    /// The images.
    pub(crate) images: BTreeMap<ImageId, ImageRecord>,
    /// Which image a name with a tag means.
    pub(crate) tags: BTreeMap<Reference, ImageId>,
    /// Which image a name with a digest means.
    pub(crate) digests: BTreeMap<Reference, ImageId>,
}

/// One image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageRecord {
    /// Its layers, the lowest first.
    pub(crate) layers: Vec<Digest>,
    /// Its manifests as they came from registries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) manifests: Vec<Digest>,
    /// When it was last given a name here.
    pub(crate) tagged: Option<SystemTime>,
}

/// The file.
#[derive(Debug)]
pub(crate) struct Records {
    path: PathBuf,
    now: ArcSwap<State>,
    turn: Mutex<()>,
}

impl Records {
    pub(crate) fn open(folder: &Folder) -> Result<Self> {
        let path = folder.path("images.json");
        let state = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| Error::Damaged { path: path.clone() })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => State { format: FORMAT, ..State::default() },
            Err(error) => return Err(Error::file("read", path)(error)),
        };
        if state.format > FORMAT {
            return Err(Error::Newer { path, found: state.format });
        }
        Ok(Self { path, now: ArcSwap::from_pointee(state), turn: Mutex::new(()) })
    }

    /// As it is.
    pub(crate) fn now(&self) -> Arc<State> {
        self.now.load_full()
    }

    /// Changes it. When this returns, the change survives power loss; when it fails, nothing is changed.
    pub(crate) fn change<T>(&self, folder: &Folder, change: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.now();
        let mut state = State::clone(&before);
        let outcome = change(&mut state)?;
        if state != *before {
            let text = serde_json::to_vec(&state).map_err(io::Error::other);
            let written = text.and_then(|bytes| write_durably(folder, &self.path, &bytes));
            written.map_err(Error::file("write", &self.path))?;
            self.now.store(Arc::new(state));
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_there_after_a_restart_and_a_failed_one_never_was() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let records = Records::open(&folder).unwrap();
        let id = ImageId::from(Digest::of(b"x"));
        let name = Reference::parse("a:b").unwrap();
        records
            .change(&folder, |state| {
                state.images.insert(id, ImageRecord { layers: vec![], manifests: vec![], tagged: None });
                state.tags.insert(name.clone(), id);
                Ok(())
            })
            .unwrap();
        let refused = records.change(&folder, |state| {
            state.tags.clear();
            Err::<(), _>(Error::NoImage("x".into()))
        });
        assert!(refused.is_err());
        for records in [records, Records::open(&folder).unwrap()] {
            assert_eq!(records.now().tags.get(&name), Some(&id));
        }
    }

    #[test]
    fn a_damaged_or_newer_file_is_an_error_and_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        for text in ["{", r#"{"format":2,"images":{},"tags":{},"digests":{}}"#] {
            fs::write(folder.path("images.json"), text).unwrap();
            assert!(Records::open(&folder).is_err());
            assert_eq!(fs::read_to_string(folder.path("images.json")).unwrap(), text);
        }
    }
}
