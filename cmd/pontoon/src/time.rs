//! Points in time as Docker's clients take them: RFC 3339, dates, durations back from now, seconds since 1970.

use crate::error::Error;
use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, TimeZone};
use std::time::{Duration, SystemTime};

/// The time in seconds since 1970, with a fraction, as every daemon understands it.
pub fn timestamp(text: &str, now: SystemTime) -> Result<String, Error> {
    let wrong =
        || Error::usage(format!("invalid time {text:?}"), "write 2026-01-31T12:00:00Z, 10m, or seconds since 1970");
    if !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit() || c == b'.') && text.parse::<f64>().is_ok() {
        return Ok(text.to_owned());
    }
    let time = match duration(text) {
        Some(age) => now.checked_sub(age).ok_or_else(wrong)?,
        None => date(text).ok_or_else(wrong)?,
    };
    let since = time.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| wrong())?;
    Ok(format!("{}.{:09}", since.as_secs(), since.subsec_nanos()))
}

/// A Go duration: `1h30m`, `1.5s`, `10ms`.
fn duration(text: &str) -> Option<Duration> {
    let (mut rest, mut seconds) = (text, 0f64);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let number: f64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].trim_start_matches(|c: char| !c.is_ascii_digit());
        let name = &rest[digits..rest.len() - unit.len()];
        seconds += number
            * match name {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = unit;
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

/// RFC 3339, or a date or time without a zone, which is local.
fn date(text: &str) -> Option<SystemTime> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.into());
    }
    let zoned = ["%Y-%m-%dT%H:%M%:z", "%Y-%m-%dT%H%:z"];
    if let Some(time) =
        zoned.iter().find_map(|format| DateTime::parse_from_str(&text.replace('Z', "+00:00"), format).ok())
    {
        return Some(time.into());
    }
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let naive = local.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let day = text.strip_suffix('Z').unwrap_or(text);
    let naive = naive.or_else(|| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    if day.len() < text.len() {
        return Some(naive.and_utc().into());
    }
    Local.from_local_datetime(&naive).earliest().map(SystemTime::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Option<String> {
        timestamp(text, SystemTime::UNIX_EPOCH + Duration::from_secs(100_000)).ok()
    }

    #[test]
    fn every_form_of_docker_is_a_point_in_time() {
        for (text, expected) in [
            ("1700000000", "1700000000"),
            ("1700000000.5", "1700000000.5"),
            ("10m", "99400.000000000"),
            ("1h30m", "94600.000000000"),
            ("1.5s", "99998.500000000"),
            ("1970-01-02T00:00:00Z", "86400.000000000"),
            ("1970-01-02T00:00:00.25+00:00", "86400.250000000"),
            ("1970-01-02T01:00+01:00", "86400.000000000"),
            ("1970-01-02Z", "86400.000000000"),
        ] {
            assert_eq!(at(text).as_deref(), Some(expected), "{text}");
        }
        for bad in ["", "yesterday", "10", "1x", "10m5", "1970-13-01", "."] {
            assert_eq!(at(bad).is_some(), bad == "10", "{bad}");
        }
        assert!(at("2026-01-31").is_some() && at("2026-01-31T12:00:00").is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_refused(text in "[0-9hms.:TZ+-]{0,24}|.{0,8}") {
            let _ = at(&text);
        }
    }
}
