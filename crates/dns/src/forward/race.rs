//! One question to several servers: the best first, the next when it is slow, all that is needed until one answers.
//!
//! Owns: which answer counts. SERVFAIL and REFUSED count as none; that a name does not exist is taken from a later
//! server only when the better ones have had their time, for they may know names that others do not.

use super::Shared;
use super::exchange::{Failure, exchange};
use super::health::{Turn, order};
use super::set::Server;
use crate::wire::header::rcode;
use crate::wire::question::Question;
use crate::wire::response::Response;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How much longer than usual better servers have to contradict a later one that says that there is nothing.
const GRACE: Duration = Duration::from_millis(250);

/// The state of a race. Ranks are places in the order of asking.
struct Race {
    turns: Vec<Turn>,
    /// How many have been asked.
    asked: usize,
    /// Those that have not answered yet, with the time at which they were asked.
    running: BTreeMap<usize, Instant>,
    /// An answer that says that there is nothing, and its rank.
    held: Option<(usize, Response)>,
    /// When to ask the next one, or to stop waiting for better ones.
    deadline: Instant,
}

/// Asks until somebody answers; `None` when nobody does.
pub(crate) async fn race(shared: &Shared, servers: &[Server], question: &Question) -> Option<Response> {
    let now = Instant::now();
    let turns = order(servers.iter().map(|server| &server.health), now.into_std());
    let mut race = Race { turns, asked: 0, running: BTreeMap::new(), held: None, deadline: now };
    let mut exchanges = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            Some((rank, outcome)) = exchanges.next(), if !exchanges.is_empty() => {
                if let Some(answer) = race.arrived(servers, rank, outcome) {
                    race.note_laggards(servers);
                    return Some(answer);
                }
            }
            () = sleep_until(race.deadline), if race.is_timed() => {
                if let Some((_, held)) = race.held.take() {
                    race.note_laggards(servers);
                    return Some(held);
                }
                if let Some((rank, server)) = race.next(servers) {
                    exchanges.push(async move { (rank, exchange(shared, server, question).await) });
                }
            }
            else => return race.held.map(|(_, held)| held),
        }
    }
}

impl Race {
    /// Whether the deadline means something.
    fn is_timed(&self) -> bool {
        self.held.is_some() || self.asked < self.turns.len()
    }

    /// The next to be asked, now.
    fn next<'s>(&mut self, servers: &'s [Server]) -> Option<(usize, &'s Server)> {
        let rank = self.asked;
        let turn = self.turns.get(rank)?;
        let now = Instant::now();
        self.asked += 1;
        self.running.insert(rank, now);
        self.deadline = now + turn.patience;
        Some((rank, servers.get(turn.server)?))
    }

    /// What came of one exchange, and whether it ends the race.
    fn arrived(&mut self, servers: &[Server], rank: usize, outcome: Result<Response, Failure>) -> Option<Response> {
        let now = Instant::now();
        let took = self.running.remove(&rank).map(|since| now - since);
        let health = self.turns.get(rank).and_then(|turn| servers.get(turn.server)).map(|server| &server.health);
        match (&outcome, health) {
            (Ok(_), Some(health)) => health.answered(took.unwrap_or_default()),
            (Err(_), Some(health)) => health.failed(now.into_std()),
            (_, None) => {}
        }
        match outcome {
            Ok(response) if !is_refusal(&response) => {
                if !response.is_negative() || !self.better_is_running(rank) {
                    return Some(response);
                }
                if self.held.as_ref().is_none_or(|(held, _)| rank < *held) {
                    self.held = Some((rank, response));
                    self.deadline = now + GRACE;
                }
                None
            }
            _ if self.held.is_none() => {
                self.deadline = now;
                None
            }
            _ => self.held.take_if(|(held, _)| self.running.range(..*held).next().is_none()).map(|(_, answer)| answer),
        }
    }

    fn better_is_running(&self, rank: usize) -> bool {
        self.running.range(..rank).next().is_some()
    }

    /// Those whose patience is over without an answer.
    fn note_laggards(&self, servers: &[Server]) {
        let now = Instant::now();
        for (rank, since) in &self.running {
            if let Some(turn) = self.turns.get(*rank)
                && now - *since > turn.patience
                && let Some(server) = servers.get(turn.server)
            {
                server.health.lagged(now.into_std());
            }
        }
    }
}

fn is_refusal(response: &Response) -> bool {
    matches!(response.header.rcode(), rcode::SERVFAIL | rcode::REFUSED)
}
