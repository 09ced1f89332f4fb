//! The commands in memory.

use super::{ExecView, NewExec};
use crate::{Error, Result};
use pontoon_types::{ContainerId, ExecId};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a command that ended is known.
const MEMORY: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    Starting,
    Running,
    Ended(Instant),
}

struct Entry {
    view: ExecView,
    phase: Phase,
}

/// The commands.
#[derive(Default)]
pub(crate) struct ExecBook(Mutex<BTreeMap<ExecId, Entry>>);

impl ExecBook {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<ExecId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a command, and forgets those that ended long ago.
    pub fn enter(&self, container: ContainerId, new: NewExec) -> ExecId {
        let id = ExecId::random();
        let view = ExecView { id, container, new, running: false, pid: 0, exit_code: None };
        let mut entries = self.entries();
        entries.retain(|_, entry| !matches!(entry.phase, Phase::Ended(at) if at.elapsed() > MEMORY));
        entries.insert(id, Entry { view, phase: Phase::Waiting });
        id
    }

    /// What is known of a command.
    pub fn get(&self, id: &str) -> Result<ExecView> {
        let missing = || Error::NoExec(id.to_owned());
        let id: ExecId = id.parse().map_err(|_| missing())?;
        self.entries().get(&id).map(|entry| entry.view.clone()).ok_or_else(missing)
    }

    /// The commands of a container that wait or run.
    pub fn of(&self, container: ContainerId) -> Vec<ExecId> {
        let entries = self.entries();
        let alive = entries.values().filter(|entry| !matches!(entry.phase, Phase::Ended(_)));
        alive.filter(|entry| entry.view.container == container).map(|entry| entry.view.id).collect()
    }

    /// Takes a command that waits, to start it; it is started once.
    pub fn take(&self, id: &str) -> Result<ExecView> {
        let view = self.get(id)?;
        let mut entries = self.entries();
        let entry = entries.get_mut(&view.id).ok_or_else(|| Error::NoExec(id.to_owned()))?;
        match entry.phase {
            Phase::Waiting => {
                entry.phase = Phase::Starting;
                Ok(view)
            }
            Phase::Starting | Phase::Running => {
                Err(Error::Conflict(format!("Error: Exec command {id} is already running")))
            }
            Phase::Ended(_) => Err(Error::Conflict(format!("Error: Exec command {id} has already run"))),
        }
    }

    /// Notes that a command runs.
    pub fn runs(&self, id: ExecId, pid: u32) {
        if let Some(entry) = self.entries().get_mut(&id) {
            entry.phase = Phase::Running;
            entry.view.running = true;
            entry.view.pid = pid;
        }
    }

    /// Notes how a command ended.
    pub fn ended(&self, id: ExecId, exit_code: i32) {
        if let Some(entry) = self.entries().get_mut(&id) {
            entry.end(exit_code);
        }
    }

    /// Its container has ended, and all its commands with it.
    pub fn end_all(&self, container: ContainerId) {
        let mut entries = self.entries();
        let alive = entries.values_mut().filter(|entry| entry.view.container == container);
        alive.filter(|entry| matches!(entry.phase, Phase::Running)).for_each(|entry| entry.end(KILLED));
    }

    /// Forgets the commands of a container that is gone.
    pub fn forget_all(&self, container: ContainerId) {
        self.entries().retain(|_, entry| entry.view.container != container);
    }
}

/// The exit code of what went down with its container.
const KILLED: i32 = 137;

impl Entry {
    fn end(&mut self, exit_code: i32) {
        self.phase = Phase::Ended(Instant::now());
        self.view.running = false;
        self.view.pid = 0;
        self.view.exit_code.get_or_insert(exit_code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_started_once() {
        let (book, container) = (ExecBook::default(), ContainerId::random());
        let id = book.enter(container, NewExec::default());
        let text = id.to_string();
        assert_eq!(book.of(container), [id]);
        book.take(&text).unwrap();
        let error = book.take(&text).unwrap_err().to_string();
        assert_eq!(error, format!("Error: Exec command {id} is already running"));
        book.runs(id, 7);
        assert!(book.get(&text).unwrap().running);
        book.ended(id, 3);
        book.end_all(container);
        let view = book.get(&text).unwrap();
        assert_eq!((view.running, view.exit_code), (false, Some(3)));
        assert_eq!(book.take(&text).unwrap_err().to_string(), format!("Error: Exec command {id} has already run"));
        assert!(book.of(container).is_empty());
        book.forget_all(container);
        assert_eq!(book.get(&text).unwrap_err().to_string(), format!("No such exec instance: {id}"));
    }
}
