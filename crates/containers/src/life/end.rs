//! A container's process has ended: everything of its run goes, and it is decided what comes after.

use crate::container::{Container, Live};
use crate::containers::Inner;
use crate::restart::Ended;
use crate::{Error, Result, Status};
use pontoon_runtime::{Exit, Phase};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What comes after the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Nothing: somebody else has seen to it, or it stays ended.
    Nothing,
    /// The process runs after all.
    NotEnded,
    /// It is started again after a while.
    Restart(Duration),
    /// It is removed.
    Remove,
}

/// The exit code of a container whose end nobody saw, as after a power loss.
pub(super) const UNSEEN: i32 = 255;

impl Inner {
    /// Sees to the end of the run with this number.
    pub(crate) fn ended(self: &Arc<Self>, container: &Arc<Container>, run: u64) -> Result<After> {
        let Ok(mut live) = container.turn() else { return Ok(After::Nothing) };
        if live.run != run || !live.state.has_process() {
            return Ok(After::Nothing);
        }
        match self.runtime.state(&container.id)?.map(|state| state.phase) {
            Some(Phase::Ended(exit)) => Ok(self.settle(container, &mut live, exit)),
            Some(_) => Ok(After::NotEnded),
            None => Ok(self.settle(container, &mut live, unseen())),
        }
    }

    /// Clears up after a run that ended so.
    pub(super) fn settle(&self, container: &Arc<Container>, live: &mut Live, exit: Exit) -> After {
        for failure in self.clear_up(&live.definition) {
            let error = pontoon_types::chain(&failure);
            tracing::warn!(container = %container.id.short(), error, "not all of an ended run could be cleared away");
        }
        self.publish_volumes(live, "unmount");
        self.execs.end_all(container.id);
        live.state.end(exit.code, exit.oom_killed, exit.at);
        live.state.shares = None;
        if exit.monitor_lost {
            live.state.error = "its monitor was killed, and the container with it".into();
        }
        let after = self.decide(live);
        if let After::Restart(_) = after {
            live.state.status = Status::Restarting;
            live.state.restart_count += 1;
        }
        self.note(container, live);
        self.publish_end(live, exit);
        container.tell(live, true);
        after
    }

    fn decide(&self, live: &mut Live) -> After {
        let definition = &live.definition;
        let ended = Ended {
            exit_code: live.state.exit_code,
            manually_stopped: live.state.manually_stopped,
            restarts: live.state.restart_count,
        };
        if definition.host_config.restart_policy.restarts(ended) {
            After::Restart(live.backoff.next(live.state.ran_for()))
        } else if definition.goes_at_end() && !live.stays {
            After::Remove
        } else {
            After::Nothing
        }
    }

    fn publish_end(&self, live: &Live, exit: Exit) {
        if exit.oom_killed {
            self.publish(&live.definition, "oom", &[]);
        }
        let (code, seconds) = (exit.code.to_string(), live.state.ran_for().as_secs().to_string());
        self.publish(&live.definition, "die", &[("execDuration", seconds.as_str()), ("exitCode", code.as_str())]);
    }

    /// Gives up a restart that is being waited for.
    pub(super) fn cancel_restart(&self, container: &Container, live: &mut Live) {
        live.state.status = Status::Exited;
        live.state.manually_stopped = true;
        self.note(container, live);
        container.tell(live, false);
    }

    /// Removes a container that is to go when it ends.
    pub(crate) fn remove_ended(self: &Arc<Self>, container: &Arc<Container>, volumes: bool) -> Result<()> {
        match self.remove_stopped(container, volumes) {
            // Somebody was faster.
            Err(Error::NoContainer(_) | Error::Going(_)) => Ok(()),
            done => done,
        }
    }
}

/// The end of a run that nobody saw.
pub(super) fn unseen() -> Exit {
    Exit { code: UNSEEN, at: SystemTime::now(), oom_killed: false, monitor_lost: false }
}
