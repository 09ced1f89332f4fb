//! Creating and deleting a network over the API.

use super::{Bench, settle, timed};
use crate::daemon::Daemon;
use crate::error::Result;
use crate::report::{Line, Target};
use crate::sample::Sample;

const EACH_ROUND: usize = 20;

/// Times of making and removing.
#[derive(Default)]
pub struct Times {
    /// Making.
    pub create: Sample,
    /// Removing.
    pub delete: Sample,
}

/// The row.
pub fn create(bench: &mut Bench) -> Result<Vec<Line>> {
    let daemon = bench.fresh("create")?;
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    measure(&daemon, 3, &mut Times::default())?;
    for _ in 0..bench.rounds {
        measure(&daemon, EACH_ROUND, &mut ours)?;
        if let Some(dockerd) = &bench.dockerd {
            // A tenth is enough of what takes ten times as long.
            for number in 0..EACH_ROUND / 10 {
                let name = format!("bench-{number}");
                theirs.create.push_ms(timed(|| dockerd.create_network(&name))?);
                theirs.delete.push_ms(timed(|| dockerd.remove_network(&name))?);
            }
            settle();
        }
    }
    let theirs = bench.dockerd.as_ref().map(|_| theirs);
    let (create, delete) = theirs.map_or((None, None), |times| (Some(times.create), Some(times.delete)));
    Ok(vec![
        Line::new("network create", "ms", ours.create, Target::Most(4.0)).beside(create),
        Line::new("network delete", "ms", ours.delete, Target::Most(4.0)).beside(delete),
    ])
}

/// Makes and removes a network `count` times.
pub fn measure(daemon: &Daemon, count: usize, times: &mut Times) -> Result<()> {
    for number in 0..count {
        let name = format!("bench-{number}");
        times.create.push_ms(timed(|| daemon.network(&name))?);
        times.delete.push_ms(timed(|| daemon.remove_network(&name))?);
    }
    Ok(())
}
