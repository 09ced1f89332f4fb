//! One task for each container that runs: it waits for the end, checks health, and waits for the next start.
//!
//! Owns: the waiting. What is to be done is in `life`, and done on threads for blocking calls. A task ends with its run,
//! or with the daemon, and then changes nothing: containers go on.

mod command;
mod health;
mod watched;

pub(crate) use command::watch_command;

use crate::container::Container;
use crate::containers::Inner;
use crate::health::Schedule;
use crate::life::{After, Why};
use pontoon_runtime::Ending;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

/// How long to wait before something that failed for no reason of the container's is tried again.
const AGAIN: Duration = Duration::from_secs(1);

impl Inner {
    /// Looks after the run with this number until it is over.
    pub(crate) fn supervise(self: &Arc<Self>, container: Arc<Container>, run: u64, schedule: Option<Schedule>) {
        let span = tracing::info_span!(parent: None, "container", id = %container.id.short());
        let task = self.clone().look_after(container, run, schedule).instrument(span);
        self.supervisors.spawn_on(task, &self.tasks);
    }

    async fn look_after(self: Arc<Self>, container: Arc<Container>, run: u64, schedule: Option<Schedule>) {
        let closing = self.closing.clone();
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                () = self.end_of(&container) => {}
                () = self.check_health(&container, run, schedule.as_ref()) => {}
            }
            let own = container.clone();
            match self.blocking(move |inner| inner.ended(&own, run)).await {
                Ok(After::NotEnded) => {}
                Ok(After::Nothing) => return,
                Ok(After::Restart(delay)) => return self.start_later(container, run, delay).await,
                Ok(After::Remove) => return self.remove_later(container).await,
                Err(error) => {
                    tracing::error!(error = %pontoon_types::chain(&error), "its end cannot be seen to; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// Returns when the container's process has ended, or might have.
    async fn end_of(self: &Arc<Self>, container: &Container) {
        let id = container.id;
        let ending = self.blocking(move |inner| Ok(inner.runtime.ending(&id)?)).await;
        match ending {
            Ok(ending) => wait_for(ending).await,
            // It may have ended: a look tells.
            Err(error) => {
                tracing::debug!(error = %pontoon_types::chain(&error), "its end cannot be waited for");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    async fn start_later(self: Arc<Self>, container: Arc<Container>, run: u64, delay: Duration) {
        tokio::select! {
            () = self.closing.cancelled() => return,
            () = tokio::time::sleep(delay) => {}
            () = self.gave_up(&container) => return,
        }
        if let Err(error) = self.start(container, Why::Policy(run)).await {
            tracing::error!(error = %pontoon_types::chain(&error), "could not be started again");
        }
    }

    /// Returns when nobody wants the container to be started again.
    async fn gave_up(&self, container: &Container) {
        let mut progress = container.progress();
        // A container that is gone tells no more.
        let _ = progress.wait_for(|progress| !progress.running).await;
    }

    async fn remove_later(self: Arc<Self>, container: Arc<Container>) {
        if let Err(error) = self.blocking(move |inner| inner.remove_ended(&container, true)).await {
            tracing::error!(error = %pontoon_types::chain(&error), "could not be removed");
        }
    }
}

/// Waits until `ending` can be read.
pub(crate) async fn wait_for(ending: Ending) {
    let come = match watched::watched(ending) {
        Ok(watched) => watched.readable().await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = come {
        tracing::warn!(%error, "an end cannot be waited for; looking now and then");
        tokio::time::sleep(AGAIN).await;
    }
}
