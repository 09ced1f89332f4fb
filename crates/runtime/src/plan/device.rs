//! Devices that a container gets, and those it may use.

use std::path::PathBuf;

/// A device of the host, or a folder of them, made in the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Path on the host; a link is followed.
    pub on_host: PathBuf,
    /// Path in the container.
    pub in_container: PathBuf,
    /// Any of `r`, `w` and `m`; Docker's default is `rwm`.
    pub permissions: String,
}

/// A line such as `c 42:* rmw`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRule {
    /// `a`, `b` or `c`.
    pub kind: char,
    /// The major number; `None` for `*`.
    pub major: Option<i64>,
    /// The minor number; `None` for `*`.
    pub minor: Option<i64>,
    /// Any of `r`, `w` and `m`.
    pub permissions: String,
}

impl std::str::FromStr for DeviceRule {
    type Err = crate::Error;

    fn from_str(text: &str) -> crate::Result<Self> {
        parse(text).ok_or_else(|| crate::Error::Invalid(format!("invalid device cgroup rule format: '{text}'")))
    }
}

fn parse(text: &str) -> Option<DeviceRule> {
    let mut words = text.split_ascii_whitespace();
    let (kind, numbers, permissions) = (words.next()?, words.next()?, words.next()?);
    let (major, minor) = numbers.split_once(':')?;
    let number = |text: &str| match text {
        "*" => Some(None),
        _ => text.parse::<u32>().ok().map(|number| Some(i64::from(number))),
    };
    let sound = matches!(kind, "a" | "b" | "c")
        && (1..=3).contains(&permissions.len())
        && permissions.chars().all(|c| "rwm".contains(c))
        && words.next().is_none();
    sound.then_some(DeviceRule {
        kind: kind.chars().next()?,
        major: number(major)?,
        minor: number(minor)?,
        permissions: permissions.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_rule_is_read_as_docker_reads_it() -> crate::Result<()> {
        let rule: DeviceRule = "c 42:* rmw".parse()?;
        assert_eq!(rule, DeviceRule { kind: 'c', major: Some(42), minor: None, permissions: "rmw".into() });
        for bad in ["", "c", "c 1:2", "d 1:2 r", "c 1:2 x", "c 1:2 rwmr", "c 1 r", "c -1:2 r", "c 1:2 r r"] {
            assert!(bad.parse::<DeviceRule>().is_err(), "{bad}");
        }
        Ok(())
    }
}
