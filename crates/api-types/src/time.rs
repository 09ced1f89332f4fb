//! Times in Docker's text form: RFC 3339 with nanoseconds and the local offset.

use chrono::{DateTime, Local};
use std::time::SystemTime;

/// `time` as Go writes a `time.Time` into JSON: local offset, fraction without trailing zeros.
pub fn rfc3339(time: SystemTime) -> String {
    written(DateTime::<Local>::from(time).fixed_offset())
}

/// Reads any RFC 3339 time; `None` for other text and for years a `SystemTime` cannot hold.
pub fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    DateTime::parse_from_rfc3339(text).ok().map(SystemTime::from)
}

fn written(time: DateTime<chrono::FixedOffset>) -> String {
    let mut text = time.format("%Y-%m-%dT%H:%M:%S%.9f").to_string();
    text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    if time.offset().local_minus_utc() == 0 {
        text.push('Z');
    } else {
        text.push_str(&time.format("%:z").to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_look_as_go_writes_them() {
        for text in [
            "2016-10-19T04:33:30.360899459Z",
            "2016-10-19T04:33:30.36+02:00",
            "2016-10-19T04:33:30Z",
            "2016-10-19T04:33:00.000000001-05:30",
        ] {
            assert_eq!(written(DateTime::parse_from_rfc3339(text).unwrap()), text);
        }
    }

    #[test]
    fn a_time_is_read_back_exactly() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 123_456_789);
        assert_eq!(parse_rfc3339(&rfc3339(time)), Some(time));
        assert_eq!(parse_rfc3339("yesterday"), None);
    }
}
