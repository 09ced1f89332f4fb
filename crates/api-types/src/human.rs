//! How long something takes, in Docker's words for people.

use std::time::Duration;

/// `5 minutes`, `About an hour`, `2 weeks`.
pub fn human_duration(span: Duration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours) = (seconds / 60, (seconds + 1800) / 3600);
    match seconds {
        0 => return "Less than a second".into(),
        1 => return "1 second".into(),
        2..60 => return format!("{seconds} seconds"),
        _ => {}
    }
    match (minutes, hours) {
        (1, _) => "About a minute".into(),
        (..60, _) => format!("{minutes} minutes"),
        (_, 1) => "About an hour".into(),
        (_, ..48) => format!("{hours} hours"),
        (_, ..336) => format!("{} days", hours / 24),
        (_, ..1440) => format!("{} weeks", hours / 24 / 7),
        (_, ..17520) => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", seconds / 3600 / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_as_docker_tells_them() {
        const HOUR: u64 = 3600;
        for (seconds, text) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (119, "About a minute"),
            (120, "2 minutes"),
            (3599, "59 minutes"),
            (HOUR, "About an hour"),
            (HOUR + 1800, "2 hours"),
            (47 * HOUR, "47 hours"),
            (48 * HOUR, "2 days"),
            (13 * 24 * HOUR, "13 days"),
            (14 * 24 * HOUR, "2 weeks"),
            (60 * 24 * HOUR, "2 months"),
            (730 * 24 * HOUR, "2 years"),
        ] {
            assert_eq!(human_duration(Duration::from_secs(seconds)), text, "{seconds}");
        }
    }
}
