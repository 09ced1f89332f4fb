//! How a server outside has been doing, and the order in which servers are asked because of it.
//!
//! Owns: the configured order among servers that answer (split horizons depend on it), and that a dead one costs one
//! or two clients a moment, not every client four seconds.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Patience with a server of which nothing is known yet.
const FIRST_PATIENCE: Duration = Duration::from_millis(250);
/// Bounds of the patience with one whose usual time is known.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// Patience with one that is tried again after it had failed.
const TRIAL_PATIENCE: Duration = Duration::from_millis(50);
/// How long a server that failed is left alone, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// So many answers in a row must come too late before a server counts as failing.
const MAX_LAPSES: u32 = 2;

/// The health of one server.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    usual: Option<Duration>,
    lapses: u32,
    /// Set while it fails: when to try it again, and how long the pause was.
    failing: Option<(Instant, Duration)>,
}

/// Whom to ask, and how long to wait before asking the next one as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) server: usize,
    pub(crate) patience: Duration,
}

enum Standing {
    Good(Duration),
    Trial,
    Failing,
}

impl Health {
    /// It answered, after this time.
    pub(crate) fn answered(&self, took: Duration) {
        let mut state = self.lock();
        let usual = state.usual.map_or(took, |usual| (usual * 7 + took) / 8);
        *state = State { usual: Some(usual), lapses: 0, failing: None };
    }

    /// It could not be reached, or said nothing in all the time there is.
    pub(crate) fn failed(&self, now: Instant) {
        let mut state = self.lock();
        let pause = state.failing.map_or(PAUSE.0, |(_, pause)| (pause * 2).min(PAUSE.1));
        state.failing = Some((now + pause, pause));
    }

    /// Another one had answered before its patience was over.
    pub(crate) fn lagged(&self, now: Instant) {
        let lapses = {
            let mut state = self.lock();
            state.lapses += 1;
            state.lapses
        };
        if lapses >= MAX_LAPSES {
            self.failed(now);
        }
    }

    fn standing(&self, now: Instant) -> Standing {
        let mut state = self.lock();
        match state.failing {
            None => {
                let usual = state.usual.map(|usual| (usual * 4).clamp(PATIENCE.0, PATIENCE.1));
                Standing::Good(usual.unwrap_or(FIRST_PATIENCE))
            }
            Some((again, pause)) if now >= again => {
                // One query tries it; the others do not wait for what comes of it.
                state.failing = Some((now + pause, pause));
                Standing::Trial
            }
            Some(_) => Standing::Failing,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The order in which to ask: good servers as configured, those to be tried again at their place among them, failing
/// ones after all others and all at once.
pub(crate) fn order<'h>(all: impl Iterator<Item = &'h Health>, now: Instant) -> Vec<Turn> {
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for (server, health) in all.enumerate() {
        match health.standing(now) {
            Standing::Good(patience) => first.push(Turn { server, patience }),
            Standing::Trial => first.push(Turn { server, patience: TRIAL_PATIENCE }),
            Standing::Failing => last.push(Turn { server, patience: Duration::ZERO }),
        }
    }
    first.append(&mut last);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(all: &[Health], now: Instant) -> Vec<usize> {
        order(all.iter(), now).into_iter().map(|turn| turn.server).collect()
    }

    #[test]
    fn servers_that_answer_keep_their_configured_order_however_fast_they_are() {
        let (all, now) = ([Health::default(), Health::default()], Instant::now());
        all[0].answered(Duration::from_millis(200));
        all[1].answered(Duration::from_millis(1));
        assert_eq!(servers(&all, now), [0, 1]);
        let patience: Vec<Duration> = order(all.iter(), now).into_iter().map(|turn| turn.patience).collect();
        assert_eq!(patience, [Duration::from_millis(800), PATIENCE.0]);
    }

    #[test]
    fn a_server_that_fails_goes_last_and_is_tried_again_by_one_query_at_a_time() {
        let (all, start) = ([Health::default(), Health::default()], Instant::now());
        all[0].failed(start);
        assert_eq!(servers(&all, start), [1, 0]);
        let later = start + PAUSE.0;
        assert_eq!(servers(&all, later), [0, 1], "tried again");
        assert_eq!(servers(&all, later), [1, 0], "but not by everybody");
        all[0].failed(later);
        assert_eq!(servers(&all, later + PAUSE.0), [1, 0], "and later each time");
        assert_eq!(servers(&all, later + 2 * PAUSE.0), [0, 1]);
        all[0].answered(Duration::from_millis(1));
        assert_eq!(servers(&all, later + 2 * PAUSE.0), [0, 1]);
    }

    #[test]
    fn one_late_answer_is_forgiven_and_two_in_a_row_are_not() {
        let (all, now) = ([Health::default(), Health::default()], Instant::now());
        all[0].lagged(now);
        assert_eq!(servers(&all, now), [0, 1]);
        all[0].answered(Duration::from_millis(1));
        all[0].lagged(now);
        assert_eq!(servers(&all, now), [0, 1]);
        all[0].lagged(now);
        assert_eq!(servers(&all, now), [1, 0]);
    }

    #[test]
    fn when_all_fail_all_are_asked_at_once() {
        let (all, now) = ([Health::default(), Health::default(), Health::default()], Instant::now());
        all.iter().for_each(|health| health.failed(now));
        let turns = order(all.iter(), now);
        assert_eq!(turns.len(), 3);
        assert!(turns.iter().all(|turn| turn.patience.is_zero()));
    }
}
