//! Times as Docker's parameters give them: durations into the past, dates and times, seconds since 1970.
//!
//! Owns: the grammar of Go's `time.ParseDuration` and of Docker's timestamps. Must never read the clock.

use crate::Failure;
use chrono::{DateTime, FixedOffset, Local, NaiveDate, NaiveDateTime, TimeZone};
use pontoon_api_types::quote;
use std::time::{Duration, SystemTime};

/// The moment meant by `text`: `10m` (before `now`), `2024-01-02`, `2024-01-02T15:04:05.5+01:00`, `1700000000.25`. Times
/// without an offset are local.
pub(super) fn parse_time(text: &str, now: SystemTime) -> Result<SystemTime, Failure> {
    let back = |(negative, span)| if negative { now.checked_add(span) } else { now.checked_sub(span) };
    unix(text)
        .or_else(|| duration(text).and_then(back))
        .or_else(|| calendar(text))
        .ok_or_else(|| Failure::invalid(format!("failed to parse value as time or duration: {}", quote(text))))
}

/// Go's durations: signed runs of a decimal number and a unit. Gives the sign and the length.
fn duration(text: &str) -> Option<(bool, Duration)> {
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    let mut nanos = 0u128;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        nanos = nanos.checked_add(scaled(number, unit)?)?;
        rest = tail;
    }
    // As Go: what does not fit 63 bits of nanoseconds is no duration.
    let nanos = u64::try_from(nanos).ok().filter(|n| i64::try_from(*n).is_ok())?;
    Some((negative, Duration::from_nanos(nanos)))
}

fn scaled(number: &str, unit: &str) -> Option<u128> {
    let nanos: u128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction = &fraction[..fraction.len().min(18)];
    let part: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    whole.checked_mul(nanos)?.checked_add(part.checked_mul(nanos)? / 10u128.pow(u32::try_from(fraction.len()).ok()?))
}

/// Seconds since 1970 with up to nine decimals.
fn unix(text: &str) -> Option<SystemTime> {
    let (negative, text) = (text.starts_with('-'), text.strip_prefix('-').unwrap_or(text));
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    if seconds.is_empty() || !digits(seconds) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let span = Duration::new(seconds.parse().ok()?, format!("{fraction:0<9}").parse().ok()?);
    if negative { SystemTime::UNIX_EPOCH.checked_sub(span) } else { SystemTime::UNIX_EPOCH.checked_add(span) }
}

/// A date, or a date and a time down to any precision, with or without an offset.
fn calendar(text: &str) -> Option<SystemTime> {
    let (moment, offset) = split_offset(text)?;
    let naive = match moment.split_once('T') {
        None => NaiveDate::parse_from_str(moment, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0)?,
        Some((_, time)) => {
            let filled = match time.matches(':').count() {
                0 => format!("{moment}:00:00"),
                1 => format!("{moment}:00"),
                _ => moment.to_owned(),
            };
            NaiveDateTime::parse_from_str(&filled, "%Y-%m-%dT%H:%M:%S%.f").ok()?
        }
    };
    let moment: DateTime<FixedOffset> = match offset {
        Some(offset) => offset.from_local_datetime(&naive).single()?,
        None => Local.from_local_datetime(&naive).earliest()?.fixed_offset(),
    };
    Some(moment.into())
}

fn split_offset(text: &str) -> Option<(&str, Option<FixedOffset>)> {
    if let Some(moment) = text.strip_suffix(['Z', 'z']) {
        return Some((moment, FixedOffset::east_opt(0)));
    }
    // The first two dashes belong to the date.
    let sign = match text.rfind('+') {
        Some(place) => Some(place),
        None => text.match_indices('-').nth(2).map(|(place, _)| place),
    };
    let Some(place) = sign else { return Some((text, None)) };
    let (hours, minutes) = text.get(place + 1..)?.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let seconds = hours.parse::<u8>().ok().map(i32::from)? * 3600 + minutes.parse::<u8>().ok().map(i32::from)? * 60;
    let offset =
        if text[place..].starts_with('-') { FixedOffset::west_opt(seconds) } else { FixedOffset::east_opt(seconds) };
    Some((&text[..place], Some(offset?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: u64 = 1_700_000_000;

    fn nanos(text: &str) -> Option<i128> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        let time = parse_time(text, now).ok()?;
        Some(match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(span) => span.as_nanos() as i128,
            Err(before) => -(before.duration().as_nanos() as i128),
        })
    }

    #[test]
    fn durations_count_back_from_now() {
        for (text, seconds) in [
            ("10m", 600.0),
            ("1h30m", 5400.0),
            ("1.5s", 1.5),
            ("-5s", -5.0),
            ("+.5m", 30.0),
            ("100ms", 0.1),
            ("1h0.25s", 3600.25),
        ] {
            let wanted = i128::from(NOW) * 1_000_000_000 - (seconds * 1e9) as i128;
            assert_eq!(nanos(text), Some(wanted), "{text}");
        }
    }

    #[test]
    fn seconds_since_1970_may_have_decimals() {
        assert_eq!(nanos("1700000000"), Some(1_700_000_000_000_000_000));
        assert_eq!(nanos("1700000000.000000001"), Some(1_700_000_000_000_000_001));
        assert_eq!(nanos("1.5"), Some(1_500_000_000));
        assert_eq!(nanos("-1"), Some(-1_000_000_000));
    }

    #[test]
    fn dates_and_times_have_any_precision() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt().map(i128::from);
        for (text, full) in [
            ("2024-01-02T15:04:05.25Z", "2024-01-02T15:04:05.25Z"),
            ("2024-01-02T15:04:05+01:00", "2024-01-02T15:04:05+01:00"),
            ("2024-01-02T15:04:05-05:30", "2024-01-02T15:04:05-05:30"),
            ("2024-01-02T15:04Z", "2024-01-02T15:04:00Z"),
            ("2024-01-02T15Z", "2024-01-02T15:00:00Z"),
            ("2024-01-02Z", "2024-01-02T00:00:00Z"),
            ("2024-01-02+02:00", "2024-01-02T00:00:00+02:00"),
        ] {
            assert_eq!(nanos(text), at(full), "{text}");
        }
        let local = Local.with_ymd_and_hms(2024, 1, 2, 15, 4, 0).unwrap().timestamp();
        assert_eq!(nanos("2024-01-02T15:04"), Some(i128::from(local) * 1_000_000_000));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "x",
            "10",
            "10 m",
            "1h-",
            "2024-13-01",
            "2024-01-02T25:00",
            "1.",
            "1e9",
            "9999999999999999999999s",
            "m",
            "é",
        ] {
            if text == "10" || text == "1." {
                assert!(nanos(text).is_some(), "{text}");
            } else {
                assert_eq!(nanos(text), None, "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fall_over(text in any::<String>()) {
            let _ = nanos(&text);
        }

        #[test]
        fn near_misses_do_not_either(text in "[-+0-9.:TZhmsuµ]{0,30}") {
            let _ = nanos(&text);
        }
    }
}
