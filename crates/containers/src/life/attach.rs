//! The streams of a container: of the process that runs, or of the one that will.

use crate::containers::Containers;
use crate::{Error, Result, Status};
use pontoon_runtime::Attachment;
use std::future::Future;
use std::pin::Pin;

/// Streams on their way.
pub struct Attached {
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether the end of this client's input is that of the process.
    pub closes_stdin: bool,
    /// The connection; of a container that does not run yet it comes when it starts. `None` when it never will.
    pub attachment: Pin<Box<dyn Future<Output = Option<Attachment>> + Send>>,
}

impl Containers {
    /// Opens the streams of a container. From now on nothing of its next run is missed.
    pub fn attach(&self, term: &str, stdin: bool) -> Result<Attached> {
        let container = self.0.find(term)?;
        // First in line, then a look: a start sets the state first and then looks who is in line.
        let later = container.attach_later(stdin);
        let shown = container.shown();
        let (config, status) = (&shown.definition.config, shown.state.status);
        let refuse = |what: &str| Error::Conflict(format!("container {} is {what}", container.id));
        match status {
            Status::Paused => return Err(refuse("paused, unpause the container before attach")),
            Status::Restarting => {
                return Err(refuse("restarting, wait until the container is running before attach"));
            }
            _ => {}
        }
        let (tty, closes_stdin) = (config.tty, config.stdin_once);
        self.0.publish(&shown.definition, "attach", &[]);
        let own = self.clone();
        let attachment = async move {
            if status != Status::Running {
                return later.await.ok();
            }
            let attached = own.0.blocking(move |inner| Ok(inner.runtime.attach(&container.id, stdin)?)).await;
            attached.inspect_err(|error| tracing::debug!(error = %pontoon_types::chain(error), "could not attach")).ok()
        };
        Ok(Attached { tty, closes_stdin: closes_stdin && stdin, attachment: Box::pin(attachment) })
    }

    /// Notes that a client left the streams of a container that goes on.
    pub fn detached(&self, term: &str) {
        if let Ok(container) = self.0.find(term) {
            self.0.publish(&container.shown().definition, "detach", &[]);
        }
    }
}
