//! The checks of a container's health, one after the other while it runs.

use super::command::watch_command;
use crate::container::Container;
use crate::containers::Inner;
use crate::exec::NewExec;
use crate::health::{CheckResult, Health, OUTPUT_LIMIT, Schedule};
use crate::signal::SIGKILL;
use crate::{Result, Status, plan};
use pontoon_runtime::{Attachment, PACKET};
use pontoon_types::ExecId;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long the last output of a check that has ended is waited for.
const REST: Duration = Duration::from_millis(500);

impl Inner {
    /// Checks as long as it is asked to; never returns.
    pub(super) async fn check_health(
        self: &Arc<Self>,
        container: &Arc<Container>,
        run: u64,
        schedule: Option<&Schedule>,
    ) {
        let Some(schedule) = schedule else { return std::future::pending().await };
        loop {
            let state = container.shown().state.clone();
            let age = state.started_at.and_then(|at| at.elapsed().ok()).unwrap_or_default();
            let health = state.health.unwrap_or_default();
            tokio::time::sleep(schedule.pause(health.status, age)).await;
            // A frozen container cannot answer.
            if container.shown().state.status == Status::Running {
                let result = self.check(container, schedule).await;
                self.count(container, run, schedule, result).await;
            }
        }
    }

    async fn check(self: &Arc<Self>, container: &Arc<Container>, schedule: &Schedule) -> CheckResult {
        let start = SystemTime::now();
        let (exit_code, output) = match self.probe(container, schedule).await {
            Ok(answer) => answer,
            Err(error) => (-1, pontoon_types::chain(&error)),
        };
        CheckResult { start, end: SystemTime::now(), exit_code, output }
    }

    /// Runs the command, not longer than it may take.
    async fn probe(self: &Arc<Self>, container: &Arc<Container>, schedule: &Schedule) -> Result<(i32, String)> {
        let (exec, id) = (ExecId::random(), container.id);
        let new = NewExec { command: schedule.command.clone(), ..NewExec::default() };
        let own = container.clone();
        let started = self.blocking(move |inner| {
            let definition = own.shown().definition.clone();
            let plan = plan::exec(exec, &new, &definition, &definition.config.hostname);
            Ok(inner.runtime.exec(&id, &plan, true)?)
        });
        // Whatever comes of it, nothing of it stays.
        let _forget = Forget { inner: self, container, exec };
        let (_, attachment) = started.await?;
        let mut output = Vec::new();
        let answer = tokio::time::timeout(schedule.timeout, async {
            let read = async {
                if let Some(attachment) = attachment {
                    read(attachment, &mut output).await
                }
            };
            tokio::pin!(read);
            tokio::select! {
                code = watch_command(self, id, exec) => {
                    let _ = tokio::time::timeout(REST, read).await;
                    code
                }
                // Its output may be over before it is.
                () = &mut read => watch_command(self, id, exec).await,
            }
        });
        let answer = answer.await;
        let text = String::from_utf8_lossy(&output).into_owned();
        match answer {
            Ok(code) => Ok((code.unwrap_or(-1), text)),
            Err(_) => {
                let limit = go_duration(schedule.timeout);
                Ok((-1, format!("Health check exceeded timeout ({limit}): {text}")))
            }
        }
    }

    async fn count(self: &Arc<Self>, container: &Arc<Container>, run: u64, schedule: &Schedule, result: CheckResult) {
        let (own, schedule) = (container.clone(), schedule.clone());
        let counted = self.blocking(move |inner| {
            let mut live = own.turn()?;
            if live.run != run || !live.state.has_process() {
                return Ok(());
            }
            let started = live.state.started_at.unwrap_or(SystemTime::UNIX_EPOCH);
            let health = live.state.health.get_or_insert_with(Health::default);
            let changed = health.count(result, &schedule, started);
            let status = health.status.word();
            inner.note(&own, &live);
            if changed {
                inner.publish(&live.definition, &format!("health_status: {status}"), &[]);
            }
            Ok(())
        });
        // It may be gone meanwhile.
        let _ = counted.await;
    }
}

/// Ends a check's command, if it goes on, and forgets it.
struct Forget<'a> {
    inner: &'a Arc<Inner>,
    container: &'a Arc<Container>,
    exec: ExecId,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let (inner, id, exec) = (self.inner.clone(), self.container.id, self.exec);
        self.inner.tasks.spawn_blocking(move || {
            // What has ended, or never began, is no error.
            let _ = inner.runtime.exec_kill(&id, &exec, SIGKILL);
            if let Err(error) = inner.runtime.exec_delete(&id, &exec) {
                tracing::debug!(error = %pontoon_types::chain(&error), "what a health check left stays");
            }
        });
    }
}

/// Reads to the end; what is too much is dropped.
async fn read(attachment: Attachment, output: &mut Vec<u8>) {
    let Ok(watched) = super::watched::watched(attachment) else { return };
    let mut buffer = vec![0; PACKET];
    while let Ok(mut ready) = watched.readable().await {
        match ready
            .try_io(|watched| watched.get_ref().read(&mut buffer).map(|read| read.map(|(_, data)| data.to_vec())))
        {
            Ok(Ok(Some(data))) => {
                let room = OUTPUT_LIMIT.saturating_sub(output.len());
                output.extend_from_slice(&data[..data.len().min(room)]);
            }
            Ok(Ok(None) | Err(_)) => return,
            // Nothing there after all.
            Err(_) => {}
        }
    }
}

/// As Go writes a duration of seconds: `1m30s`, `500ms`.
fn go_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{}ms", duration.as_millis()),
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, s) => format!("{h}h{m}m{s}s"),
    }
}
