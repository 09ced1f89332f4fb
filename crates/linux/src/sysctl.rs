//! Kernel settings under `/proc/sys/net`, of the namespace the calling thread is in.
//!
//! Must never read or write anything outside `net`, nor write what is so already.

use crate::errno::failed;
use pontoon_kernel::{Error, Kind, Result};
use std::io::{self, Write};
use std::path::PathBuf;

/// A setting's value without its newline; `None` when there is no such setting.
pub(crate) fn read(key: &str) -> Result<Option<String>> {
    let act = || format!("read sysctl {key}");
    match std::fs::read_to_string(path(key).ok_or_else(|| nonsense(act()))?) {
        Ok(value) => Ok(Some(value.trim_end_matches('\n').to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(act(), &error)),
    }
}

/// Writes a setting unless it has that value. A missing one is `NotFound`.
pub(crate) fn write(key: &str, value: &str) -> Result<()> {
    let act = || format!("set sysctl {key} to {value:?}");
    if value.contains(['\n', '\0']) {
        return Err(nonsense(act()));
    }
    let path = path(key).ok_or_else(|| nonsense(act()))?;
    // A setting that cannot be read (write-only ones exist) is simply written.
    if read(key).ok().flatten().is_some_and(|now| same(&now, value)) {
        return Ok(());
    }
    let written = std::fs::File::options().write(true).open(path).and_then(|mut file| file.write_all(value.as_bytes()));
    written.map_err(|error| failed(act(), &error))
}

/// Settings of several numbers are written with spaces and read with tabs.
fn same(now: &str, wanted: &str) -> bool {
    now.split_ascii_whitespace().eq(wanted.split_ascii_whitespace())
}

fn nonsense(act: String) -> Error {
    Error::new(Kind::Invalid, act, "not a key under net/ with a one-line value")
}

/// The file of a key, if the key is one: `net/…`, no part empty or made of dots only. Parts may hold dots: a VLAN
/// link is called `eth0.10`.
fn path(key: &str) -> Option<PathBuf> {
    let good =
        |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_graphic()) && part.bytes().any(|c| c != b'.');
    let mut parts = key.split('/');
    (parts.next() == Some("net") && key.len() < 256 && key.contains('/') && parts.all(good))
        .then(|| PathBuf::from("/proc/sys").join(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_cannot_leave_net() {
        for bad in ["", "net", "net/", "/net/ipv4/x", "kernel/x", "net/../kernel/x", "net/./x", "net//x", "net/a b/c"] {
            assert_eq!(path(bad), None, "{bad}");
            assert_eq!(read(bad).unwrap_err().kind, Kind::Invalid, "{bad}");
            assert_eq!(write(bad, "1").unwrap_err().kind, Kind::Invalid, "{bad}");
        }
        for good in ["net/ipv4/ip_forward", "net/ipv6/conf/eth0.10/disable_ipv6"] {
            assert!(path(good).is_some(), "{good}");
        }
        assert_eq!(write("net/ipv4/ip_forward", "1\n1").unwrap_err().kind, Kind::Invalid);
    }

    #[test]
    fn tabs_and_spaces_are_the_same() {
        assert!(same("32768\t60999", "32768 60999"));
        assert!(!same("32768\t60999", "32768 6099"));
    }
}
