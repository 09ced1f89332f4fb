//! `pontoon-bench`: measures what SPECIFICATION.md promises, beside a dockerd where one is installed.
//!
//! Started by `scripts/bench`. Must never invent: a row that cannot be measured is named, and the exit status tells.

#![forbid(unsafe_code)]

mod daemon;
mod dockerd;
mod error;
mod load;
mod news;
mod processes;
mod pump;
mod report;
mod rows;
mod sample;
mod stream;
mod world;

use clap::Parser;
use dockerd::Dockerd;
use error::{Error, Result};
use report::Report;
use rows::{Bench, ROWS};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use world::{World, command};

/// Measures pontoond in a world of its own.
#[derive(Debug, Parser)]
struct Arguments {
    /// The daemon to measure
    #[arg(long, value_name = "PROGRAM")]
    pontoond: PathBuf,
    /// Rounds of each measurement; sides take turns in each
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Do not start a dockerd, also where one is installed
    #[arg(long)]
    no_dockerd: bool,
    /// Fail also when a promise is not kept
    #[arg(long)]
    check: bool,
    /// List the rows and exit
    #[arg(long)]
    list: bool,
    /// Rows to measure; all by default
    #[arg(value_name = "ROW")]
    rows: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(report) if !report.is_whole() => ExitCode::FAILURE,
        Ok(report) if arguments.check && report.missed() > 0 => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {}\n", pontoon_types::chain(&error)));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<Report> {
    if arguments.list {
        ROWS.iter().for_each(|(name, _)| print(&format!("{name}\n")));
        return Ok(Report::default());
    }
    if let Some(unknown) = arguments.rows.iter().find(|row| !ROWS.iter().any(|(name, _)| name == row)) {
        let known: Vec<&str> = ROWS.iter().map(|(name, _)| *name).collect();
        return Err(Error::Unfit(format!("no row {unknown:?}; there are: {}", known.join(", "))));
    }
    let pontoond = arguments.pontoond.canonicalize().map_err(Error::system("find pontoond"))?;
    let head = machine(&pontoond)?;
    let world = World::enter()?;
    let mut report = Report::default();
    let dockerd = if arguments.no_dockerd { Ok(None) } else { Dockerd::start() };
    let dockerd = dockerd.unwrap_or_else(|error| {
        report.fail("dockerd", pontoon_types::chain(&error));
        None
    });
    let other = match &dockerd {
        Some(dockerd) => format!("dockerd {} beside it in a world of its own.", dockerd.version),
        None => "No dockerd was measured.".to_owned(),
    };
    let mut bench = Bench::new(world, pontoond, dockerd, arguments.rounds.into());
    for (name, measure) in ROWS {
        if !arguments.rows.is_empty() && !arguments.rows.iter().any(|row| row == name) {
            continue;
        }
        say(&format!("measuring {name} …\n"));
        match measure(&mut bench) {
            Ok(lines) => report.add(lines),
            Err(error) => report.fail(name, pontoon_types::chain(&error)),
        }
    }
    print(&format!("{head} {other}\n\n{}", report.markdown()));
    Ok(report)
}

/// One line on what was measured where and when.
fn machine(pontoond: &std::path::Path) -> Result<String> {
    let cpu = command("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1")?;
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = command("awk '/^MemTotal/ {printf \"%.0f\", $2 / 1048576}' /proc/meminfo")?;
    let kernel = command("uname -r")?;
    let version = command(&format!("{} --version", pontoond.display()))?;
    let date = command("date -u +%Y-%m-%d")?;
    let busy = command("cut -d' ' -f1 /proc/loadavg")?;
    let [cpu, kernel, version, date, busy] = [&cpu, &kernel, &version, &date, &busy].map(|text| text.trim());
    Ok(format!(
        "{date}: {cpu}, {cores} cores, {memory} GB, Linux {kernel}; {version}; load average at the start {busy}."
    ))
}

/// Progress and trouble.
fn say(text: &str) {
    // Nothing can be done when even this cannot be written.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Results.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
