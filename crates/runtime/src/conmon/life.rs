//! A container between its creation and its end: what it does, signals, freezing, limits.

use super::Conmon;
use super::folder::{Folder, Record};
use super::process::{self, KILL};
use crate::{Error, Exit, Phase, Resources, Result, State};
use pontoon_types::ContainerId;
use std::time::Duration;

impl Conmon {
    pub(super) fn start_container(&self, id: &ContainerId) -> Result<()> {
        let (folder, record) = self.living(id)?;
        if !is_waiting(id, &record) {
            return Err(Error::Exists { id: id.to_string() });
        }
        record.oci.run("start", &[&id.to_string()], &folder.path, self.settings.patience)
    }

    pub(super) fn state_of(&self, id: &ContainerId) -> Result<Option<State>> {
        let folder = self.folder(id);
        let Some(record) = folder.record() else { return Ok(None) };
        let phase = match self.end_of(&folder, &record)? {
            Some(exit) => return Ok(Some(State { phase: Phase::Ended(exit), pid: 0 })),
            None if is_waiting(id, &record) => Phase::Created,
            None if self.group(&record).is_some_and(|group| group.is_frozen()) => Phase::Paused,
            None => Phase::Running,
        };
        Ok(Some(State { phase, pid: record.first.pid }))
    }

    /// How a process ended; `None` when it has not. One whose monitor was killed is ended now: nobody reads its output,
    /// nobody will ever know its exit code.
    pub(super) fn end_of(&self, folder: &Folder, record: &Record) -> Result<Option<Exit>> {
        if let Some(exit) = folder.exit() {
            return Ok(Some(exit));
        }
        if record.monitor.lives() {
            return Ok(None);
        }
        // The exit is written before the monitor ends: look again now that it has.
        if let Some(exit) = folder.exit() {
            return Ok(Some(exit));
        }
        if record.first.signal(KILL)? {
            if let Some(group) = self.group(record).filter(|group| group.is_frozen()) {
                group.freeze(false)?;
            }
            record.first.wait(Duration::from_secs(10));
        }
        folder.write_lost_exit()?;
        Ok(folder.exit())
    }

    pub(super) fn kill_container(&self, id: &ContainerId, signal: i32, all: bool) -> Result<()> {
        let (folder, record) = self.living(id)?;
        let not_running = || Error::NotRunning { id: id.to_string() };
        if all {
            let processes = self.processes(&record).into_iter().filter_map(process::Process::now);
            for process in processes.filter(|process| process.pid != record.first.pid) {
                process.signal(signal)?;
            }
        }
        if is_named(signal) {
            if !record.first.signal(signal)? {
                return Err(not_running());
            }
        } else {
            let words = [id.to_string(), signal.to_string()];
            record.oci.run("kill", &[&words[0], &words[1]], &folder.path, self.settings.patience)?;
        }
        if signal == KILL
            && let Some(group) = self.group(&record).filter(|group| group.is_frozen())
        {
            group.freeze(false)?;
        }
        Ok(())
    }

    pub(super) fn freeze_container(&self, id: &ContainerId, frozen: bool) -> Result<()> {
        let (_, record) = self.living(id)?;
        let group = self.group(&record).filter(|_| self.host.cgroups.freezer);
        let group = group
            .ok_or_else(|| Error::NotSupported("pause: the container has no control group to freeze it with".into()))?;
        group.freeze(frozen)
    }

    pub(super) fn update_container(&self, id: &ContainerId, resources: &Resources) -> Result<()> {
        let (folder, record) = self.living(id)?;
        if self.group(&record).is_none() {
            return Err(Error::NotSupported("update: the container has no control group to limit it with".into()));
        }
        let limits = crate::bundle::resources(resources, &self.host.cgroups)?;
        folder.write_json("resources.json", &limits)?;
        let file = folder.file("resources.json");
        let words = ["--resources", &file.to_string_lossy(), &id.to_string()].map(str::to_owned);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        record.oci.run("update", &words, &folder.path, self.settings.patience)
    }

    /// The pids of a container's processes: those of its control group, or else all in its pid namespace or below its
    /// monitor.
    pub(super) fn processes(&self, record: &Record) -> Vec<u32> {
        if let Some(group) = self.group(record) {
            return group.processes();
        }
        let namespace = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let theirs = namespace(record.first.pid);
        if theirs.is_none() || theirs == namespace(std::process::id()) {
            return record.first.tree();
        }
        process::all().filter(|&pid| namespace(pid) == theirs).collect()
    }
}

/// Whether the process waits for its start: the runtime's pipe for that is there until then.
fn is_waiting(id: &ContainerId, record: &Record) -> bool {
    record.oci.root.join(id.to_string()).join("exec.fifo").exists()
}

/// Real-time signals have no names.
fn is_named(signal: i32) -> bool {
    !(32..=64).contains(&signal)
}
