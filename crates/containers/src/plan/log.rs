//! Where a container's output is kept, and how much of it.

use crate::spec::LogConfig;
use crate::{Definition, Error, Result};
use pontoon_runtime::LogPlan;
use pontoon_types::ContainerId;
use std::path::{Path, PathBuf};

/// The log of a container in the folder of all containers.
pub(crate) fn path(containers: &Path, id: ContainerId) -> PathBuf {
    containers.join(id.to_string()).join(format!("{id}.log"))
}

pub(super) fn plan(definition: &Definition, containers: &Path) -> Result<LogPlan> {
    let config = &definition.host_config.log_config;
    if config.driver == "none" {
        return Ok(LogPlan::None);
    }
    let (max_size, max_file) = limits(config)?;
    Ok(LogPlan::File { path: path(containers, definition.id), max_size, max_file })
}

/// `max-size` and `max-file`.
pub(crate) fn limits(config: &LogConfig) -> Result<(Option<u64>, u32)> {
    let option = |name: &str| config.config.as_ref().and_then(|options| options.get(name));
    let invalid = |name: &str, value: &str| Error::Invalid(format!("invalid value for log opt '{name}': {value}"));
    let max_size = match option("max-size").map(String::as_str) {
        None | Some("-1") => None,
        Some(text) => Some(bytes(text).ok_or_else(|| invalid("max-size", text))?),
    };
    let max_file = match option("max-file") {
        None => 1,
        Some(text) => text.parse().ok().filter(|n| *n >= 1).ok_or_else(|| invalid("max-file", text))?,
    };
    if max_file > 1 && max_size.is_none() {
        return Err(Error::Invalid("max-file must be used with max-size".into()));
    }
    Ok((max_size, max_file))
}

/// `10m`, `64k`, `1g` or bytes.
fn bytes(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let (number, shift) = match lower.as_bytes().last()? {
        b'k' => (&lower[..lower.len() - 1], 10),
        b'm' => (&lower[..lower.len() - 1], 20),
        b'g' => (&lower[..lower.len() - 1], 30),
        _ => (lower, 0),
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(options: &[(&str, &str)]) -> LogConfig {
        let config = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        LogConfig { driver: "json-file".into(), config: Some(config) }
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(limits(&config(&[("max-size", "10m"), ("max-file", "3")])).unwrap(), (Some(10 << 20), 3));
        assert_eq!(limits(&config(&[("max-size", "64KB")])).unwrap(), (Some(64 << 10), 1));
        assert_eq!(limits(&config(&[])).unwrap(), (None, 1));
        for options in [&[("max-size", "x")][..], &[("max-size", "0")], &[("max-file", "0")], &[("max-file", "2")]] {
            assert!(limits(&config(options)).is_err(), "{options:?}");
        }
    }
}
