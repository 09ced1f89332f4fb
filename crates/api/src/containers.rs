//! What the API asks of containers, commands in them, and volumes.
//!
//! What changes something, or takes long, is a future that goes on to its end even when nobody waits for it any more. What
//! only looks never waits. A term is what a user typed: an id, a name, or the beginning of an id.

use crate::{ContainerPruneFilter, Failure, VolumePruneFilter};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use pontoon_api_types::{
    ContainerStats, CreateExecRequest, CreateVolumeRequest, DriverData, EndpointSettings, ExecInspect,
    FilesystemChange, TopResponse, UpdateContainerRequest, Volume, WaitResponse,
};
use pontoon_containers::spec::ConsoleSize;
use pontoon_containers::{ContainerView, NewContainer, PathStat, StopWish, UnpackWish, WaitCondition};
use pontoon_runtime::{Attachment, Cgroups};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::SystemTime;

type Result<T> = std::result::Result<T, Failure>;
/// Work under way.
pub type Work<T> = BoxFuture<'static, Result<T>>;

/// What clients are told of how file systems are stored.
pub const STORAGE_DRIVER: &str = "overlay2";

/// Bytes of a container's file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// What it wrote itself.
    pub written: i64,
    /// All of it.
    pub whole: i64,
}

/// How to remove a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoveWish {
    /// Also one that runs.
    pub force: bool,
    /// Its anonymous volumes too.
    pub volumes: bool,
    /// Only the link of this name.
    pub link: bool,
}

/// A process's streams on their way.
pub struct Attached {
    /// Whether it has a terminal.
    pub tty: bool,
    /// The keys that detach, as a client named them when it prepared a command; empty for the usual ones.
    pub detach_keys: String,
    /// Whether the end of this client's input is that of the process.
    pub closes_stdin: bool,
    /// The connection; of a container that does not run yet it comes when it starts. `None` when it never will.
    pub attachment: BoxFuture<'static, Option<Attachment>>,
    /// Over when it is known how the process ended; waited for, a little, when its output is over: clients ask then.
    pub settled: BoxFuture<'static, ()>,
    /// Told when the session is over: whether the client detached by itself.
    pub ended: Box<dyn FnOnce(bool) + Send>,
}

/// Which lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogWish {
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
    /// What comes from now on too.
    pub follow: bool,
    /// From when.
    pub since: Option<SystemTime>,
    /// Until when.
    pub until: Option<SystemTime>,
    /// How many of the last lines; all when absent.
    pub tail: Option<usize>,
}

/// A line of a log, with its line feed where it had one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub time: SystemTime,
    /// Whether it is of standard error.
    pub stderr: bool,
    /// Whether it goes on with a line whose beginning came before.
    pub continues: bool,
    /// The line, or a part of a long one.
    pub bytes: Bytes,
}

/// A container's log.
pub struct Logs {
    /// Whether the container has a terminal.
    pub tty: bool,
    /// What was added to each line when asked for details.
    pub details: String,
    /// The lines.
    pub lines: BoxStream<'static, LogLine>,
}

/// How many containers there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContainerCounts {
    /// All.
    pub all: i64,
    /// Running.
    pub running: i64,
    /// Paused.
    pub paused: i64,
    /// Not running.
    pub stopped: i64,
}

/// What a host can do for containers.
#[derive(Clone, Debug)]
pub struct ContainerHost {
    /// Names of the runtimes with their programs; the default one comes first.
    pub runtimes: Vec<(String, PathBuf)>,
    /// What can be limited and counted.
    pub cgroups: Cgroups,
    /// Whether system calls are filtered.
    pub seccomp: bool,
    /// The small init that containers can have; empty when there is none.
    pub init: String,
}

/// Everything behind the calls about containers and volumes.
pub trait ContainerEngine: Send + Sync + 'static {
    /// How many containers there are.
    fn counts(&self) -> ContainerCounts;
    /// What this host can do for containers.
    fn host(&self) -> ContainerHost;

    /// Every container, the newest first.
    fn containers(&self) -> Vec<ContainerView>;
    /// One container.
    fn container(&self, term: &str) -> Result<ContainerView>;
    /// Whether it comes from the image, or from one made from it.
    fn is_from(&self, view: &ContainerView, image: &str) -> bool;
    /// Bytes of its file system.
    fn sizes(&self, term: &str) -> Work<Sizes>;
    /// The data of its storage driver; absent when it has no file system of its own.
    fn graph(&self, term: &str) -> Work<Option<DriverData>>;
    /// Makes a container; gives its id and warnings.
    fn create_container(&self, new: NewContainer) -> Work<(String, Vec<String>)>;
    /// Starts it. False when it runs already.
    fn start_container(&self, term: &str) -> Work<bool>;
    /// Stops it and waits for that. False when it does not run.
    fn stop_container(&self, term: &str, wish: StopWish) -> Work<bool>;
    /// Stops it when it runs, and starts it.
    fn restart_container(&self, term: &str, wish: StopWish) -> Work<()>;
    /// Sends it a signal, by name or number; SIGKILL when empty.
    fn kill_container(&self, term: &str, signal: &str) -> Work<()>;
    /// Freezes it.
    fn pause_container(&self, term: &str) -> Work<()>;
    /// Lets it go on.
    fn unpause_container(&self, term: &str) -> Work<()>;
    /// Gives it another name.
    fn rename_container(&self, term: &str, name: &str) -> Work<()>;
    /// Changes its limits and restart policy; gives warnings.
    fn update_container(&self, term: &str, request: UpdateContainerRequest) -> Work<Vec<String>>;
    /// Removes it.
    fn remove_container(&self, term: &str, wish: RemoveWish) -> Work<()>;
    /// Removes what does not run; gives ids and freed bytes.
    fn prune_containers(&self, filter: ContainerPruneFilter) -> Work<(Vec<String>, u64)>;
    /// Connects it to a network, in whatever state it is.
    fn connect_container(&self, term: &str, network: &str, settings: EndpointSettings) -> Work<()>;
    /// Disconnects it from a network; with `force` also from one that is gone.
    fn disconnect_container(&self, term: &str, network: &str, force: bool) -> Work<()>;
    /// Sets the size of its terminal.
    fn resize_container(&self, term: &str, size: ConsoleSize) -> Work<()>;
    /// Its processes.
    fn top(&self, term: &str, arguments: &str) -> Work<TopResponse>;
    /// What changed in its file system.
    fn changes(&self, term: &str) -> Work<Vec<FilesystemChange>>;
    /// What is at a path in its file system.
    fn stat_path(&self, term: &str, path: &str) -> Work<PathStat>;
    /// Writes what is at a path in it as a tar stream. Blocks.
    fn pack(&self, term: &str, path: &str, to: &mut (dyn Write + Send)) -> Result<()>;
    /// Writes all its own files as a tar stream. Blocks.
    fn export(&self, term: &str, to: &mut (dyn Write + Send)) -> Result<()>;
    /// Unpacks a tar stream into a folder of it. Blocks.
    fn unpack(&self, term: &str, path: &str, wish: UnpackWish, from: &mut (dyn Read + Send)) -> Result<()>;

    /// Opens its streams.
    fn attach(&self, term: &str, stdin: bool) -> Result<Attached>;
    /// Begins to wait; an error when there is no such container.
    fn wait(&self, term: &str, condition: WaitCondition) -> Result<BoxFuture<'static, WaitResponse>>;
    /// Opens its log.
    fn logs(&self, term: &str, wish: LogWish) -> Result<Logs>;
    /// Reads its numbers once; only id and name when it does not run.
    fn stats(&self, term: &str) -> Work<ContainerStats>;

    /// Prepares a command; gives its id.
    fn create_exec(&self, term: &str, request: CreateExecRequest) -> Work<String>;
    /// What is known of a command.
    fn exec(&self, id: &str) -> Result<ExecInspect>;
    /// Runs it, with its streams unless it is `detached`.
    fn start_exec(&self, id: &str, size: Option<ConsoleSize>, detached: bool) -> Work<Option<Attached>>;
    /// Sets the size of its terminal.
    fn resize_exec(&self, id: &str, size: ConsoleSize) -> Work<()>;

    /// Every volume, with how many containers have it.
    fn volumes(&self) -> Vec<Volume>;
    /// One volume.
    fn volume(&self, name: &str) -> Result<Volume>;
    /// Makes a volume; gives the one that is there if it is the same.
    fn create_volume(&self, request: CreateVolumeRequest) -> Work<Volume>;
    /// Removes a volume; with `force` a missing one is no error.
    fn remove_volume(&self, name: &str, force: bool) -> Work<()>;
    /// Removes unused volumes; gives names and freed bytes.
    fn prune_volumes(&self, filter: VolumePruneFilter) -> Work<(Vec<String>, u64)>;
    /// Every volume, with its size and how many containers have it.
    fn volume_usage(&self) -> Work<Vec<Volume>>;
}
