//! Versions of the Engine API.

use std::fmt;

/// A version of the Engine API, such as 1.44.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    /// Before the dot.
    pub major: u16,
    /// After the dot.
    pub minor: u16,
}

impl ApiVersion {
    /// The oldest version there is to serve.
    pub const OLDEST: Self = Self { major: 1, minor: 24 };
    /// The newest version there is to serve.
    pub const NEWEST: Self = Self { major: 1, minor: 56 };

    /// Reads `1.44`; the reasons are dockerd's.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("value is empty".to_owned());
        }
        if text.starts_with(['v', 'V']) {
            return Err("API version must be provided without \"v\" prefix".to_owned());
        }
        let digits = |part: &str| part.bytes().all(|c| c.is_ascii_digit()).then(|| part.parse().ok()).flatten();
        let parts = text.split_once('.').and_then(|(major, minor)| digits(major).zip(digits(minor)));
        let Some((major, minor)) = parts else { return Err(format!("invalid API version: {text}")) };
        let version = Self { major, minor };
        if version < Self::OLDEST {
            return Err(format!("minimum supported API version is {}: {text}", Self::OLDEST));
        }
        if version > Self::NEWEST {
            return Err(format!("maximum supported API version is {}: {text}", Self::NEWEST));
        }
        Ok(version)
    }
}

impl Default for ApiVersion {
    fn default() -> Self {
        Self::OLDEST
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_that_are_served_are_taken() {
        for (text, expected) in [
            ("1.24", Ok(ApiVersion { major: 1, minor: 24 })),
            ("1.56", Ok(ApiVersion { major: 1, minor: 56 })),
            ("1.23", Err("minimum supported API version is 1.24: 1.23")),
            ("1.57", Err("maximum supported API version is 1.56: 1.57")),
            ("v1.40", Err("API version must be provided without \"v\" prefix")),
            ("", Err("value is empty")),
            ("1", Err("invalid API version: 1")),
            ("1.+9", Err("invalid API version: 1.+9")),
        ] {
            assert_eq!(ApiVersion::parse(text), expected.map_err(str::to_owned), "{text}");
        }
    }
}
