//! Requests about commands.

use super::{ExecView, NewExec};
use crate::containers::{Containers, Inner};
use crate::supervise::watch_command;
use crate::{Error, Result, Status, plan};
use pontoon_runtime::{Attachment, ConsoleSize};
use pontoon_types::ExecId;
use std::sync::Arc;

impl Containers {
    /// Prepares a command; tells its id.
    pub fn create_exec(&self, term: &str, new: NewExec) -> Result<ExecId> {
        let container = self.0.find(term)?;
        let refuse = |why: String| Err(Error::Conflict(why));
        match container.shown().state.status {
            Status::Running => {}
            Status::Paused => return refuse(format!("container {term} is paused, unpause the container before exec")),
            Status::Restarting => return Err(Error::Restarting(container.id.to_string())),
            _ => return Err(Error::NotRunning(container.id.to_string())),
        }
        if new.command.is_empty() {
            return Err(Error::Invalid("No exec command specified".into()));
        }
        let told = format!("exec_create: {}", new.command.join(" "));
        let id = self.0.execs.enter(container.id, new);
        self.0.publish(&container.shown().definition, &told, &[("execID", id.to_string().as_str())]);
        Ok(id)
    }

    /// What is known of a command.
    pub fn exec(&self, id: &str) -> Result<ExecView> {
        self.0.execs.get(id)
    }

    /// Runs a prepared command; unless `detached`, with its streams from the first byte.
    pub async fn start_exec(&self, id: &str, size: Option<ConsoleSize>, detached: bool) -> Result<Option<Attachment>> {
        let id = id.to_owned();
        self.blocking(move |inner| inner.start_exec(&id, size, detached)).await
    }

    /// Sets the size of a command's terminal.
    pub async fn resize_exec(&self, id: &str, size: ConsoleSize) -> Result<()> {
        let view = self.0.execs.get(id)?;
        self.blocking(move |inner| {
            if !view.running {
                return Err(Error::NotRunning(view.container.to_string()));
            }
            Ok(inner.runtime.exec_resize(&view.container, &view.id, size)?)
        })
        .await
    }
}

impl Inner {
    fn start_exec(self: &Arc<Self>, id: &str, size: Option<ConsoleSize>, detached: bool) -> Result<Option<Attachment>> {
        let view = self.execs.get(id)?;
        let container = self.find(&view.container.to_string())?;
        crate::life::living(&container)?;
        let mut view = self.execs.take(id)?;
        view.new.console_size = size.or(view.new.console_size);
        let definition = container.shown().definition.clone();
        let mut plan = plan::exec(view.id, &view.new, &definition, &definition.config.hostname);
        if detached {
            plan.process.stdin = pontoon_runtime::Stdin::Closed;
        }
        let exec_id = [("execID", id)];
        self.publish(&definition, &format!("exec_start: {}", view.new.command.join(" ")), &exec_id);
        match self.runtime.exec(&container.id, &plan, !detached) {
            Ok((created, attachment)) => {
                self.execs.runs(view.id, created.pid);
                self.follow_exec(view);
                Ok(attachment)
            }
            Err(error) => {
                self.execs.ended(view.id, error.exit_code());
                Err(error.into())
            }
        }
    }

    /// Notes the end of a command when it comes.
    fn follow_exec(self: &Arc<Self>, view: ExecView) {
        let (inner, closing) = (self.clone(), self.closing.clone());
        let follow = async move {
            tokio::select! {
                () = closing.cancelled() => {}
                code = watch_command(&inner, view.container, view.id) => inner.exec_ended(&view, code).await,
            }
        };
        self.supervisors.spawn_on(follow, &self.tasks);
    }

    async fn exec_ended(self: &Arc<Self>, view: &ExecView, code: Option<i32>) {
        let (container, exec) = (view.container, view.id);
        self.execs.ended(exec, code.unwrap_or(137));
        let code = self.execs.get(&exec.to_string()).ok().and_then(|view| view.exit_code).unwrap_or_default();
        if let Ok(container) = self.find(&container.to_string()) {
            let (code, id) = (code.to_string(), exec.to_string());
            let more = [("execID", id.as_str()), ("exitCode", code.as_str())];
            self.publish(&container.shown().definition, "exec_die", &more);
        }
        let deleted = self.blocking(move |inner| Ok(inner.runtime.exec_delete(&container, &exec)?)).await;
        if let Err(error) = deleted {
            tracing::debug!(error = %pontoon_types::chain(&error), "what a command left stays");
        }
    }
}
