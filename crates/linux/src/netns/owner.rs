//! Whose a namespace is: a path, or a process told apart from a later one with the same number.

use super::file::id_at;
use pontoon_kernel::{NetnsId, NetnsOwner};
use std::io;
use std::path::{Path, PathBuf};

/// A process by number and start time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    /// Process id.
    pub(crate) pid: u32,
    /// Start time in clock ticks since boot; 0 means whichever has the number now.
    pub(crate) start: u64,
}

impl Process {
    /// Whether it (and no successor with its number) is there.
    pub(crate) fn is_there(self) -> io::Result<bool> {
        Ok(self.started()?.is_some_and(|start| self.start == 0 || self.start == start))
    }

    /// When the process that has the number now was started; `None` when there is none.
    pub(crate) fn started(self) -> io::Result<Option<u64>> {
        match std::fs::read(format!("/proc/{}/stat", self.pid)) {
            Ok(stat) => Ok(start_time(&stat)),
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where its namespace is found.
    fn namespace(self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.pid))
    }
}

/// Which namespace `owner` has now; `None` when it has gone.
pub(crate) fn owner_id(owner: &NetnsOwner) -> io::Result<Option<NetnsId>> {
    match owner {
        NetnsOwner::Path(path) => id_at(path),
        NetnsOwner::Process { pid, start } => {
            let process = Process { pid: *pid, start: *start };
            let id = id_at(&process.namespace())?;
            // Looked at after its namespace: had the number changed hands in between, the start time tells.
            Ok(if process.is_there()? { id } else { None })
        }
    }
}

/// Field 22 of a `/proc/PID/stat` line. The second field is the command in parentheses and may itself hold spaces
/// and parentheses, so that counting begins after the last one. A process that ended and was not waited for is gone.
fn start_time(stat: &[u8]) -> Option<u64> {
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let ended = matches!(fields.next()?, "Z" | "X");
    fields.nth(18)?.parse().ok().filter(|_| !ended)
}

/// The process whose namespace `owner` is, if it is one's: also a path such as `/proc/42/ns/net`.
pub(crate) fn process_in(owner: &NetnsOwner) -> Option<Process> {
    match owner {
        NetnsOwner::Process { pid, start } => Some(Process { pid: *pid, start: *start }),
        NetnsOwner::Path(path) => Some(Process { pid: pid_of(path)?, start: 0 }),
    }
}

fn pid_of(path: &Path) -> Option<u32> {
    path.strip_prefix("/proc").ok()?.iter().next()?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_found_behind_a_hostile_command_name() {
        let line = |command: &str| format!("42 ({command}) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654 20\n");
        for command in ["sh", "a b", "a) S 1 (b", ")))", "\u{1b}[2J"] {
            assert_eq!(start_time(line(command).as_bytes()), Some(987_654), "{command}");
        }
        assert_eq!(start_time(line("sh").replace(") S ", ") Z ").as_bytes()), None, "it ended");
        for bad in ["", "42 (sh", "42 (sh) S 1", "42 (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x"] {
            assert_eq!(start_time(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_process_with_the_same_number_but_another_start_is_another() {
        let pid = std::process::id();
        let start = Process { pid, start: 0 }.started().unwrap().unwrap();
        let owner = |start| NetnsOwner::Process { pid, start };
        assert!(owner_id(&owner(start)).unwrap().is_some());
        assert!(owner_id(&owner(0)).unwrap().is_some());
        assert!(owner_id(&owner(start + 1)).unwrap().is_none());
    }

    #[test]
    fn a_path_below_proc_names_its_process() {
        let of = |path: &str| process_in(&NetnsOwner::Path(path.into())).map(|process| process.pid);
        assert_eq!(of("/proc/42/ns/net"), Some(42));
        assert_eq!(of("/proc/self/ns/net"), None);
        assert_eq!(of("/run/netns/x"), None);
    }
}
