//! The rows that can be measured: their names, and what they share.

mod connect;
mod containers;
mod crowd;
mod memory;
mod names;
mod network;
mod publish;
mod restart;
mod throughput;

use crate::daemon::Daemon;
use crate::dockerd::Dockerd;
use crate::error::Result;
use crate::report::Line;
use crate::world::World;
use crowd::Crowd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What rows measure with.
pub struct Bench {
    /// The host they run on.
    pub world: World,
    /// The daemon's program.
    pub pontoond: PathBuf,
    /// The other daemon, where one is installed.
    pub dockerd: Option<Dockerd>,
    /// How many rounds; sides take turns in each.
    pub rounds: usize,
    crowd: Option<Crowd>,
}

impl Bench {
    /// Nothing measured yet.
    pub fn new(world: World, pontoond: PathBuf, dockerd: Option<Dockerd>, rounds: usize) -> Self {
        Self { world, pontoond, dockerd, rounds, crowd: None }
    }

    /// A daemon with nothing in it, in a new world.
    fn fresh(&mut self, name: &str) -> Result<Daemon> {
        self.crowd = None;
        self.world = World::enter()?;
        Daemon::start(&self.pontoond, &self.world, name)
    }

    /// A daemon with a thousand endpoints, made on first use.
    fn crowd(&mut self) -> Result<&mut Crowd> {
        let crowd = match self.crowd.take() {
            Some(crowd) => crowd,
            None => {
                let daemon = self.fresh("crowd")?;
                Crowd::gather(daemon, self.rounds, self.world.folder())?
            }
        };
        Ok(self.crowd.insert(crowd))
    }
}

type Measure = fn(&mut Bench) -> Result<Vec<Line>>;

/// Every row in the order they run, with its name on the command line.
pub const ROWS: &[(&str, Measure)] = &[
    ("create", network::create),
    ("connect", connect::connect),
    ("publish-200", publish::many),
    ("publish-range", publish::range),
    ("names", names::names),
    ("throughput", throughput::throughput),
    ("memory", memory::memory),
    ("containers", containers::start),
    ("containers-at-once", containers::at_once),
    ("containers-memory", containers::memory),
    ("connect-1000", crowd::among_many),
    ("restart", restart::restart),
];

/// Lets the other daemon's deletions end before our turn: the kernel has one lock for the links of all worlds.
fn settle() {
    std::thread::sleep(Duration::from_secs(1));
}

/// How long `work` takes.
fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let begin = Instant::now();
    work()?;
    Ok(begin.elapsed())
}
