//! How long ago, in Docker's words; and creation times as Go prints them.

use chrono::{DateTime, FixedOffset, Utc};
use std::time::{Duration, SystemTime};

/// `About an hour ago`, `3 days ago`, from an RFC 3339 time; empty when it is none.
pub fn ago(created: &str, now: SystemTime) -> String {
    let Some(then) = pontoon_api_types::parse_rfc3339(created) else { return String::new() };
    format!("{} ago", human(now.duration_since(then).unwrap_or_default()))
}

/// An RFC 3339 time as Go's `Time.String` prints it in a listing; the text itself when it is none.
pub fn go_time(created: &str) -> String {
    match DateTime::parse_from_rfc3339(created) {
        Ok(time) => {
            let fraction = time.format("%.9f").to_string();
            let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
            format!("{}{fraction} {}", time.format("%Y-%m-%d %H:%M:%S"), zone(&time))
        }
        Err(_) => created.to_owned(),
    }
}

fn zone(time: &DateTime<FixedOffset>) -> String {
    let offset = time.format("%z");
    if time.offset().local_minus_utc() == 0 { format!("{offset} {}", Utc) } else { format!("{offset} {offset}") }
}

fn human(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours) = (seconds / 60, (seconds + 1800) / 3600);
    match seconds {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        _ if minutes == 1 => "About a minute".to_owned(),
        _ if minutes < 60 => format!("{minutes} minutes"),
        _ if hours == 1 => "About an hour".to_owned(),
        _ if hours < 48 => format!("{hours} hours"),
        _ if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        _ if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        _ if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_dockers_words() {
        for (seconds, text) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (3599, "59 minutes"),
            (3600, "About an hour"),
            (7200, "2 hours"),
            (86400 * 3, "3 days"),
            (86400 * 21, "3 weeks"),
            (86400 * 90, "3 months"),
            (86400 * 800, "2 years"),
        ] {
            assert_eq!(human(Duration::from_secs(seconds)), text);
        }
        assert_eq!(ago("1970-01-01T00:00:00Z", SystemTime::UNIX_EPOCH), "Less than a second ago");
        assert_eq!(ago("never", SystemTime::UNIX_EPOCH), "");
    }

    #[test]
    fn creation_times_look_as_go_prints_them() {
        assert_eq!(go_time("2026-01-31T12:00:00.123456789Z"), "2026-01-31 12:00:00.123456789 +0000 UTC");
        assert_eq!(go_time("2026-01-31T12:00:00.5+02:00"), "2026-01-31 12:00:00.5 +0200 +0200");
        assert_eq!(go_time("2026-01-31T12:00:00Z"), "2026-01-31 12:00:00 +0000 UTC");
        assert_eq!(go_time("x"), "x");
    }
}
