//! The daemon: reads settings, chooses implementations, connects them, runs. No rule of networking lives here.

mod cleanup;
mod containers;
mod error;
mod glue;
mod host;
mod listeners;
mod log;
mod metrics;
mod pidfile;
mod reload;
mod run;

use pontoon_config::{Intent, Loaded, Sources, Start};
use pontoon_types::{Kind, chain};
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match load(&args) {
        Ok(Start::Help(text)) => print(&text),
        Ok(Start::Version) => print(&format!("pontoond version {}\n", env!("CARGO_PKG_VERSION"))),
        Ok(Start::Loaded(loaded)) => act(*loaded, args),
        Err(mistakes) => {
            // Every mistake is told, one to a line.
            complain(&mistakes.to_string(), mistakes.hint());
            ExitCode::FAILURE
        }
    }
}

/// Reads all settings; called again for a reload.
pub(crate) fn load(args: &[OsString]) -> Result<Start, pontoon_config::Mistakes> {
    pontoon_config::load(&Sources {
        args: args.to_vec(),
        environment: &|name| std::env::var(name).ok(),
        read: &|path| std::fs::read(path),
    })
}

fn act(loaded: Loaded, args: Vec<OsString>) -> ExitCode {
    let done = match loaded.intent {
        Intent::Validate => return print("configuration OK\n"),
        Intent::Cleanup => cleanup::run(&loaded.config),
        Intent::Run => run::run(loaded, args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("pontoond: {}", chain(&error)), error.hint());
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> ExitCode {
    // Whoever closed the other end does not want to read it.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn complain(text: &str, hint: Option<String>) {
    let hint = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    let _ = write!(std::io::stderr(), "{}\n{hint}", text.trim_end());
}
