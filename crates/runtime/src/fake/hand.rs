//! The fake runtime from the test's side: what processes do by themselves, what was asked, what is to fail.

use super::fault::Call;
use super::model::{Model, exit};
use crate::{Cgroups, ContainerPlan, Error, ExecPlan, Exit, Result, Stream};
use pontoon_types::{ContainerId, ExecId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A runtime in memory. Clones are the same one.
///
/// A process ends with 128 and the signal's number when it is killed, unless it ignores the signal ([`Self::ignore`]).
/// A command goes on until the test ends it, unless [`Self::answer`] says otherwise.
#[derive(Clone, Default)]
pub struct FakeRuntime(Arc<Mutex<Model>>);

impl FakeRuntime {
    /// A host with cgroup v2, on which nothing runs.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn model(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host has other control groups.
    pub fn set_cgroups(&self, cgroups: Cgroups) {
        self.model().cgroups = cgroups;
    }

    /// The container's process ends with `code`, and all commands with it.
    pub fn exit(&self, id: &ContainerId, code: i32) -> Result<()> {
        self.model().living(id)?.end(exit(code));
        Ok(())
    }

    /// The kernel ends the container's process because it is out of memory.
    pub fn run_out_of_memory(&self, id: &ContainerId) -> Result<()> {
        self.model().living(id)?.end(Exit { oom_killed: true, ..exit(137) });
        Ok(())
    }

    /// The container's monitor is killed.
    pub fn lose_monitor(&self, id: &ContainerId) -> Result<()> {
        self.model().living(id)?.end(Exit { monitor_lost: true, ..exit(137) });
        Ok(())
    }

    /// Everything is gone, as after a reboot.
    pub fn reboot(&self) {
        self.model().containers.clear();
    }

    /// A command ends with `code`.
    pub fn exec_exit(&self, id: &ContainerId, exec: &ExecId, code: i32) -> Result<()> {
        self.model().exec(id, exec)?.end(exit(code));
        Ok(())
    }

    /// From now on commands do what `answer` says: end at once with an exit code after some output, or go on.
    pub fn answer(&self, answer: impl Fn(&ExecPlan) -> Option<(i32, String)> + Send + 'static) {
        self.model().answer = Box::new(answer);
    }

    /// From now on no process ends because of these signals. SIGKILL cannot be ignored.
    pub fn ignore(&self, signals: &[i32]) {
        self.model().ignored = signals.to_vec();
    }

    /// The container's process prints.
    pub fn print(&self, id: &ContainerId, stream: Stream, data: &[u8]) -> Result<()> {
        self.model().living(id)?.run.print(stream, data);
        Ok(())
    }

    /// What the container's process was given to read since the last call, and whether that was all.
    pub fn read(&self, id: &ContainerId) -> Result<(Vec<u8>, bool)> {
        Ok(self.model().container(id)?.run.read())
    }

    /// A command prints.
    pub fn exec_print(&self, id: &ContainerId, exec: &ExecId, stream: Stream, data: &[u8]) -> Result<()> {
        self.model().exec(id, exec)?.print(stream, data);
        Ok(())
    }

    /// What a command was given to read since the last call, and whether that was all.
    pub fn exec_read(&self, id: &ContainerId, exec: &ExecId) -> Result<(Vec<u8>, bool)> {
        Ok(self.model().exec(id, exec)?.read())
    }

    /// What the container was made from.
    pub fn plan(&self, id: &ContainerId) -> Result<ContainerPlan> {
        Ok(self.model().container(id)?.plan.clone())
    }

    /// The `nth` changing call from now on fails; 1 is the next.
    pub fn fail_on(&self, nth: usize) {
        self.model().faults.fail_on(nth);
    }

    /// The next call that `which` picks fails with `error`.
    pub fn fail_next(&self, which: fn(&Call) -> bool, error: Error) {
        self.model().faults.fail_next(which, error);
    }

    /// Whether a failure that was asked for has not come yet.
    pub fn is_failure_pending(&self) -> bool {
        self.model().faults.is_pending()
    }

    /// How many changing calls there were.
    pub fn count(&self) -> usize {
        self.model().faults.count()
    }

    /// The changing calls so far, failed ones too.
    pub fn calls(&self) -> Vec<Call> {
        self.model().faults.log().to_vec()
    }
}
