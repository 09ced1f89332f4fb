//! The command line: commands and their flags, with Docker's names where Docker has the command.
//!
//! Must never talk to the daemon.

pub mod endpoint;
pub mod listing;
pub mod network;
pub mod pairs;
pub mod publish;
pub mod run;
pub mod sandbox;
pub mod usage;

use clap::{ArgAction, Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Docker's networking for sandboxes: networks, names and published ports without containers.
#[derive(Debug, Parser)]
#[command(
    name = "pontoon",
    version,
    disable_version_flag = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 120
)]
pub struct Cli {
    #[command(flatten)]
    pub daemon: Daemon,
    /// Print the version of this program and exit
    #[arg(short = 'v', long, help_heading = None, action = ArgAction::Version)]
    version: Option<bool>,
    #[command(subcommand)]
    pub command: Command,
}

/// Which daemon to talk to.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Daemon")]
pub struct Daemon {
    /// Socket of the daemon: unix:///PATH or tcp://HOST:PORT [env: PONTOON_HOST, DOCKER_HOST]
    #[arg(short = 'H', long, global = true, value_name = "SOCKET")]
    pub host: Option<String>,
    /// Use TLS and trust the authority that --tlscacert names; implied by --tlsverify
    #[arg(long, global = true, hide_short_help = true)]
    pub tls: bool,
    /// Use TLS and check the daemon's certificate [env: DOCKER_TLS_VERIFY]
    #[arg(long, global = true, hide_short_help = true)]
    pub tlsverify: bool,
    /// Authority that the daemon's certificate comes from [default: $DOCKER_CERT_PATH/ca.pem or ~/.docker/ca.pem]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub tlscacert: Option<PathBuf>,
    /// Our certificate [default: $DOCKER_CERT_PATH/cert.pem or ~/.docker/cert.pem]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub tlscert: Option<PathBuf>,
    /// Our private key [default: $DOCKER_CERT_PATH/key.pem or ~/.docker/key.pem]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub tlskey: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manage networks
    #[command(subcommand, arg_required_else_help = true)]
    Network(network::Network),
    /// Manage sandboxes: network namespaces with their endpoints
    #[command(subcommand, arg_required_else_help = true)]
    Sandbox(sandbox::Sandbox),
    /// Run a command in a new sandbox, on this host's own file system
    #[command(disable_help_flag = true)]
    Run(Box<run::Run>),
    /// Run a command in an existing sandbox
    Exec(run::Exec),
    /// List the published ports of a sandbox
    Port(sandbox::Port),
    /// Show what happens, as it happens
    Events(Events),
    /// Show what the daemon is and how it is set up
    Info(Format),
    /// Show the versions of this program and of the daemon
    Version(Format),
    /// Print a completion script for a shell
    Completion(Completion),
    /// Write the manual pages into a folder
    Man(Man),
}

/// Output of one object.
#[derive(Debug, Args)]
pub struct Format {
    /// Go template, or 'json'
    #[arg(short, long, value_name = "TEMPLATE")]
    pub format: Option<String>,
}

/// `pontoon events`.
#[derive(Debug, Args)]
pub struct Events {
    /// Show past events since then: 2026-01-31T12:00:00Z, 10m, or seconds since 1970
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Stop at that time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Show only matching events, e.g. type=network, event=connect, network=NAME
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = pairs::filter)]
    pub filter: Vec<(String, String)>,
    /// Go template, or 'json'
    #[arg(long, value_name = "TEMPLATE")]
    pub format: Option<String>,
}

/// `pontoon completion`.
#[derive(Debug, Args)]
pub struct Completion {
    /// The shell
    pub shell: Shell,
}

/// Shells we write completions for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Shell {
    /// GNU Bash
    Bash,
    /// Z shell
    Zsh,
    /// Fish
    Fish,
}

/// `pontoon man`.
#[derive(Debug, Args)]
pub struct Man {
    /// The folder; made when missing
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Reads the command line.
///
/// # Errors
/// clap's, which may also be a request for help; see [`usage::explain`].
pub fn read(line: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn clap_accepts_the_definitions() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_of_the_daemon_stand_anywhere() {
        for line in [["pontoon", "-H", "unix:///x", "info"], ["pontoon", "info", "--host", "unix:///x"]] {
            let cli = read(line.map(OsString::from)).unwrap();
            assert_eq!(cli.daemon.host.as_deref(), Some("unix:///x"));
        }
    }

    #[test]
    fn the_command_begins_at_the_first_word_that_is_no_flag() {
        for line in [
            &["run", "-p8080:80", "-p=90:90", "-h", "h", "-P", "sh", "-c", "-p=1:1 --keep"][..],
            &["run", "-p", "8080:80", "-p", "90:90", "--hostname=h", "-P", "--", "sh", "-c", "-p=1:1 --keep"],
        ] {
            match read(std::iter::once("pontoon").chain(line.iter().copied()).map(OsString::from)).unwrap().command {
                Command::Run(run) => {
                    assert_eq!((run.sandbox.publish.len(), run.sandbox.publish_all, run.keep), (2, true, false));
                    assert_eq!(run.sandbox.hostname.as_deref(), Some("h"));
                    assert_eq!(run.command, ["sh", "-c", "-p=1:1 --keep"]);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
