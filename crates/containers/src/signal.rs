//! Signals as Docker's clients write them: `KILL`, `SIGKILL`, `kill`, `9`, `RTMIN+3`.

use crate::{Error, Result};
use nix::sys::signal::Signal;

/// The signal that nobody can ignore.
pub(crate) const SIGKILL: i32 = 9;
/// The signal that stops a container unless it says otherwise.
pub(crate) const SIGTERM: i32 = 15;

const RTMIN: i32 = 34;
const RTMAX: i32 = 64;

/// The number of a signal.
pub(crate) fn parse(text: &str) -> Result<i32> {
    number(text).ok_or_else(|| Error::Invalid(format!("invalid signal: {text}")))
}

fn number(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (1..=RTMAX).contains(&number).then_some(number);
    }
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let real_time = |rest: &str, base: i32, sign: i32| match rest {
        "" => Some(base),
        rest => rest[1..].parse::<i32>().ok().map(|offset| base + sign * offset),
    };
    if let Some(rest) = name.strip_prefix("RTMIN").filter(|rest| rest.is_empty() || rest.starts_with('+')) {
        return real_time(rest, RTMIN, 1).filter(|n| (RTMIN..=RTMAX).contains(n));
    }
    if let Some(rest) = name.strip_prefix("RTMAX").filter(|rest| rest.is_empty() || rest.starts_with('-')) {
        return real_time(rest, RTMAX, -1).filter(|n| (RTMIN..=RTMAX).contains(n));
    }
    match name {
        "CLD" => Some(Signal::SIGCHLD as i32),
        "POLL" => Some(Signal::SIGIO as i32),
        "IOT" => Some(Signal::SIGABRT as i32),
        name => format!("SIG{name}").parse::<Signal>().ok().map(|signal| signal as i32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_read_by_name_and_number() {
        for (text, wanted) in [
            ("SIGKILL", Some(9)),
            ("kill", Some(9)),
            ("TERM", Some(15)),
            ("15", Some(15)),
            ("SIGRTMIN+3", Some(37)),
            ("rtmin", Some(34)),
            ("RTMAX-1", Some(63)),
            ("RTMIN+31", None),
            ("0", None),
            ("65", None),
            ("-9", None),
            ("", None),
            ("NOPE", None),
        ] {
            assert_eq!(number(text), wanted, "{text}");
        }
    }
}
