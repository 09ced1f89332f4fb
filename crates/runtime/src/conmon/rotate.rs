//! Rotating logs of which more than one file is kept, while the daemon runs. Without it they grow on.

use super::folder::{Folder, Rotation};
use crate::logs::rotate;
use pontoon_types::ContainerId;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often sizes are looked at. A log may grow over its size by what is printed in that time.
const PERIOD: Duration = Duration::from_secs(1);

/// The logs that are rotated, and the thread that does it: there is one as soon as there is such a log.
#[derive(Debug, Default)]
pub(super) struct Rotating {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    logs: HashMap<ContainerId, (Folder, Rotation)>,
    over: bool,
}

impl Rotating {
    /// Rotates this log from now on.
    pub fn add(&self, id: ContainerId, folder: Folder, rotation: Rotation) {
        self.shared.state().logs.insert(id, (folder, rotation));
        self.shared.changed.notify_all();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let shared = self.shared.clone();
            let begun = std::thread::Builder::new().name("log-rotate".into()).spawn(move || shared.run());
            *thread = begun.map_err(|error| tracing::warn!(%error, "logs are not rotated")).ok();
        }
    }

    pub fn forget(&self, id: &ContainerId) {
        self.shared.state().logs.remove(id);
    }
}

impl Drop for Rotating {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        loop {
            let state = self.changed.wait_while(self.state(), |state| state.logs.is_empty() && !state.over);
            let state = state.unwrap_or_else(PoisonError::into_inner);
            let waited = self.changed.wait_timeout_while(state, PERIOD, |state| !state.over);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.over {
                return;
            }
            let logs: Vec<(ContainerId, (Folder, Rotation))> =
                state.logs.iter().map(|(id, log)| (*id, log.clone())).collect();
            drop(state);
            for (id, (folder, rotation)) in logs {
                look(&id, &folder, &rotation);
            }
        }
    }
}

fn look(id: &ContainerId, folder: &Folder, rotation: &Rotation) {
    let size = std::fs::metadata(&rotation.path).map_or(0, |meta| meta.len());
    if size <= rotation.max_size {
        return;
    }
    // Without a monitor nobody writes; and one that were not told would go on in the old file.
    let rotated = rotate(&rotation.path, rotation.max_file).and_then(|()| folder.tell(2, 0, 0));
    if let Err(error) = rotated {
        tracing::warn!(container = id.short(), %error, "rotate a log");
    }
}
