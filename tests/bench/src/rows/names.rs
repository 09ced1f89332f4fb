//! Names per second in one sandbox, beside a bare echo over the same path in the same run.

use super::Bench;
use crate::daemon::cpu_time;
use crate::error::{Error, Result};
use crate::load::{Echo, has_dnsperf, load};
use crate::report::{Line, Target};
use crate::sample::Sample;
use crate::world::command;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

const TIME: Duration = Duration::from_secs(2);
const RESOLVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 11)), 53);
const ECHO: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 12)), 53);

/// The row.
pub fn names(bench: &mut Bench) -> Result<Vec<Line>> {
    let daemon = bench.fresh("names")?;
    daemon.network("bench-net")?;
    let netns = daemon.sandbox("asking", &["bench-net"])?;
    let mut names = Vec::new();
    for number in 0..10 {
        daemon.sandbox(&format!("web{number}"), &["bench-net"])?;
        names.extend([format!("web{number} A"), format!("web{number} AAAA")]);
    }
    answers_truly(&netns, &daemon.address("web3", "bench-net")?)?;
    let echo = Echo::start(&netns, SocketAddr::from(([127, 0, 0, 12], 0)))?;
    lead_to_echo(&netns, echo.port)?;
    let (folder, process) = (bench.world.folder().to_owned(), format!("/proc/{}", daemon.pid()));
    let (mut ours, mut bare, mut ratio) = (Sample::default(), Sample::default(), Sample::default());
    let (mut cpu, mut bare_cpu, mut lost) = (Sample::default(), Sample::default(), 0.0);
    for _ in 0..bench.rounds {
        let before = cpu_time(&process)?;
        let named = load(&netns, RESOLVER, &names, TIME, &folder)?;
        cpu.push(micros(cpu_time(&process)? - before, named.answered)?);
        let before = cpu_time(&echo.task)?;
        let echoed = load(&netns, ECHO, &names, TIME, &folder)?;
        bare_cpu.push(micros(cpu_time(&echo.task)? - before, echoed.answered)?);
        ours.push(named.per_second);
        bare.push(echoed.per_second);
        ratio.push(named.per_second / echoed.per_second);
        lost += named.lost;
    }
    let by = if has_dnsperf() { "dnsperf" } else { "own generator" };
    Ok(vec![
        Line::new(format!("names per second, 100 outstanding ({by})"), "/s", ours, Target::None),
        Line::new("bare UDP echo, same path", "/s", bare, Target::None),
        Line::new("names ÷ echo", "×", ratio, Target::Least(0.9)),
        Line::one("questions lost", "", lost, Target::Most(0.0)),
        Line::new("CPU time of pontoond per name", "µs", cpu, Target::None),
        Line::new("CPU time of the echo per packet", "µs", bare_cpu, Target::None),
    ])
}

fn micros(time: Duration, count: f64) -> Result<f64> {
    if count > 0.0 {
        Ok(time.as_secs_f64() * 1e6 / count)
    } else {
        Err(Error::Unfit("no question was answered".into()))
    }
}

/// Speed is nothing without the right answer.
fn answers_truly(netns: &Path, address: &str) -> Result<()> {
    let line = format!("nsenter --net={} dig +short +tries=1 +time=2 @127.0.0.11 web3 A", netns.display());
    let said = command(&line)?;
    if said.trim() == address { Ok(()) } else { Err(Error::Unfit(format!("web3 resolves to {said:?}, not {address}"))) }
}

/// The same kind of rules as the resolver's, for the echo: both kinds stand in the way of every packet.
fn lead_to_echo(netns: &Path, port: u16) -> Result<()> {
    let rules = format!(
        "table ip bench {{ chain output {{ type filter hook output priority raw; \
         ip daddr 127.0.0.12 udp dport 53 udp dport set {port}; \
         ip saddr 127.0.0.12 udp sport {port} udp sport set 53; }}; }}"
    );
    command(&format!("nsenter --net={} nft '{rules}'", netns.display())).map(drop)
}
