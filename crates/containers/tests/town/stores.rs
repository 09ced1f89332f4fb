//! The two stores, that fail on demand and die with their daemon.

use pontoon_containers::{Change, ContainerRecord, Definitions, State, States, StoredStates, Volume};
use pontoon_store::{Documents, Error, Result, RunFiles};
use pontoon_types::ContainerId;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

struct Files {
    documents: Documents,
    states: RunFiles,
    states_folder: PathBuf,
}

/// The stores of one life of the daemon. Clones are the same ones.
#[derive(Clone)]
pub struct Stores {
    files: Arc<Files>,
    dead: Arc<AtomicBool>,
    commits: Arc<AtomicUsize>,
    fails: Arc<AtomicUsize>,
}

impl Stores {
    pub fn open(root: &Path) -> Self {
        let states_folder = root.join("states");
        let files = Files {
            documents: Documents::open(&root.join("containers.redb")).unwrap(),
            states: RunFiles::open(&states_folder).unwrap(),
            states_folder,
        };
        Self::of(Arc::new(files))
    }

    fn of(files: Arc<Files>) -> Self {
        Self { files, dead: Arc::default(), commits: Arc::default(), fails: Arc::default() }
    }

    /// What the next life finds.
    pub fn heirs(&self) -> Self {
        Self::of(self.files.clone())
    }

    /// From now on nothing of this life is kept.
    pub fn die(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    /// The `nth` write from now on fails, to either store; 1 is the next.
    pub fn fail_on(&self, nth: usize) {
        self.fails.store(nth, Ordering::SeqCst);
    }

    /// Whether the failure has not come yet.
    pub fn is_failure_pending(&self) -> bool {
        self.fails.load(Ordering::SeqCst) > 0
    }

    /// One write.
    fn pass(&self) -> Result<()> {
        let next = |left: usize| left.checked_sub(1);
        let fails = self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) == Ok(1);
        if fails || self.dead.load(Ordering::SeqCst) { Err(self.refused()) } else { Ok(()) }
    }

    pub fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }

    pub fn forget_states(&self) {
        for entry in std::fs::read_dir(&self.files.states_folder).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }

    fn refused(&self) -> Error {
        Error::File { act: "write", path: self.files.states_folder.clone(), cause: std::io::Error::other("on demand") }
    }
}

impl Definitions for Stores {
    fn containers(&self) -> Result<Vec<ContainerRecord>> {
        self.files.documents.containers()
    }

    fn volumes(&self) -> Result<Vec<Volume>> {
        self.files.documents.volumes()
    }

    fn commit(&self, changes: &[Change]) -> Result<()> {
        self.pass()?;
        self.commits.fetch_add(1, Ordering::SeqCst);
        Definitions::commit(&self.files.documents, changes)
    }
}

impl States for Stores {
    fn all(&self) -> Result<StoredStates> {
        self.files.states.all()
    }

    fn put(&self, id: ContainerId, state: &State) -> Result<()> {
        self.pass()?;
        States::put(&self.files.states, id, state)
    }

    fn delete(&self, id: ContainerId) -> Result<()> {
        States::delete(&self.files.states, id)
    }
}
