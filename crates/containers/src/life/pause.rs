//! Freezing a container and letting it go on; the size of its terminal; its processes.

use crate::container::Container;
use crate::containers::{Containers, Inner};
use crate::{Error, Result, Status};
use pontoon_runtime::{ConsoleSize, Stats, Top};

impl Containers {
    /// Freezes a container.
    pub async fn pause(&self, term: &str) -> Result<()> {
        let container = self.0.find(term)?;
        self.blocking(move |inner| inner.pause(&container)).await
    }

    /// Lets a frozen container go on.
    pub async fn unpause(&self, term: &str) -> Result<()> {
        let container = self.0.find(term)?;
        self.blocking(move |inner| inner.unpause(&container)).await
    }

    /// Sets the size of a container's terminal.
    pub async fn resize(&self, term: &str, size: ConsoleSize) -> Result<()> {
        let container = self.0.find(term)?;
        self.blocking(move |inner| {
            living(&container)?;
            inner.runtime.resize(&container.id, size)?;
            let (height, width) = (size.height.to_string(), size.width.to_string());
            let attributes = [("height", height.as_str()), ("width", width.as_str())];
            inner.publish(&container.shown().definition, "resize", &attributes);
            Ok(())
        })
        .await
    }

    /// A container's processes, as `ps` shows them.
    pub async fn top(&self, term: &str, arguments: &str) -> Result<Top> {
        let container = self.0.find(term)?;
        let arguments = if arguments.is_empty() { "-ef".to_owned() } else { arguments.to_owned() };
        self.blocking(move |inner| {
            living(&container)?;
            let top = inner.runtime.top(&container.id, &arguments)?;
            inner.publish(&container.shown().definition, "top", &[]);
            Ok(top)
        })
        .await
    }

    /// What a container uses now; `None` when it does not run.
    pub async fn stats(&self, term: &str) -> Result<Option<Stats>> {
        let container = self.0.find(term)?;
        self.blocking(move |inner| match inner.runtime.stats(&container.id) {
            Err(error) if error.is_not_found() || !container.shown().state.has_process() => Ok(None),
            stats => Ok(Some(stats?)),
        })
        .await
    }
}

/// Refuses a container without a process.
pub(crate) fn living(container: &Container) -> Result<()> {
    match container.shown().state.status {
        Status::Running | Status::Paused => Ok(()),
        Status::Restarting => Err(Error::Restarting(container.id.to_string())),
        _ => Err(Error::NotRunning(container.id.to_string())),
    }
}

impl Inner {
    fn pause(&self, container: &Container) -> Result<()> {
        let mut live = container.turn()?;
        match live.state.status {
            Status::Running => {}
            Status::Paused => return Err(Error::AlreadyPaused(container.id.to_string())),
            Status::Restarting => return Err(Error::Restarting(container.id.to_string())),
            _ => return Err(Error::NotRunning(container.id.to_string())),
        }
        let failed = |error| Error::from(error).during(format!("cannot pause container {}", container.id));
        self.runtime.pause(&container.id).map_err(failed)?;
        live.state.status = Status::Paused;
        self.note(container, &live);
        self.publish(&live.definition, "pause", &[]);
        Ok(())
    }

    fn unpause(&self, container: &Container) -> Result<()> {
        let mut live = container.turn()?;
        if live.state.status != Status::Paused {
            return Err(Error::NotPaused(container.id.to_string()));
        }
        let failed = |error| Error::from(error).during(format!("cannot resume container {}", container.id));
        self.runtime.resume(&container.id).map_err(failed)?;
        live.state.status = Status::Running;
        self.note(container, &live);
        self.publish(&live.definition, "unpause", &[]);
        Ok(())
    }
}
