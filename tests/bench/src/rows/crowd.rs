//! A daemon with a thousand endpoints, and what the basic requests cost there compared with an empty one.

use super::{Bench, connect, network};
use crate::daemon::Daemon;
use crate::error::{Error, Result};
use crate::news::News;
use crate::report::{Line, Target};
use crate::sample::Sample;
use std::path::Path;

/// Endpoints in a crowd.
pub const ENDPOINTS: usize = 1000;
/// A bridge takes 1023 ports; four networks keep well below.
const NETWORKS: usize = 4;
const EACH_ROUND: usize = 20;

/// A daemon with [`ENDPOINTS`] endpoints, and what was measured before they came.
pub struct Crowd {
    /// The daemon.
    pub daemon: Daemon,
    /// Resident memory without anything, in KiB.
    pub idle: f64,
    /// Resident memory with everybody there, in KiB.
    pub full: f64,
    alone: Costs,
    rounds: usize,
}

#[derive(Default)]
struct Costs {
    network: network::Times,
    connect: connect::Times,
}

impl Costs {
    fn measure(daemon: &Daemon, rounds: usize) -> Result<Self> {
        network::measure(daemon, 3, &mut network::Times::default())?;
        connect::measure(daemon, 3, &mut connect::Times::default())?;
        let mut costs = Self::default();
        for _ in 0..rounds {
            network::measure(daemon, EACH_ROUND, &mut costs.network)?;
            connect::measure(daemon, EACH_ROUND, &mut costs.connect)?;
        }
        Ok(costs)
    }
}

impl Crowd {
    /// Measures the daemon alone, then fills it.
    pub fn gather(daemon: Daemon, rounds: usize, folder: &Path) -> Result<Self> {
        let idle = settled(&daemon)?;
        connect::prepare(&daemon)?;
        let alone = Costs::measure(&daemon, rounds)?;
        let before = settled(&daemon)?;
        for network in 0..NETWORKS {
            daemon.network(&format!("crowd-{network}"))?;
        }
        for number in 0..ENDPOINTS {
            let network = format!("crowd-{}", number % NETWORKS);
            daemon.sandbox(&format!("crowd-{number}"), &[network.as_str()])?;
        }
        News::listen(folder)?.until_quiet()?;
        // What the first measurements left in the allocator belongs to nobody's endpoint.
        let full = settled(&daemon)? - (before - idle);
        Ok(Self { daemon, idle, full, alone, rounds })
    }
}

/// Resident memory once it stands still for half a second.
fn settled(daemon: &Daemon) -> Result<f64> {
    let mut last = daemon.resident()?;
    for _ in 0..20 {
        std::thread::sleep(std::time::Duration::from_millis(500));
        let now = daemon.resident()?;
        if (now - last).abs() < 64.0 {
            return Ok(now);
        }
        last = now;
    }
    Err(Error::Unfit("pontoond's memory does not stand still".into()))
}

/// The row.
pub fn among_many(bench: &mut Bench) -> Result<Vec<Line>> {
    let crowd = bench.crowd()?;
    let now = Costs::measure(&crowd.daemon, crowd.rounds)?;
    let alone = &crowd.alone;
    let pairs = [
        ("network create", &now.network.create, &alone.network.create),
        ("network delete", &now.network.delete, &alone.network.delete),
        ("connect", &now.connect.connect, &alone.connect.connect),
        ("disconnect", &now.connect.disconnect, &alone.connect.disconnect),
    ];
    let mut lines = Vec::new();
    for (what, now, alone) in pairs {
        let what = format!("{what} with {ENDPOINTS} endpoints present");
        lines.push(Line::new(what.clone(), "ms", now.clone(), Target::None));
        lines.push(Line::one(format!("{what} ÷ without"), "×", ratio(now, alone)?, Target::Most(1.2)));
    }
    Ok(lines)
}

fn ratio(now: &Sample, alone: &Sample) -> Result<f64> {
    match (now.p50(), alone.p50()) {
        (Some(now), Some(alone)) if alone > 0.0 => Ok(now / alone),
        _ => Err(Error::Unfit("nothing was measured".into())),
    }
}
