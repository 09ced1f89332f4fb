//! What became of a container while no daemon was there.

use super::After;
use super::end::unseen;
use super::start::schedule;
use crate::container::{Container, Live};
use crate::containers::Inner;
use crate::restart::Ended;
use crate::{Result, Status};
use pontoon_runtime::{Phase, State};
use std::sync::Arc;
use std::time::SystemTime;

/// What is to be done about a container that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It runs, and is looked after again.
    Runs,
    /// It does not.
    Rests,
    /// It does not, and is to be started.
    Starts,
    /// It is to go.
    Goes,
}

impl Inner {
    /// Compares what is known of a container with what there is.
    pub(super) fn adopt(self: &Arc<Self>, container: &Arc<Container>) -> Result<Found> {
        let mut live = container.turn()?;
        if live.state.status == Status::Removing {
            live.state.status = Status::Exited;
            return Ok(Found::Goes);
        }
        let there = self.runtime.state(&container.id)?;
        match there {
            Some(State { phase: phase @ (Phase::Running | Phase::Paused), pid }) => {
                Ok(self.take_over(container, &mut live, phase, pid))
            }
            Some(State { phase: Phase::Ended(exit), .. }) if live.state.has_process() => {
                let after = self.settle(container, &mut live, exit);
                Ok(found(after, &mut live))
            }
            // A start that was not finished: nobody was told of it.
            Some(State { phase: Phase::Created | Phase::Ended(_), .. }) => {
                self.clear_quietly(container, &live);
                Ok(self.at_rest(container, &mut live))
            }
            None if live.state.has_process() => {
                let after = self.settle(container, &mut live, unseen());
                Ok(found(after, &mut live))
            }
            // Of a start that was cut off early the runtime knows nothing yet, but may have left something.
            None => {
                self.clear_quietly(container, &live);
                Ok(self.at_rest(container, &mut live))
            }
        }
    }

    fn take_over(self: &Arc<Self>, container: &Arc<Container>, live: &mut Live, phase: Phase, pid: u32) -> Found {
        if !live.state.has_process() {
            // It was started, and then there was nobody to note it.
            live.state.begin(pid, SystemTime::now());
        }
        live.run += 1;
        live.state.pid = pid;
        live.state.status = if phase == Phase::Paused { Status::Paused } else { Status::Running };
        self.note(container, live);
        container.tell(live, false);
        self.supervise(container.clone(), live.run, schedule(live));
        Found::Runs
    }

    /// A container without a process: it may have to be started, for its policy or after a power loss.
    fn at_rest(&self, container: &Container, live: &mut Live) -> Found {
        let waiting = live.state.status == Status::Restarting;
        if waiting || live.state.has_process() {
            live.state.status = Status::Exited;
            live.state.pid = 0;
            self.note(container, live);
        }
        let ended = Ended {
            exit_code: live.state.exit_code,
            manually_stopped: live.state.manually_stopped,
            restarts: live.state.restart_count,
        };
        let ran = live.state.started_at.is_some();
        if waiting || ran && live.definition.host_config.restart_policy.starts_with_daemon(ended) {
            Found::Starts
        } else if ran && live.definition.goes_at_end() {
            Found::Goes
        } else {
            Found::Rests
        }
    }

    fn clear_quietly(&self, container: &Container, live: &Live) {
        for failure in self.clear_up(&live.definition) {
            let error = pontoon_types::chain(&failure);
            tracing::warn!(container = %container.id.short(), error, "not all of a start that was not finished is gone");
        }
    }
}

fn found(after: After, live: &mut Live) -> Found {
    match after {
        After::Restart(_) => {
            // At once: it has waited long enough.
            live.state.status = Status::Exited;
            Found::Starts
        }
        After::Remove => Found::Goes,
        After::Nothing | After::NotEnded => Found::Rests,
    }
}
