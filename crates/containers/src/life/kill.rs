//! Signals for a container.

use crate::container::{Container, Progress};
use crate::containers::{Containers, Inner};
use crate::signal::{self, SIGKILL, SIGTERM};
use crate::{Definition, Error, Result, Status};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a process may take to end after SIGKILL.
pub(super) const DEATH: Duration = Duration::from_secs(10);

impl Containers {
    /// Sends a signal, by name or number; SIGKILL when `signal` is empty, and then waits for the end.
    pub async fn kill(&self, term: &str, signal: &str) -> Result<()> {
        let number = if signal.is_empty() { SIGKILL } else { signal::parse(signal)? };
        let container = self.0.find(term)?;
        let told = |cause| Error::Kill { term: term.to_owned(), cause: Box::new(cause) };
        self.request(move |inner| async move { inner.kill(container, number).await }).await.map_err(told)
    }
}

impl Inner {
    async fn kill(self: &Arc<Self>, container: Arc<Container>, number: i32) -> Result<()> {
        let mut progress = container.progress();
        let before = progress.borrow().exits;
        let (own, id) = (container.clone(), container.id);
        self.blocking(move |inner| inner.signal(&own, number)).await?;
        if number == SIGKILL && !ended_within(&mut progress, before, Some(DEATH)).await {
            return Err(Error::Conflict(format!("tried to kill container, but did not receive an exit event: {id}")));
        }
        Ok(())
    }

    /// Sends a signal. One that is to end the container ends its restarts too.
    pub(super) fn signal(&self, container: &Container, number: i32) -> Result<()> {
        let mut live = container.turn()?;
        if !live.state.is_running() {
            return Err(Error::NotRunning(container.id.to_string()));
        }
        let ends = number == SIGKILL || number == stop_signal(&live.definition)?;
        if live.state.status == Status::Restarting {
            if ends {
                self.cancel_restart(container, &mut live);
            }
            return Ok(());
        }
        if ends {
            live.state.manually_stopped = true;
            self.note(container, &live);
        }
        match self.runtime.kill(&container.id, number, false) {
            // It has ended, and that is about to be seen to.
            Err(pontoon_runtime::Error::NotRunning { .. } | pontoon_runtime::Error::NoSuchContainer { .. }) => {}
            sent => sent?,
        }
        if ends && number != SIGKILL && live.state.status == Status::Paused {
            // A frozen process does not get to know.
            self.runtime.resume(&container.id)?;
            live.state.status = Status::Running;
            self.note(container, &live);
            self.publish(&live.definition, "unpause", &[]);
        }
        self.publish(&live.definition, "kill", &[("signal", number.to_string().as_str())]);
        Ok(())
    }
}

/// The signal that stops a container.
pub(super) fn stop_signal(definition: &Definition) -> Result<i32> {
    match definition.config.stop_signal.as_str() {
        "" => Ok(SIGTERM),
        text => signal::parse(text),
    }
}

/// Waits until a run that went on at `before` exits is over, not longer than `patience`; tells whether it is.
pub(super) async fn ended_within(
    progress: &mut watch::Receiver<Progress>,
    before: u64,
    patience: Option<Duration>,
) -> bool {
    let over = progress.wait_for(|progress| progress.exits > before || !progress.running || progress.removed);
    match patience {
        // A container that is gone has no sender any more, and does not run.
        Some(patience) => tokio::time::timeout(patience, over).await.is_ok(),
        None => {
            let _ = over.await;
            true
        }
    }
}
