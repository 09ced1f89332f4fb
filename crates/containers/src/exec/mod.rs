//! Commands executed in containers that run.
//!
//! Owns: which commands there are and what became of them. They are known as long as the daemon runs and their container
//! exists; those that ended are forgotten after a while.

mod book;
mod calls;

pub(crate) use book::ExecBook;

use pontoon_runtime::ConsoleSize;
use pontoon_types::{ContainerId, ExecId};

/// A command as asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewExec {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// `NAME=value`, beside the container's.
    pub env: Vec<String>,
    /// Where it starts; empty is the container's.
    pub working_dir: String,
    /// As whom; empty is the container's.
    pub user: String,
    /// Whether it gets a terminal.
    pub tty: bool,
    /// The terminal's first size.
    pub console_size: Option<ConsoleSize>,
    /// Whether a client writes to its input.
    pub attach_stdin: bool,
    /// Whether a client reads its output.
    pub attach_stdout: bool,
    /// The same for its error output.
    pub attach_stderr: bool,
    /// Whether it may do everything.
    pub privileged: bool,
    /// The keys with which a client leaves it.
    pub detach_keys: String,
}

/// A command as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecView {
    /// Its id.
    pub id: ExecId,
    /// Its container.
    pub container: ContainerId,
    /// What was asked for.
    pub new: NewExec,
    /// Whether it runs.
    pub running: bool,
    /// Its process while it runs, else 0.
    pub pid: u32,
    /// How it ended.
    pub exit_code: Option<i32>,
}
