//! What runs: a container's first process, and those that are executed beside it.

use pontoon_types::ExecId;

/// A program with its user, environment and terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// The program and its arguments; never empty.
    pub args: Vec<String>,
    /// `NAME=value` lines. `HOME` is added from the container's `/etc/passwd` where it is missing.
    pub env: Vec<String>,
    /// Where it starts; empty for `/`.
    pub cwd: String,
    /// `user`, `user:group`, `:group`, by name or number; empty for root. Names are looked up in the container.
    pub user: String,
    /// Further groups, by name or number (`--group-add`).
    pub groups: Vec<String>,
    /// Whether it gets a terminal of its own.
    pub tty: bool,
    /// The terminal's size at the beginning.
    pub console_size: Option<ConsoleSize>,
    /// What its standard input is.
    pub stdin: Stdin,
    /// Limits of the process.
    pub rlimits: Vec<Rlimit>,
}

impl Process {
    /// A process that runs `args` as root.
    pub fn new(args: &[&str]) -> Self {
        Self { args: args.iter().map(|&arg| arg.to_owned()).collect(), ..Self::default() }
    }
}

/// A command beside a container's first process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecPlan {
    /// The session's id.
    pub id: ExecId,
    /// What runs. Its `rlimits` must be empty: they are the container's. Further groups, too, are the container's where
    /// `groups` is empty and the user is the container's.
    pub process: Process,
    /// Whether it has all capabilities.
    pub privileged: bool,
}

/// Rows and columns of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsoleSize {
    /// Rows.
    pub height: u16,
    /// Columns.
    pub width: u16,
}

/// What a process reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing: `/dev/null`.
    #[default]
    Closed,
    /// A pipe that stays open as long as the process lives (`OpenStdin`).
    Open,
    /// A pipe that closes when the first attachment with standard input ends its side (`StdinOnce`).
    Once,
}

/// A limit such as `nofile`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rlimit {
    /// Docker's name: lower case, without `RLIMIT_`.
    pub name: String,
    /// The soft limit; -1 for none.
    pub soft: i64,
    /// The hard limit; -1 for none.
    pub hard: i64,
}
