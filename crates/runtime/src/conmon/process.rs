//! Processes of the host: found again by pid and start time, watched, ended with everything below them.
//!
//! A pid alone is never believed: the kernel gives it away again.

use crate::{Ending, Error, Result};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// A process by pid and the time at which it started, in clock ticks since the host did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pub pid: u32,
    pub start: u64,
}

/// What `/proc/PID/stat` tells.
pub(super) struct Stat {
    pub state: char,
    pub parent: u32,
    pub start: u64,
}

/// What the kernel tells of `pid`; `None` when there is no such process.
pub(super) fn stat(pid: u32) -> Option<Stat> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name is in brackets and may contain any byte, brackets too.
    let rest = &text[text.iter().rposition(|&byte| byte == b')')? + 1..];
    let rest = std::str::from_utf8(rest).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    Some(Stat { state, parent, start: fields.nth(17)?.parse().ok()? })
}

impl Process {
    /// The process that has `pid` now.
    pub fn now(pid: u32) -> Option<Self> {
        stat(pid).map(|stat| Self { pid, start: stat.start })
    }

    /// A descriptor of it; `None` when it has ended and its parent knows.
    pub fn open(&self) -> Option<OwnedFd> {
        let pid = Pid::from_raw(i32::try_from(self.pid).ok()?)?;
        let fd = pidfd_open(pid, PidfdFlags::NONBLOCK).ok()?;
        // The descriptor holds on to whoever has the pid: only now it is certain who that is.
        (stat(self.pid)?.start == self.start).then_some(fd)
    }

    /// Whether it has not ended. One that is dead and not buried has ended.
    pub fn lives(&self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.start == self.start && !matches!(stat.state, 'Z' | 'X'))
    }

    /// What becomes readable when it has ended, which may be at once.
    pub fn ending(&self) -> Result<Ending> {
        match self.open() {
            Some(fd) => Ok(Ending::new(fd)),
            None => {
                let (over, _) = std::io::pipe().map_err(|cause| Error::Process { act: "make a pipe".into(), cause })?;
                Ok(Ending::new(over.into()))
            }
        }
    }

    /// Sends a signal, number 0 too; false when it has ended.
    pub fn signal(&self, signal: i32) -> Result<bool> {
        let Some(fd) = self.open() else { return Ok(false) };
        if signal == 0 {
            return Ok(self.lives());
        }
        // Real-time signals have no names, and are the runtime's to send.
        let wanted =
            Signal::from_named_raw(signal).ok_or_else(|| Error::Invalid(format!("invalid signal: {signal}")))?;
        match pidfd_send_signal(fd.as_fd(), wanted) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(errno) => Err(Error::Process {
                act: format!("send signal {signal} to process {}", self.pid),
                cause: errno.into(),
            }),
        }
    }

    /// Waits for its end; false when it did not come within `patience`.
    pub fn wait(&self, patience: Duration) -> bool {
        self.ending().is_ok_and(|ending| ending.wait(patience).unwrap_or(false))
    }

    /// Ends it and everything below it. What starts meanwhile is ended, too, unless it is faster than we are for long.
    pub fn end_tree(&self, patience: Duration) {
        let until = Instant::now() + patience;
        loop {
            let below = self.below();
            for process in &below {
                // Whoever cannot be killed is in the kernel's hands.
                let _ = process.signal(KILL);
            }
            if below.iter().all(|process| process.wait(until.saturating_duration_since(Instant::now())))
                && self.below().is_empty()
                || Instant::now() >= until
            {
                break;
            }
        }
        let _ = self.signal(KILL);
        self.wait(until.saturating_duration_since(Instant::now()));
    }

    /// The pids of it and of those below it.
    pub fn tree(&self) -> Vec<u32> {
        let below = self.below().into_iter().map(|process| process.pid);
        std::iter::once(self.pid).filter(|_| self.lives()).chain(below).collect()
    }

    /// The processes below it that have not ended.
    fn below(&self) -> Vec<Self> {
        let all: Vec<(u32, Stat)> = all().filter_map(|pid| stat(pid).map(|stat| (pid, stat))).collect();
        let mut found = vec![self.pid];
        let mut at = 0;
        while at < found.len() {
            let parent = found[at];
            found.extend(all.iter().filter(|(pid, stat)| stat.parent == parent && *pid != parent).map(|(pid, _)| *pid));
            at += 1;
        }
        let of = |pid: &u32| all.iter().find(|(other, _)| other == pid);
        let living = found[1..].iter().filter_map(of).filter(|(_, stat)| !matches!(stat.state, 'Z' | 'X'));
        living.map(|(pid, stat)| Self { pid: *pid, start: stat.start }).collect()
    }
}

pub(super) const KILL: i32 = 9;

/// The pids of all processes that we see.
pub(super) fn all() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_pid_that_was_given_away_is_another_process() {
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let process = Process::now(child.id()).unwrap();
        let other = Process { start: process.start + 1, ..process };
        assert!(process.lives() && !other.lives());
        assert!(!other.signal(KILL).unwrap(), "another process is not killed");
        assert!(other.wait(Duration::ZERO), "it has ended");
        assert!(!process.wait(Duration::ZERO));
        assert!(process.signal(KILL).unwrap());
        assert!(process.wait(Duration::from_secs(30)));
        child.wait().unwrap();
        assert!(!process.signal(0).unwrap());
    }

    #[test]
    fn everything_below_a_process_ends_with_it() {
        let mut child = Command::new("sh").args(["-c", "sleep 61 & sh -c 'sleep 62 & wait' & wait"]).spawn().unwrap();
        let process = Process::now(child.id()).unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while process.below().len() < 3 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        let below = process.below();
        process.end_tree(Duration::from_secs(30));
        assert!(below.len() >= 3 && below.iter().all(|process| !process.lives()));
        child.wait().unwrap();
    }
}
