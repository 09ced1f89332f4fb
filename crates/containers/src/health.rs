//! Whether a container is well: the last results of its checks, and what follows from them.
//!
//! Owns: the counting of Docker's `Health`. Must never run a check: that is the supervisor's work.

use crate::spec::Healthcheck;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// How many results are kept.
const LOG: usize = 5;
/// How much of a check's output is kept.
pub const OUTPUT_LIMIT: usize = 4096;

/// Docker's words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// Not known yet.
    Starting,
    /// The last check was good.
    Healthy,
    /// Too many checks in a row were not.
    Unhealthy,
}

impl HealthStatus {
    /// Docker's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// When it began.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
    /// 0 is healthy; -1 that it could not be run or took too long.
    pub exit_code: i32,
    /// What it said.
    pub output: String,
}

/// Results so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// What they mean.
    pub status: HealthStatus,
    /// Failures in a row.
    pub failing_streak: i64,
    /// The last results, the oldest first.
    pub log: Vec<CheckResult>,
}

impl Default for Health {
    fn default() -> Self {
        Self { status: HealthStatus::Starting, failing_streak: 0, log: Vec::new() }
    }
}

impl Health {
    /// Counts a result. Tells whether the status has changed.
    pub fn count(&mut self, result: CheckResult, schedule: &Schedule, started: SystemTime) -> bool {
        let before = self.status;
        if result.exit_code == 0 {
            self.failing_streak = 0;
            self.status = HealthStatus::Healthy;
        } else {
            let young = result.start.duration_since(started).unwrap_or_default() < schedule.start_period;
            // In the start period failures do not count, unless it has been well already.
            if !(young && self.status == HealthStatus::Starting) {
                self.failing_streak += 1;
                if self.failing_streak >= schedule.retries {
                    self.status = HealthStatus::Unhealthy;
                }
            }
        }
        self.log.push(result);
        if self.log.len() > LOG {
            self.log.remove(0);
        }
        self.status != before
    }
}

/// A check that can be run, with Docker's defaults for what was left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The command; a check by shell has the shell in front.
    pub command: Vec<String>,
    /// Between two checks.
    pub interval: Duration,
    /// How long one may take.
    pub timeout: Duration,
    /// How long failures do not count.
    pub start_period: Duration,
    /// Between two checks meanwhile.
    pub start_interval: Duration,
    /// How many failures in a row make it unhealthy.
    pub retries: i64,
}

impl Schedule {
    /// The schedule a container's settings ask for; `None` when there is nothing to check.
    pub fn of(check: Option<&Healthcheck>, shell: &[String]) -> Option<Self> {
        let check = check?;
        let command = match check.test.split_first()? {
            (kind, rest) if kind == "CMD" && !rest.is_empty() => rest.to_vec(),
            (kind, rest) if kind == "CMD-SHELL" => {
                let default = ["/bin/sh".to_owned(), "-c".to_owned()];
                let shell = if shell.is_empty() { &default[..] } else { shell };
                shell.iter().chain(rest.first()).cloned().collect()
            }
            _ => return None,
        };
        let or = |nanoseconds: i64, default: u64| match u64::try_from(nanoseconds) {
            Ok(0) | Err(_) => Duration::from_secs(default),
            Ok(nanoseconds) => Duration::from_nanos(nanoseconds),
        };
        Some(Self {
            command,
            interval: or(check.interval, 30),
            timeout: or(check.timeout, 30),
            start_period: or(check.start_period, 0),
            start_interval: or(check.start_interval, 5),
            retries: if check.retries > 0 { check.retries } else { 3 },
        })
    }

    /// How long to wait for the next check.
    pub fn pause(&self, status: HealthStatus, age: Duration) -> Duration {
        let starting = status == HealthStatus::Starting && age < self.start_period;
        if starting { self.start_interval } else { self.interval }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(start_period: u64, retries: i64) -> Schedule {
        let check = Healthcheck {
            test: vec!["CMD".into(), "true".into()],
            start_period: Duration::from_secs(start_period).as_nanos() as i64,
            retries,
            ..Healthcheck::default()
        };
        Schedule::of(Some(&check), &[]).unwrap()
    }

    fn result(after: u64, exit_code: i32) -> CheckResult {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(after);
        CheckResult { start: at, end: at, exit_code, output: String::new() }
    }

    #[test]
    fn it_is_unhealthy_after_enough_failures_in_a_row_and_well_after_one_good_check() {
        let (mut health, schedule) = (Health::default(), schedule(0, 2));
        let mut count = |code| {
            let changed = health.count(result(1, code), &schedule, SystemTime::UNIX_EPOCH);
            (health.status, changed)
        };
        assert_eq!(count(1), (HealthStatus::Starting, false));
        assert_eq!(count(1), (HealthStatus::Unhealthy, true));
        assert_eq!(count(-1), (HealthStatus::Unhealthy, false));
        assert_eq!(count(0), (HealthStatus::Healthy, true));
        assert_eq!(count(1), (HealthStatus::Healthy, false));
    }

    #[test]
    fn failures_in_the_start_period_do_not_count_until_it_was_well() {
        let (mut health, schedule) = (Health::default(), schedule(10, 1));
        assert!(!health.count(result(5, 1), &schedule, SystemTime::UNIX_EPOCH));
        assert_eq!(health.failing_streak, 0);
        assert!(health.count(result(6, 0), &schedule, SystemTime::UNIX_EPOCH));
        assert!(health.count(result(7, 1), &schedule, SystemTime::UNIX_EPOCH));
        assert_eq!(health.status, HealthStatus::Unhealthy);
    }

    #[test]
    fn the_last_five_results_are_kept() {
        let (mut health, schedule) = (Health::default(), schedule(0, 3));
        for number in 0..8 {
            health.count(result(number, 0), &schedule, SystemTime::UNIX_EPOCH);
        }
        assert_eq!(health.log.len(), 5);
        assert_eq!(health.log[0], result(3, 0));
    }

    #[test]
    fn a_check_is_a_command_or_a_line_for_the_shell_or_none() {
        let of = |test: &[&str], shell: &[&str]| {
            let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
            let check = Healthcheck { test: own(test), ..Healthcheck::default() };
            Schedule::of(Some(&check), &own(shell)).map(|schedule| schedule.command)
        };
        assert_eq!(of(&["CMD", "a", "b"], &[]).unwrap(), ["a", "b"]);
        assert_eq!(of(&["CMD-SHELL", "a b"], &[]).unwrap(), ["/bin/sh", "-c", "a b"]);
        assert_eq!(of(&["CMD-SHELL", "a b"], &["bash", "-ec"]).unwrap(), ["bash", "-ec", "a b"]);
        assert_eq!((of(&["NONE"], &[]), of(&[], &[]), of(&["CMD"], &[])), (None, None, None));
    }
}
