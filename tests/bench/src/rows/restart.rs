//! kill -9 and start again among a thousand endpoints, with a packet stream through a published port.

use super::Bench;
use super::crowd::ENDPOINTS;
use crate::error::{Error, Result};
use crate::load::Echo;
use crate::news::News;
use crate::report::{Line, Target};
use crate::sample::Sample;
use crate::stream::Stream;
use crate::world::HOST4;
use pontoon_api_types::{HostBinding, PortMap};
use std::net::SocketAddr;
use std::time::Duration;

const PORT: u16 = 7777;
const SANDBOX: &str = "bench-stream";

/// The row.
pub fn restart(bench: &mut Bench) -> Result<Vec<Line>> {
    let (peer, folder, rounds) = (bench.world.peer(), bench.world.folder().to_owned(), bench.rounds);
    let crowd = bench.crowd()?;
    let daemon = &mut crowd.daemon;
    let netns = daemon.sandbox(SANDBOX, &["crowd-0"])?;
    let mut ports = PortMap::default();
    let binding = HostBinding { host_port: PORT.to_string(), ..HostBinding::default() };
    ports.insert(format!("{PORT}/udp"), Some(vec![binding]));
    daemon.publish(SANDBOX, ports)?;
    let _echo = Echo::start(&netns, SocketAddr::from(([0, 0, 0, 0], PORT)))?;
    let to = SocketAddr::new(HOST4.parse().map_err(|_| Error::Unfit(format!("{HOST4} is no address")))?, PORT);
    let mut found = Found::default();
    for _ in 0..rounds {
        // What came before (retired links being reaped) is over before the silence is measured.
        let mut news = News::listen(&folder)?;
        news.until_quiet()?;
        let stream = Stream::begin(&peer, to)?;
        std::thread::sleep(Duration::from_millis(300));
        daemon.kill()?;
        daemon.start_again()?;
        std::thread::sleep(Duration::from_millis(500));
        let (sent, back) = stream.end()?;
        if back == 0 {
            return Err(Error::Unfit("the stream through the published port carries nothing".into()));
        }
        found.ready.push_ms(daemon.ready_after);
        found.lost.push((sent - back) as f64);
        found.sent += sent;
        found.news.push(news.count()? as f64);
        found.writes.push(reported_writes(&daemon.log()?)?);
    }
    let known = daemon.client.sandboxes(&Default::default()).map_err(Error::api("list sandboxes"))?.len();
    if known < ENDPOINTS {
        return Err(Error::Unfit(format!("only {known} sandboxes are known after the restart")));
    }
    Ok(found.lines())
}

#[derive(Default)]
struct Found {
    ready: Sample,
    lost: Sample,
    news: Sample,
    writes: Sample,
    sent: u64,
}

impl Found {
    fn lines(self) -> Vec<Line> {
        vec![
            Line::new("restart with 1000 endpoints: kill -9, start, answer", "ms", self.ready, Target::Most(500.0)),
            Line::new("kernel writes it reports", "", self.writes, Target::Most(0.0)),
            Line::new("changes `nft monitor` and `ip monitor` saw", "", self.news, Target::Most(0.0)),
            Line::new(format!("packets lost of {} (one each ms)", self.sent), "", self.lost, Target::Most(0.0)),
        ]
    }
}

/// The number of writes in the last log line that has one.
fn reported_writes(log: &str) -> Result<f64> {
    let lines = log.lines().rev().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut numbers = lines.filter_map(|line| line.get("kernel_writes")?.as_f64());
    numbers.next().ok_or_else(|| Error::Unfit("pontoond's log tells no number of kernel writes".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_of_writes_counts() {
        let log = "{\"kernel_writes\":7}\nnonsense\n{\"message\":\"ready\",\"kernel_writes\":0}\n{\"message\":\"x\"}\n";
        assert_eq!(reported_writes(log).unwrap(), 0.0);
        assert!(reported_writes("{}").is_err());
    }
}
