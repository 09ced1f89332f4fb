//! What a container is doing, and how it last ended: Docker's `State`.
//!
//! Owns: the states and what may follow what. Must never touch a process.

use crate::health::Health;
use pontoon_types::ContainerId;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// Docker's words for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Never started.
    #[default]
    Created,
    /// Its process runs.
    Running,
    /// Its process is frozen.
    Paused,
    /// It ended and is started again soon.
    Restarting,
    /// It is being removed.
    Removing,
    /// It ended.
    Exited,
    /// It could not be removed wholly.
    Dead,
}

impl Status {
    /// Docker's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }
}

/// The state of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// What it does.
    pub status: Status,
    /// Its first process; 0 when it has none.
    pub pid: u32,
    /// How it last ended.
    pub exit_code: i32,
    /// Why it could not be started; empty when it could.
    pub error: String,
    /// Whether it last ended because memory was short.
    pub oom_killed: bool,
    /// When it was last started.
    pub started_at: Option<SystemTime>,
    /// When it last ended.
    pub finished_at: Option<SystemTime>,
    /// How often its restart policy has started it in a row.
    pub restart_count: u32,
    /// Whether somebody stopped it: `unless-stopped` remembers.
    pub manually_stopped: bool,
    /// Whose network it shares since it was started (`container:X`).
    pub shares: Option<ContainerId>,
    /// Whether it is well; absent without a check.
    pub health: Option<Health>,
}

impl State {
    /// Whether it has a process, or will have one again without being asked. Docker's `Running`.
    pub fn is_running(&self) -> bool {
        matches!(self.status, Status::Running | Status::Paused | Status::Restarting)
    }

    /// Whether it has a process now.
    pub fn has_process(&self) -> bool {
        matches!(self.status, Status::Running | Status::Paused)
    }

    /// Whether it is on its way out, or half gone.
    pub fn is_going(&self) -> bool {
        matches!(self.status, Status::Removing | Status::Dead)
    }

    /// A process runs now.
    pub fn begin(&mut self, pid: u32, at: SystemTime) {
        self.status = Status::Running;
        self.pid = pid;
        self.exit_code = 0;
        self.error.clear();
        self.oom_killed = false;
        self.started_at = Some(at);
    }

    /// The process ended.
    pub fn end(&mut self, exit_code: i32, oom_killed: bool, at: SystemTime) {
        self.status = Status::Exited;
        self.pid = 0;
        self.exit_code = exit_code;
        self.oom_killed = oom_killed;
        self.finished_at = Some(at);
    }

    /// It could not be started.
    pub fn fail(&mut self, exit_code: i32, error: String) {
        // A container that never ran stays one.
        self.status = if self.started_at.is_none() { Status::Created } else { Status::Exited };
        self.pid = 0;
        self.exit_code = exit_code;
        self.error = error;
    }

    /// How long it last ran.
    pub fn ran_for(&self) -> Duration {
        let ran = |from: SystemTime, to: SystemTime| to.duration_since(from).unwrap_or_default();
        self.started_at.zip(self.finished_at).map_or(Duration::ZERO, |(from, to)| ran(from, to))
    }
}
