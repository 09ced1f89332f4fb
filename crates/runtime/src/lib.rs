//! Runs containers: OCI bundles, run by `crun` or `runc` under `conmon`, which keeps a container's streams, exit code
//! and log while the daemon is away.
//!
//! Owns: the trait [`Runtime`], the values it takes and gives, and the model of one for tests ([`fake`]). Must never know
//! Docker's API, images or networks: a root file system is a mounted folder, a network namespace a path.
//!
//! All calls block; none needs an async runtime. What lasts is a file descriptor that becomes readable: [`Ending`] for
//! the end of a process, [`Attachment`] for its streams.

mod attach;
mod bundle;
mod cgroups;
mod conmon;
mod error;
pub mod fake;
mod logs;
mod plan;
mod state;
mod stats;
mod wait;

pub use attach::{Attachment, CHUNK, PACKET, Stream};
pub use cgroups::{CgroupVersion, Cgroups};
pub use conmon::{Conmon, Settings};
pub use error::{Error, Refusal, Result};
pub use logs::{LogEntry, LogQuery, LogReader, LogWatch};
pub use plan::*;
pub use state::{Created, Ending, Exit, Phase, State};
pub use stats::{BlkioEntry, CpuStats, MemoryStats, PidsStats, Stats, Throttling, Top};

use pontoon_types::{ContainerId, ExecId};
use std::path::PathBuf;

/// Uid and gid of the user that `text` (`user`, `user:group`; empty for root) means in the container at `rootfs`.
pub fn user_in(rootfs: &std::path::Path, text: &str) -> Result<(u32, u32)> {
    bundle::user_in(rootfs, text)
}

/// The host's runtimes and monitor, as Pontoon uses them.
///
/// Calls about different containers run side by side. Calls about one are the caller's to put in an order, except that
/// [`Runtime::kill`], [`Runtime::attach`] and everything that only looks may come at any time.
pub trait Runtime: Send + Sync + 'static {
    /// What the host's control groups let us limit and count.
    fn cgroups(&self) -> Cgroups;

    /// Whether the default runtime filters system calls.
    fn seccomp(&self) -> bool;

    /// The names of the runtimes that `plan.runtime` may say, each with its program; the default one comes first.
    /// Empty when none is installed.
    fn runtimes(&self) -> Vec<(String, PathBuf)>;

    /// Creates the container's process, which waits for [`Runtime::start`]. Streams can be attached from now on.
    ///
    /// Takes bounded time. After an error nothing of it remains: no process, mount, control group or folder. A container
    /// that has a process already is [`Error::Exists`]; one that has ended must be deleted first.
    fn create(&self, plan: &ContainerPlan) -> Result<Created>;

    /// Lets a created container's process run its program.
    ///
    /// After an error the container is still there and must be deleted. [`Error::exit_code`] is its exit code then.
    fn start(&self, id: &ContainerId) -> Result<()>;

    /// What is known of a container's process; `None` when there is nothing of it.
    ///
    /// True after a restart of the daemon, too: nothing is remembered but what stands under the exec root, and a pid is
    /// believed only together with the time at which its process started.
    fn state(&self, id: &ContainerId) -> Result<Option<State>>;

    /// All containers that have something under the exec root, running or not.
    fn all(&self) -> Result<Vec<ContainerId>>;

    /// What becomes readable when the container has ended; then [`Runtime::state`] has its exit.
    fn ending(&self, id: &ContainerId) -> Result<Ending>;

    /// Sends `signal` to the container's first process, or with `all` to each. Killing what has ended is
    /// [`Error::NotRunning`]. SIGKILL also ends what is paused.
    fn kill(&self, id: &ContainerId, signal: i32, all: bool) -> Result<()>;

    /// Freezes all its processes. [`Error::NotSupported`] where there is no control group for it.
    fn pause(&self, id: &ContainerId) -> Result<()>;

    /// Lets frozen processes go on.
    fn resume(&self, id: &ContainerId) -> Result<()>;

    /// Changes limits of a running container; what `resources` does not say stays.
    fn update(&self, id: &ContainerId, resources: &Resources) -> Result<()>;

    /// Removes what there is of a container: processes are killed, mounts, control groups and folders removed, its exec
    /// sessions forgotten. The log stays. Nothing to remove is no error, and what is half made is removed as well.
    fn delete(&self, id: &ContainerId) -> Result<()>;

    /// A new connection to the streams of the container's process, from now on. There may be several.
    /// With `stdin`, it writes to its standard input, and ends it where [`Stdin::Once`] says so.
    fn attach(&self, id: &ContainerId, stdin: bool) -> Result<Attachment>;

    /// Sets the size of the container's terminal.
    fn resize(&self, id: &ContainerId, size: ConsoleSize) -> Result<()>;

    /// Runs a command in a running container. With `attached`, its streams from the first byte.
    ///
    /// Returns when it runs. [`Error::exit_code`] is its exit code when it could not be.
    fn exec(&self, id: &ContainerId, plan: &ExecPlan, attached: bool) -> Result<(Created, Option<Attachment>)>;

    /// What is known of a command's process, as [`Runtime::state`]. Never [`Phase::Created`] or [`Phase::Paused`].
    fn exec_state(&self, id: &ContainerId, exec: &ExecId) -> Result<Option<State>>;

    /// What becomes readable when the command has ended; then [`Runtime::exec_state`] has its exit.
    fn exec_ending(&self, id: &ContainerId, exec: &ExecId) -> Result<Ending>;

    /// Sets the size of a command's terminal.
    fn exec_resize(&self, id: &ContainerId, exec: &ExecId, size: ConsoleSize) -> Result<()>;

    /// Sends `signal` to a command's process.
    fn exec_kill(&self, id: &ContainerId, exec: &ExecId, signal: i32) -> Result<()>;

    /// Removes what is kept of a command that has ended; nothing to remove is no error.
    fn exec_delete(&self, id: &ContainerId, exec: &ExecId) -> Result<()>;

    /// The container's processes, as `ps` prints them with `arguments` (Docker's default is `-ef`).
    fn top(&self, id: &ContainerId, arguments: &str) -> Result<Top>;

    /// What the container uses now. Networking is not counted here.
    fn stats(&self, id: &ContainerId) -> Result<Stats>;

    /// Where a container with [`Ipc::Shareable`] has its `/dev/shm` on the host; `None` when it is not to be shared.
    fn shm(&self, id: &ContainerId) -> Result<Option<PathBuf>>;
}
