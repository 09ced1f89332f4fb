//! Kernel settings under `/proc/sys/net`, of the namespace the calling thread is in.
//!
//! Must never read or write anything outside `net`, nor write what is so already.

use crate::errno::failed;
use crate::procfs::View;
use pontoon_kernel::{Error, Kind, Result};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// No setting of a namespace is longer.
const LONGEST: usize = 4096;

/// A setting's value without its newline; `None` when there is no such setting.
pub(crate) fn read(proc: &View, key: &str) -> Result<Option<String>> {
    let act = || format!("read sysctl {key}");
    let path = path(key).ok_or_else(|| nonsense(act()))?;
    match open(proc, &path, OFlags::RDONLY).and_then(|file| value(&file)) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(act(), &error)),
    }
}

/// Writes a setting unless it has that value. A missing one is `NotFound`.
pub(crate) fn write(proc: &View, key: &str, wanted: &str) -> Result<()> {
    let act = || format!("set sysctl {key} to {wanted:?}");
    if wanted.contains(['\n', '\0']) {
        return Err(nonsense(act()));
    }
    let path = path(key).ok_or_else(|| nonsense(act()))?;
    write_to(proc, &path, wanted).map_err(|error| failed(act(), &error))
}

fn write_to(proc: &View, path: &str, wanted: &str) -> io::Result<()> {
    let file = match open(proc, path, OFlags::RDWR) {
        // A setting that cannot be written may be as it should; one that cannot be read (there are some) is written.
        Err(error) if is_denied(&error) => match open(proc, path, OFlags::RDONLY).and_then(|file| value(&file)) {
            Ok(now) if same(&now, wanted) => return Ok(()),
            _ => open(proc, path, OFlags::WRONLY)?,
        },
        Ok(file) if value(&file).is_ok_and(|now| same(&now, wanted)) => return Ok(()),
        file => file?,
    };
    // In one piece and at the beginning, or the kernel refuses it.
    match file.write_at(wanted.as_bytes(), 0)? {
        written if written == wanted.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}

fn is_denied(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn open(proc: &View, path: &str, access: OFlags) -> io::Result<File> {
    let file = rustix::fs::openat(proc, path, access | OFlags::CLOEXEC, Mode::empty())?;
    Ok(file.into())
}

fn value(file: &File) -> io::Result<String> {
    let mut buffer = [0; LONGEST];
    let length = file.read_at(&mut buffer, 0)?;
    let text = std::str::from_utf8(&buffer[..length]).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(text.trim_end_matches('\n').to_owned())
}

/// Settings of several numbers are written with spaces and read with tabs.
fn same(now: &str, wanted: &str) -> bool {
    now.split_ascii_whitespace().eq(wanted.split_ascii_whitespace())
}

fn nonsense(act: String) -> Error {
    Error::new(Kind::Invalid, act, "not a key under net/ with a one-line value")
}

/// The file of a key below `/proc`, if the key is one: `net/…`, no part empty or made of dots only. Parts may hold dots: a VLAN
/// link is called `eth0.10`.
fn path(key: &str) -> Option<String> {
    let good =
        |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_graphic()) && part.bytes().any(|c| c != b'.');
    let mut parts = key.split('/');
    (parts.next() == Some("net") && key.len() < 256 && key.contains('/') && parts.all(good))
        .then(|| format!("sys/{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closer::Closer;
    use crate::procfs::Procfs;
    use pontoon_kernel::Netns;

    #[test]
    fn keys_cannot_leave_net() {
        let proc = Procfs::default().view(&Netns::Host, &Closer::default()).unwrap();
        let (read, write) = (|key| read(&proc, key), |key, value| write(&proc, key, value));
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
