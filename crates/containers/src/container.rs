//! A container in memory: what it is, what it does, and the turn that lets one change at a time happen to it.

use crate::restart::Backoff;
use crate::{Definition, Error, Result, State};
use arc_swap::ArcSwap;
use pontoon_runtime::Attachment;
use pontoon_types::ContainerId;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{oneshot, watch};

/// What only the holder of the turn may change.
pub(crate) struct Live {
    /// What it is.
    pub definition: Arc<Definition>,
    /// What it does.
    pub state: State,
    /// Set once it is gone: whoever waited for the turn finds nothing.
    pub removed: bool,
    /// The number of its run: the last one, or the one that goes on.
    pub run: u64,
    /// How long its next restart waits.
    pub backoff: Backoff,
    /// Whether it stays although it is to be removed when it ends: it is being restarted.
    pub stays: bool,
}

/// What is shown to readers.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub definition: Arc<Definition>,
    pub state: State,
}

/// What those who wait for a container look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// How often it has ended.
    pub exits: u64,
    /// Whether it runs, or will again without being asked.
    pub running: bool,
    /// How it last ended.
    pub exit_code: i32,
    /// Why it could not be started.
    pub error: String,
    /// Whether it is gone.
    pub removed: bool,
}

/// A container in memory.
pub(crate) struct Container {
    /// Its id.
    pub id: ContainerId,
    turn: Mutex<Live>,
    shown: ArcSwap<Shown>,
    progress: watch::Sender<Progress>,
    attaching: Mutex<Vec<(bool, oneshot::Sender<Attachment>)>>,
}

impl Container {
    /// A container that does what `state` says.
    pub fn new(definition: Definition, state: State) -> Self {
        let definition = Arc::new(definition);
        let progress = Progress {
            exits: 0,
            running: state.is_running(),
            exit_code: state.exit_code,
            error: state.error.clone(),
            removed: false,
        };
        Self {
            id: definition.id,
            shown: ArcSwap::from_pointee(Shown { definition: definition.clone(), state: state.clone() }),
            turn: Mutex::new(Live {
                definition,
                state,
                removed: false,
                run: 0,
                backoff: Backoff::default(),
                stays: false,
            }),
            progress: watch::Sender::new(progress),
            attaching: Mutex::default(),
        }
    }

    /// Waits for the turn to change this container; an error when it has gone meanwhile.
    pub fn turn(&self) -> Result<MutexGuard<'_, Live>> {
        let live = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if live.removed { Err(Error::NoContainer(self.id.to_string())) } else { Ok(live) }
    }

    /// What it is and does; never waits for a change under way.
    pub fn shown(&self) -> Arc<Shown> {
        self.shown.load_full()
    }

    /// Its name now.
    pub fn name(&self) -> String {
        self.shown.load().definition.name.clone()
    }

    /// Shows `live` to readers.
    pub fn show(&self, live: &Live) {
        self.shown.store(Arc::new(Shown { definition: live.definition.clone(), state: live.state.clone() }));
    }

    /// Tells those who wait what came of it; `ended` when a run is over now.
    pub fn tell(&self, live: &Live, ended: bool) {
        self.progress.send_modify(|progress| {
            progress.exits += u64::from(ended);
            progress.running = live.state.is_running();
            progress.exit_code = live.state.exit_code;
            progress.error.clone_from(&live.state.error);
            progress.removed = live.removed;
        });
    }

    /// What those who wait look at.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The streams of the next run, when it comes. With `stdin`, the connection writes too.
    pub fn attach_later(&self, stdin: bool) -> oneshot::Receiver<Attachment> {
        let (give, wait) = oneshot::channel();
        let mut attaching = self.attaching.lock().unwrap_or_else(PoisonError::into_inner);
        attaching.retain(|(_, give)| !give.is_closed());
        attaching.push((stdin, give));
        wait
    }

    /// Those who wait for the streams of the next run.
    pub fn take_attaching(&self) -> Vec<(bool, oneshot::Sender<Attachment>)> {
        std::mem::take(&mut *self.attaching.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
