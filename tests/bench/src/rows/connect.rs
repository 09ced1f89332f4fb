//! Connecting a running sandbox to a network and disconnecting it again.

use super::{Bench, settle, timed};
use crate::daemon::Daemon;
use crate::dockerd::Dockerd;
use crate::error::{Error, Result};
use crate::report::{Line, Target};
use crate::sample::Sample;

const EACH_ROUND: usize = 20;
const NETWORK: &str = "bench-net";
const SANDBOX: &str = "bench-box";

/// Times of connecting and disconnecting.
#[derive(Default)]
pub struct Times {
    /// Connecting.
    pub connect: Sample,
    /// Disconnecting.
    pub disconnect: Sample,
}

/// The row.
pub fn connect(bench: &mut Bench) -> Result<Vec<Line>> {
    let daemon = bench.fresh("connect")?;
    prepare(&daemon)?;
    let dockerd = bench.dockerd.as_ref().filter(|dockerd| match prepare_other(dockerd) {
        Ok(()) => true,
        Err(error) => {
            crate::say(&format!("dockerd is not measured here: {}\n", pontoon_types::chain(&error)));
            false
        }
    });
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    measure(&daemon, 3, &mut Times::default())?;
    for _ in 0..bench.rounds {
        measure(&daemon, EACH_ROUND, &mut ours)?;
        if let Some(dockerd) = dockerd {
            for _ in 0..EACH_ROUND / 10 {
                theirs.connect.push_ms(timed(|| dockerd.connect(NETWORK))?);
                theirs.disconnect.push_ms(timed(|| dockerd.disconnect(NETWORK))?);
            }
            settle();
        }
    }
    let theirs = dockerd.map(|_| theirs);
    let (connect, disconnect) = theirs.map_or((None, None), |times| (Some(times.connect), Some(times.disconnect)));
    Ok(vec![
        Line::new("connect a running sandbox", "ms", ours.connect, Target::Most(3.0)).beside(connect),
        Line::new("disconnect it", "ms", ours.disconnect, Target::Most(3.0)).beside(disconnect),
    ])
}

fn prepare_other(dockerd: &Dockerd) -> Result<()> {
    dockerd.create_network(NETWORK)?;
    dockerd.run_container()
}

/// Makes what [`measure`] works with.
pub fn prepare(daemon: &Daemon) -> Result<()> {
    daemon.network(NETWORK)?;
    daemon.network("bench-home")?;
    daemon.sandbox(SANDBOX, &["bench-home"]).map(drop)
}

/// Connects and disconnects `count` times.
pub fn measure(daemon: &Daemon, count: usize, times: &mut Times) -> Result<()> {
    let client = &daemon.client;
    for _ in 0..count {
        let connect = || client.connect(NETWORK, SANDBOX, None).map_err(Error::api("connect"));
        times.connect.push_ms(timed(connect)?);
        let disconnect = || client.disconnect(NETWORK, SANDBOX, false).map_err(Error::api("disconnect"));
        times.disconnect.push_ms(timed(disconnect)?);
    }
    Ok(())
}
