//! The Engine API's version number, and whether a client's is served.
//!
//! Owns: parsing and comparing as Docker does. Must never decide what a version changes: that stands at each field.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A version of the Engine API, such as 1.56.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    major: u16,
    minor: u16,
}

/// A version that is not served. The texts are Docker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Below the floor.
    #[error(
        "client version {asked} is too old. Minimum supported API version is {min}, please upgrade your client to a newer version"
    )]
    TooOld {
        /// As the client wrote it.
        asked: String,
        /// The floor.
        min: ApiVersion,
    },
    /// Above the newest.
    #[error("client version {asked} is too new. Maximum supported API version is {max}")]
    TooNew {
        /// As the client wrote it.
        asked: String,
        /// The newest served.
        max: ApiVersion,
    },
    /// No version number at all.
    #[error("invalid API version \"{0}\"")]
    Malformed(String),
}

impl ApiVersion {
    /// The newest version there is.
    pub const MAX: Self = Self::new(1, 56);
    /// The lowest floor an operator can choose.
    pub const MIN: Self = Self::new(1, 24);
    /// The floor of Docker Engine 29 when the operator chooses none.
    pub const DEFAULT_MIN: Self = Self::new(1, 40);

    /// Version `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Version `1.minor`.
    pub const fn v1(minor: u16) -> Self {
        Self::new(1, minor)
    }

    /// The version to serve for the path component `asked` (digits and dots, without `v`), given the floor `min`.
    ///
    /// Compares component by component as Docker does: what cannot be read as a number counts as 0.
    pub fn negotiate(asked: &str, min: Self) -> Result<Self, VersionError> {
        let parts: Vec<u64> = asked.split('.').map(|part| part.parse().unwrap_or(0)).collect();
        if min.compare(&parts) == Ordering::Greater {
            return Err(VersionError::TooOld { asked: asked.to_owned(), min });
        }
        if Self::MAX.compare(&parts) == Ordering::Less {
            return Err(VersionError::TooNew { asked: asked.to_owned(), max: Self::MAX });
        }
        let part = |i: usize| parts.get(i).and_then(|&n| u16::try_from(n).ok()).unwrap_or(0);
        Ok(Self::new(part(0), part(1)))
    }

    fn compare(self, parts: &[u64]) -> Ordering {
        let own = [u64::from(self.major), u64::from(self.minor)];
        let length = own.len().max(parts.len());
        let at = |list: &[u64], i: usize| list.get(i).copied().unwrap_or(0);
        (0..length).map(|i| at(&own, i).cmp(&at(parts, i))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for ApiVersion {
    type Err = VersionError;
    /// Reads `1.56`; anything else is [`VersionError::Malformed`].
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let number = |part: &str| part.bytes().all(|c| c.is_ascii_digit()).then(|| part.parse::<u16>().ok()).flatten();
        text.split_once('.')
            .and_then(|(major, minor)| Some(Self::new(number(major)?, number(minor)?)))
            .ok_or_else(|| VersionError::Malformed(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_between_floor_and_newest_are_served() {
        let min = ApiVersion::DEFAULT_MIN;
        for (asked, served) in [("1.40", (1, 40)), ("1.56", (1, 56)), ("1.41.9", (1, 41)), ("01.50", (1, 50))] {
            assert_eq!(ApiVersion::negotiate(asked, min), Ok(ApiVersion::new(served.0, served.1)), "{asked}");
        }
        assert_eq!(ApiVersion::negotiate("1.24", ApiVersion::MIN), Ok(ApiVersion::MIN));
    }

    #[test]
    fn versions_outside_get_dockers_texts() {
        let text = |asked: &str| ApiVersion::negotiate(asked, ApiVersion::DEFAULT_MIN).unwrap_err().to_string();
        for old in ["1.39", "1", "0.99", "..", "", "1."] {
            assert_eq!(
                text(old),
                format!(
                    "client version {old} is too old. Minimum supported API version is 1.40, please upgrade your client to a newer version"
                )
            );
        }
        for new in ["1.57", "2", "1.56.1", "10.0", "1.4294967296"] {
            assert_eq!(text(new), format!("client version {new} is too new. Maximum supported API version is 1.56"));
        }
    }

    #[test]
    fn a_version_is_compared_by_number_not_by_text() {
        assert!(ApiVersion::v1(9) < ApiVersion::v1(24));
        assert_eq!("1.56".parse(), Ok(ApiVersion::MAX));
        for bad in ["", "1", "v1.2", "1.x", "-1.2", "1.2.3", "1.70000"] {
            assert!(bad.parse::<ApiVersion>().is_err(), "{bad}");
        }
    }
}
