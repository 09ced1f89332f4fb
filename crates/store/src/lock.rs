//! One daemon for one root: a lock that the kernel takes back when its process ends, however it ends.

use crate::{Error, Result};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// The file in a root that is locked. It stays when the lock is given back: removing it would let two daemons lock two
/// files of the same name.
const FILE: &str = "pontoond.lock";
/// How long a daemon that was killed may take to be gone: scripts start the next one at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// A root that is ours until this is dropped.
#[derive(Debug)]
pub struct RootLock {
    _file: Flock<File>,
}

impl RootLock {
    /// Takes the root at `path`, making the directory if need be (mode 0711: sockets and namespaces below it are
    /// reached by others). [`Error::AlreadyRunning`] with the other's process when it is taken.
    pub fn acquire(path: &Path) -> Result<Self> {
        let failed = |act, cause| Error::File { act, path: path.to_owned(), cause };
        DirBuilder::new().recursive(true).mode(0o711).create(path).map_err(|cause| failed("make directory", cause))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o644);
        let mut file = options.open(path.join(FILE)).map_err(|cause| failed("lock", cause))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(mut file) => {
                    note_pid(&mut file).map_err(|cause| failed("write the lock file in", cause))?;
                    return Ok(Self { _file: file });
                }
                Err((held, Errno::EWOULDBLOCK)) if Instant::now() < until => file = held,
                Err((held, Errno::EWOULDBLOCK)) => {
                    return Err(Error::AlreadyRunning { path: path.to_owned(), pid: pid(held) });
                }
                Err((_, errno)) => return Err(failed("lock", errno.into())),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn note_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// What the holder of the lock has written.
fn pid(mut file: File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_types::Kind;

    #[test]
    fn a_root_is_locked_by_one_and_free_when_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("a/b");
        let lock = RootLock::acquire(&root).unwrap();
        let error = RootLock::acquire(&root).unwrap_err();
        assert!(
            matches!(&error, Error::AlreadyRunning { path, pid } if *path == root && *pid == Some(std::process::id()))
        );
        assert!(error.to_string().contains(&format!("{} is in use", root.display())));
        assert!(error.hint().is_some());
        drop(lock);
        RootLock::acquire(&root).unwrap();
    }

    #[test]
    fn a_root_is_waited_for_while_its_holder_dies() {
        let directory = tempfile::tempdir().unwrap();
        let lock = RootLock::acquire(directory.path()).unwrap();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| RootLock::acquire(directory.path()).map(drop));
            std::thread::sleep(Duration::from_millis(50));
            drop(lock);
            next.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_lock_file_with_nonsense_in_it_is_no_obstacle() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(FILE), "nonsense, and long: 123456789").unwrap();
        let _lock = RootLock::acquire(directory.path()).unwrap();
        let text = std::fs::read_to_string(directory.path().join(FILE)).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_root_that_cannot_be_made_is_named() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("file"), "").unwrap();
        let error = RootLock::acquire(&directory.path().join("file/root")).unwrap_err();
        assert!(pontoon_types::chain(&error).contains("file/root: "), "{error}");
    }
}
