//! This machine as images name it, and times as they write them.

use chrono::{DateTime, SecondsFormat, Utc};

/// The architecture in Go's words.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

/// A time as configurations have it.
pub(crate) fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// Now, as configurations have it.
pub(crate) fn now() -> String {
    written(Utc::now())
}
