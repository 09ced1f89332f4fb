//! Stopping and restarting a container.

use super::kill::{DEATH, ended_within, stop_signal};
use super::start::Why;
use crate::container::Container;
use crate::containers::{Containers, Inner, record};
use crate::signal::{self, SIGKILL};
use crate::store::Change;
use crate::{Error, Result, Status};
use std::sync::Arc;
use std::time::Duration;

/// How to stop a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopWish {
    /// Another signal than the container's own.
    pub signal: Option<String>,
    /// Seconds before it is killed; negative waits for ever. Absent takes the container's own.
    pub timeout: Option<i64>,
}

/// A wish with everything known.
#[derive(Clone, Copy, Debug)]
struct Manner {
    signal: i32,
    patience: Option<Duration>,
}

impl Containers {
    /// Stops a container and waits for that; false when it does not run.
    pub async fn stop(&self, term: &str, wish: StopWish) -> Result<bool> {
        let container = self.0.find(term)?;
        let manner = manner(&container, &wish)?;
        self.request(move |inner| async move { inner.stop(&container, manner).await }).await
    }

    /// Stops a container if it runs, and starts it.
    pub async fn restart(&self, term: &str, wish: StopWish) -> Result<()> {
        let container = self.0.find(term)?;
        let manner = manner(&container, &wish)?;
        self.request(move |inner| async move { inner.restart(container, manner).await }).await
    }
}

fn manner(container: &Container, wish: &StopWish) -> Result<Manner> {
    let shown = container.shown();
    let signal = match wish.signal.as_deref() {
        None | Some("") => stop_signal(&shown.definition)?,
        Some(text) => signal::parse(text)?,
    };
    let seconds = wish.timeout.unwrap_or_else(|| shown.definition.stop_timeout());
    Ok(Manner { signal, patience: u64::try_from(seconds).ok().map(Duration::from_secs) })
}

impl Inner {
    async fn stop(self: &Arc<Self>, container: &Arc<Container>, manner: Manner) -> Result<bool> {
        let mut progress = container.progress();
        let before = progress.borrow().exits;
        let own = container.clone();
        match self.blocking(move |inner| inner.ask_to_stop(&own, manner.signal)).await {
            Err(Error::NotRunning(_)) => return Ok(false),
            asked => asked?,
        }
        if !ended_within(&mut progress, before, manner.patience).await {
            let own = container.clone();
            match self.blocking(move |inner| inner.signal(&own, SIGKILL)).await {
                Err(Error::NotRunning(_)) => {}
                killed => killed?,
            }
            if !ended_within(&mut progress, before, Some(DEATH)).await {
                let id = container.id;
                return Err(Error::Conflict(format!(
                    "tried to kill container, but did not receive an exit event: {id}"
                )));
            }
        }
        let own = container.clone();
        self.blocking(move |inner| inner.has_stopped(&own)).await?;
        Ok(true)
    }

    /// Whatever signal it is, it is a stop: restart policies do not count any more.
    fn ask_to_stop(&self, container: &Container, signal: i32) -> Result<()> {
        {
            let mut live = container.turn()?;
            if live.state.status == Status::Restarting {
                self.cancel_restart(container, &mut live);
                return Ok(());
            }
            if live.state.has_process() && !live.state.manually_stopped {
                live.state.manually_stopped = true;
                self.note(container, &live);
            }
        }
        self.signal(container, signal)
    }

    fn has_stopped(&self, container: &Container) -> Result<()> {
        // One that goes when it ends may be gone.
        let Ok(live) = container.turn() else { return Ok(()) };
        self.publish(&live.definition, "stop", &[]);
        // That somebody stopped it must be known even after a power loss.
        if live.state.manually_stopped && live.definition.host_config.restart_policy.is_unless_stopped() {
            self.keeper.now(vec![Change::PutContainer(Box::new(record(&live)))])?;
        }
        Ok(())
    }

    async fn restart(self: &Arc<Self>, container: Arc<Container>, manner: Manner) -> Result<()> {
        self.set_stays(&container, true).await?;
        let done = self.stop_and_start(&container, manner).await;
        self.set_stays(&container, false).await?;
        done
    }

    async fn stop_and_start(self: &Arc<Self>, container: &Arc<Container>, manner: Manner) -> Result<()> {
        self.stop(container, manner).await?;
        self.start(container.clone(), Why::Asked).await?;
        self.publish(&container.shown().definition, "restart", &[]);
        Ok(())
    }

    async fn set_stays(self: &Arc<Self>, container: &Arc<Container>, stays: bool) -> Result<()> {
        let own = container.clone();
        self.blocking(move |_| {
            own.turn()?.stays = stays;
            Ok(())
        })
        .await
    }
}
