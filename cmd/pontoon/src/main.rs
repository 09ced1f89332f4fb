//! `pontoon`, the command line: the only place that knows arguments, text output and exit codes.
//!
//! Must never decide anything about networking: the daemon does, and its words are passed on.

#![forbid(unsafe_code)]

mod args;
mod connect;
mod error;
mod events;
mod generate;
mod info;
mod network;
mod output;
mod run;
mod sandbox;
mod time;
mod version;

use args::run::Enter;
use args::{Cli, Command, usage};
use clap::{CommandFactory, Parser};
use error::Error;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let line: Vec<OsString> = std::env::args_os().collect();
    if line.get(1).is_some_and(|word| word == Enter::WORD) {
        return enter(line);
    }
    let words: Vec<String> = line.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let cli = match args::read(line) {
        Ok(cli) => cli,
        Err(error) if usage::is_request(&error) => return asked_for_help(&error),
        Err(error) => {
            let path = usage::path(&Cli::command(), &words);
            return ExitCode::from(refuse(usage::explain(&error, &path), &path));
        }
    };
    match dispatch(cli) {
        Ok(status) => ExitCode::from(status),
        Err(error) => ExitCode::from(error.report(&mut std::io::stderr())),
    }
}

/// The process that `run` starts: becomes the command, or fails as `run` would.
fn enter(line: Vec<OsString>) -> ExitCode {
    let plan = Enter::try_parse_from(line.into_iter().skip(1));
    let plan = plan.map_err(|error| Error::usage(error.to_string(), "use 'pontoon run' or 'pontoon exec'"));
    match plan.and_then(run::enter).map_err(Error::before_command) {
        Ok(status) => ExitCode::from(status),
        Err(error) => ExitCode::from(error.report(&mut std::io::stderr())),
    }
}

/// Prints help or version; without a command that was asked for, help is an error too.
fn asked_for_help(error: &clap::Error) -> ExitCode {
    // Nothing can be done when even this cannot be printed.
    let printed = error.print();
    if printed.is_err() || error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn refuse(usage: usage::Usage, path: &[String]) -> u8 {
    let error = Error::Usage { text: usage.text, hint: Some(usage.hint) };
    let runs = path.first().is_some_and(|word| matches!(word.as_str(), "run" | "exec"));
    let error = if runs { error.before_command() } else { error };
    error.report(&mut std::io::stderr())
}

fn dispatch(cli: Cli) -> Result<u8, Error> {
    let connect = || connect::client(&cli.daemon, &connect::environment);
    match cli.command {
        Command::Network(command) => network::run(&connect()?, command),
        Command::Sandbox(command) => sandbox::run(&connect()?, command),
        Command::Run(command) => {
            connect().and_then(|client| run::run(&client, &command)).map_err(Error::before_command)
        }
        Command::Exec(command) => {
            connect().and_then(|client| run::exec(client, &command)).map_err(Error::before_command)
        }
        Command::Port(command) => sandbox::port(&connect()?, &command),
        Command::Events(command) => events::run(&connect()?, command),
        Command::Info(command) => info::run(&connect()?, command.format.as_deref()),
        Command::Version(command) => version::run(&connect()?, command.format.as_deref()),
        Command::Completion(command) => generate::completion(command.shell),
        Command::Man(command) => generate::manual(&command.folder),
    }
}
