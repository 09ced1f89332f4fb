//! One daemon for one folder: an advisory lock that the kernel drops when its holder ends, however it ends.

use crate::error::{Error, Result};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

/// A folder held; let go when dropped.
#[derive(Debug)]
pub struct RootLock {
    _file: Flock<File>,
}

impl RootLock {
    /// Makes the folder if it is not there, and holds it. [`Error::Locked`] when another process does.
    pub fn acquire(root: &Path) -> Result<Self> {
        std::fs::create_dir_all(root).map_err(|cause| Error::File { act: "make", path: root.into(), cause })?;
        let path = root.join("pontoond.lock");
        let failed = |cause| Error::File { act: "open", path: path.clone(), cause };
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        match Flock::lock(open.map_err(failed)?, FlockArg::LockExclusiveNonblock) {
            Ok(file) => Ok(Self { _file: sign(file) }),
            Err((mut file, Errno::EWOULDBLOCK)) => {
                let mut text = String::new();
                // Who it is only helps to read the message.
                let _ = file.read_to_string(&mut text);
                Err(Error::Locked { root: root.into(), pid: text.trim().parse().ok() })
            }
            Err((_, errno)) => Err(Error::File { act: "lock", path: path.clone(), cause: errno.into() }),
        }
    }
}

/// Leaves the process id for whoever is refused; its absence is no harm.
fn sign(mut file: Flock<File>) -> Flock<File> {
    let _ = file.set_len(0);
    let _ = writeln!(file, "{}", std::process::id());
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_and_told_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = RootLock::acquire(folder.path()).unwrap();
        match RootLock::acquire(folder.path()) {
            Err(Error::Locked { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        drop(first);
        RootLock::acquire(folder.path()).unwrap();
    }
}
