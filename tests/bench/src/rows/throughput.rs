//! Throughput of a published port beside a direct path, from a remote host and from the host over 127.0.0.1.

use super::Bench;
use crate::error::{Error, Result};
use crate::pump::Drain;
use crate::report::{Line, Target};
use crate::sample::Sample;
use crate::world::{HOST4, command};
use pontoon_api_types::{HostBinding, PortMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One of the two turns that each side has in a round.
const TURN: Duration = Duration::from_millis(500);
const PORT: u16 = 8080;
const PUBLISHED: u16 = 18080;
const BY_HAND: &str = "203.0.113.2";

/// The row.
pub fn throughput(bench: &mut Bench) -> Result<Vec<Line>> {
    let daemon = bench.fresh("throughput")?;
    daemon.network("bench-net")?;
    let netns = daemon.sandbox("server", &["bench-net"])?;
    let mut ports = PortMap::default();
    let binding = HostBinding { host_port: PUBLISHED.to_string(), ..HostBinding::default() };
    ports.insert(format!("{PORT}/tcp"), Some(vec![binding]));
    daemon.publish("server", ports)?;
    let inner = address(&daemon.address("server", "bench-net")?, PORT)?;
    let by_hand = by_hand(bench.world.folder())?;
    let (ours, plain) = (Drain::open(&netns, PORT)?, Drain::open(&by_hand, PORT)?);
    let (peer, host) = (bench.world.peer(), PathBuf::from("/proc/self/ns/net"));
    let published = address(HOST4, PUBLISHED)?;
    let loopback = address("127.0.0.1", PUBLISHED)?;
    let mut remote = Pair::default();
    let mut local = Pair::default();
    for _ in 0..bench.rounds {
        remote
            .measure(|| ours.measure(&peer, published, TURN), || plain.measure(&peer, address(BY_HAND, PORT)?, TURN))?;
        local.measure(|| ours.measure(&host, loopback, TURN), || ours.measure(&host, inner, TURN))?;
    }
    command("ip link del byhand0")?;
    let mut lines = remote.lines("from a remote host", "to a bridge and veth made by hand, without rules", 0.95);
    lines.extend(local.lines("from the host over 127.0.0.1", "to the sandbox's own address", 0.9));
    Ok(lines)
}

#[derive(Default)]
struct Pair {
    published: Sample,
    direct: Sample,
    ratio: Sample,
}

impl Pair {
    /// One round: published, direct, direct, published, so that a machine that gets busier or quieter meanwhile weighs on
    /// both sides.
    fn measure(&mut self, published: impl Fn() -> Result<f64>, direct: impl Fn() -> Result<f64>) -> Result<()> {
        let begin = published()?;
        let direct = f64::midpoint(direct()?, direct()?);
        let published = f64::midpoint(begin, published()?);
        self.published.push(published);
        self.direct.push(direct);
        self.ratio.push(published / direct);
        Ok(())
    }

    fn lines(self, from: &str, direct: &str, least: f64) -> Vec<Line> {
        vec![
            Line::new(format!("published port, {from}"), "Gbit/s", self.published, Target::None),
            Line::new(format!("direct, {from}: {direct}"), "Gbit/s", self.direct, Target::None),
            Line::new(format!("published ÷ direct, {from}"), "×", self.ratio, Target::Least(least)),
        ]
    }
}

fn address(ip: &str, port: u16) -> Result<SocketAddr> {
    let ip = ip.parse().map_err(|_| Error::Unfit(format!("{ip:?} is no address")))?;
    Ok(SocketAddr::new(ip, port))
}

/// A namespace behind a bridge as anybody would make them, for comparison.
fn by_hand(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("byhand");
    std::fs::File::create(&path).map_err(Error::system("make a file"))?;
    let netns = path.display();
    for line in [
        format!("unshare --net={netns} ip link set lo up"),
        "ip link add byhand0 type bridge && ip addr add 203.0.113.1/24 dev byhand0 && ip link set byhand0 up"
            .to_owned(),
        format!("ip link add byhand1 master byhand0 up type veth peer name eth0 netns {netns}"),
        format!("nsenter --net={netns} ip addr add {BY_HAND}/24 dev eth0"),
        format!("nsenter --net={netns} ip link set eth0 up"),
        format!("nsenter --net={netns} ip route add default via 203.0.113.1"),
    ] {
        command(&line)?;
    }
    Ok(path)
}
