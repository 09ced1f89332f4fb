//! Whether a container that ended is started again, and when. Pure.

use crate::spec::RestartPolicy;
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60);
/// A container that ran so long has earned a short delay.
const STABLE: Duration = Duration::from_secs(10);

/// How long the next restart waits: 100 ms, then twice as long each time, a minute at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    /// The delay after a run that lasted `ran`.
    pub fn next(&mut self, ran: Duration) -> Duration {
        self.0 = match self.0 {
            _ if ran >= STABLE => FIRST,
            Duration::ZERO => FIRST,
            last => (last * 2).min(LONGEST),
        };
        self.0
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Its exit code.
    pub exit_code: i32,
    /// Whether somebody stopped it.
    pub manually_stopped: bool,
    /// How often it was restarted in a row.
    pub restarts: u32,
}

impl RestartPolicy {
    /// Whether a container that ended by itself while the daemon was there is started again.
    pub(crate) fn restarts(&self, ended: Ended) -> bool {
        !ended.manually_stopped && (self.is_always() || self.is_unless_stopped() || self.retries(ended))
    }

    /// Whether a container that is found ended when the daemon comes is started: `always` means it even after a stop.
    pub(crate) fn starts_with_daemon(&self, ended: Ended) -> bool {
        self.is_always() || self.restarts(ended)
    }

    fn retries(&self, ended: Ended) -> bool {
        let left = self.maximum_retry_count == 0 || i64::from(ended.restarts) < self.maximum_retry_count;
        self.is_on_failure() && ended.exit_code != 0 && left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str, count: i64) -> RestartPolicy {
        RestartPolicy { name: name.into(), maximum_retry_count: count }
    }

    fn ended(exit_code: i32, manually_stopped: bool, restarts: u32) -> Ended {
        Ended { exit_code, manually_stopped, restarts }
    }

    #[test]
    fn delays_double_up_to_a_minute_and_begin_anew_after_a_long_run() {
        let mut backoff = Backoff::default();
        let short = Duration::from_secs(1);
        let delays: Vec<u128> = (0..12).map(|_| backoff.next(short).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
        assert_eq!(backoff.next(STABLE), FIRST);
    }

    #[test]
    fn policies_say_who_is_started_again() {
        for (name, count, how, again, with_daemon) in [
            ("", 0, ended(1, false, 0), false, false),
            ("no", 0, ended(1, false, 0), false, false),
            ("always", 0, ended(0, false, 9), true, true),
            ("always", 0, ended(0, true, 0), false, true),
            ("unless-stopped", 0, ended(0, false, 0), true, true),
            ("unless-stopped", 0, ended(0, true, 0), false, false),
            ("on-failure", 0, ended(0, false, 0), false, false),
            ("on-failure", 0, ended(1, false, 99), true, true),
            ("on-failure", 2, ended(1, false, 1), true, true),
            ("on-failure", 2, ended(1, false, 2), false, false),
            ("on-failure", 0, ended(1, true, 0), false, false),
        ] {
            let policy = policy(name, count);
            assert_eq!(policy.restarts(how), again, "{name} {how:?}");
            assert_eq!(policy.starts_with_daemon(how), with_daemon, "{name} {how:?}");
        }
    }
}
