//! `pontoon run` and `pontoon exec`.

use crate::args::sandbox::New;
use clap::{Args, Parser};
use std::ffi::OsString;
use std::path::PathBuf;

/// `pontoon run`.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub sandbox: New,
    /// Remove the sandbox when the command ends; this is the default
    #[arg(long, conflicts_with = "keep")]
    pub rm: bool,
    /// Keep the sandbox when the command ends
    #[arg(long)]
    pub keep: bool,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    pub command: Vec<OsString>,
}

/// `pontoon exec`.
#[derive(Debug, Args)]
pub struct Exec {
    /// Name or id of the sandbox
    pub sandbox: String,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    pub command: Vec<OsString>,
}

/// What a process needs to enter a sandbox. Not a command for users: `run` starts itself again with these.
#[derive(Clone, Debug, Default, Parser, PartialEq, Eq)]
#[command(name = Self::WORD)]
pub struct Enter {
    /// Path of the network namespace; without one we stay in ours
    #[arg(long)]
    pub netns: Option<PathBuf>,
    /// Host name inside
    #[arg(long)]
    pub hostname: Option<String>,
    /// File to see as /etc/hosts
    #[arg(long)]
    pub hosts_file: Option<PathBuf>,
    /// File to see as /etc/hostname
    #[arg(long)]
    pub hostname_file: Option<PathBuf>,
    /// File to see as /etc/resolv.conf
    #[arg(long)]
    pub resolv_conf: Option<PathBuf>,
    /// Process to die with
    #[arg(long)]
    pub parent: Option<u32>,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true)]
    pub command: Vec<OsString>,
}

impl Enter {
    /// The first argument that tells this command line from those of users.
    pub const WORD: &str = "enter-sandbox";
}
