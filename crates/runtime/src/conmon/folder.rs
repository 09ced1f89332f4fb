//! What stands under the exec root of one container or command, and how it is read after a restart of the daemon.
//!
//! | file | written by | says |
//! |---|---|---|
//! | `config.json`, `process.json` | us | what was to run |
//! | `pid`, `monitor` | the monitor | pids, not believed alone |
//! | `record.json` | us, last of all | that it was made: processes with their start times, runtime, control group |
//! | `ID` | the monitor | the exit code, when it is over |
//! | `oom` | the monitor | the kernel killed because memory was out |
//! | `lost` | us | the monitor was killed before its process |
//! | `attach`, `ctl`, `winsz` | the monitor | streams and terminal |
//! | `exec/ID/` | | the same of a command |
//!
//! A folder without a record is half made: nothing in it counts, and it can only be deleted.

use super::oci::Oci;
use super::process::Process;
use crate::{Error, Exit, Result, Stdin};
use serde::{Deserialize, Serialize};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A container's or command's folder. It need not be there.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub path: PathBuf,
    /// The container's id, also for a command's folder: the monitor names the exit file after it.
    id: String,
}

/// What is known of a container or command that was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub oci: Oci,
    pub monitor: Process,
    /// The container's first process, or the command.
    pub first: Process,
    /// Whether it has a terminal.
    pub tty: bool,
    pub stdin: StdinKind,
    /// The control group from the root of the tree; `None` without control groups.
    pub cgroup: Option<String>,
    /// Whether `shm` is a mount that others may use.
    pub shm: bool,
    /// The container's root file system.
    pub rootfs: PathBuf,
    /// How its log is rotated, where the monitor does not do it by itself.
    pub rotation: Option<Rotation>,
}

/// A log that is to be rotated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rotation {
    pub path: PathBuf,
    pub max_size: u64,
    pub max_file: u32,
}

/// [`Stdin`], as it is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StdinKind {
    Closed,
    Open,
    Once,
}

impl From<Stdin> for StdinKind {
    fn from(stdin: Stdin) -> Self {
        match stdin {
            Stdin::Closed => Self::Closed,
            Stdin::Open => Self::Open,
            Stdin::Once => Self::Once,
        }
    }
}

impl Folder {
    pub fn new(path: PathBuf, id: impl ToString) -> Self {
        Self { path, id: id.to_string() }
    }

    /// The folder of a command in this container.
    pub fn exec(&self, exec: impl ToString) -> Self {
        Self { path: self.path.join("exec").join(exec.to_string()), id: self.id.clone() }
    }

    /// The folders of all commands.
    pub fn execs(&self) -> Vec<Self> {
        let entries = std::fs::read_dir(self.path.join("exec")).into_iter().flatten().flatten();
        entries.map(|entry| Self { path: entry.path(), id: self.id.clone() }).collect()
    }

    /// Makes the folder; false when it is there already.
    pub fn make(&self) -> Result<bool> {
        let mut builder = std::fs::DirBuilder::new();
        builder.mode(0o700);
        if let Some(parent) = self.path.parent() {
            let act = |cause| Error::File { act: "create", path: parent.to_owned(), cause };
            builder.recursive(true).create(parent).map_err(act)?;
        }
        match builder.recursive(false).create(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            Err(cause) => Err(Error::File { act: "create", path: self.path.clone(), cause }),
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file as JSON, in one step.
    pub fn write_json(&self, name: &str, content: &impl Serialize) -> Result<()> {
        let path = self.file(name);
        let failed = |cause| Error::File { act: "write", path: path.clone(), cause };
        let bytes = serde_json::to_vec(content).map_err(|error| failed(error.into()))?;
        let new = self.file(&format!("{name}.new"));
        std::fs::write(&new, bytes).and_then(|()| std::fs::rename(&new, &path)).map_err(failed)
    }

    /// The record; `None` when it is half made or not there. One that cannot be read is none.
    pub fn record(&self) -> Option<Record> {
        serde_json::from_slice(&std::fs::read(self.file("record.json")).ok()?).ok()
    }

    /// A pid that the monitor wrote.
    pub fn pid(&self, name: &str) -> Option<u32> {
        std::fs::read_to_string(self.file(name)).ok()?.trim().parse().ok()
    }

    /// The exit, if it has been written.
    pub fn exit(&self) -> Option<Exit> {
        let path = self.file(&self.id);
        let code = std::fs::read_to_string(&path).ok()?.trim().parse().ok()?;
        let at = std::fs::metadata(&path).and_then(|meta| meta.modified()).unwrap_or_else(|_| SystemTime::now());
        let has = |name: &str| self.file(name).exists();
        Some(Exit { code, at, oom_killed: has("oom"), monitor_lost: has("lost") })
    }

    /// Writes the exit of a process whose monitor was lost.
    pub fn write_lost_exit(&self) -> Result<()> {
        let failed = |cause| Error::File { act: "write", path: self.file(&self.id), cause };
        std::fs::write(self.file("lost"), "").map_err(failed)?;
        let new = self.file("exit.new");
        std::fs::write(&new, "137").and_then(|()| std::fs::rename(&new, self.file(&self.id))).map_err(failed)
    }

    /// Removes the folder and all in it; one that is not there is no error.
    pub fn remove(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::File { act: "remove", path: self.path.clone(), cause })
            }
            _ => Ok(()),
        }
    }

    /// Asks the monitor for something over its fifo: 1 for the terminal's size, 2 to open the log anew.
    pub fn tell(&self, what: u8, height: u16, width: u16) -> Result<()> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.file("ctl");
        let failed = |cause| Error::File { act: "write", path: path.clone(), cause };
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        // Without a reader it is refused at once, so that nobody waits for a monitor that is gone.
        let mut fifo = std::fs::OpenOptions::new().write(true).custom_flags(flags).open(&path).map_err(failed)?;
        fifo.write_all(format!("{what} {height} {width}\n").as_bytes()).map_err(failed)
    }
}

/// The containers below `root`, by the names of their folders.
pub(super) fn all(root: &Path) -> Result<Vec<pontoon_types::ContainerId>> {
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(Error::File { act: "read", path: root.to_owned(), cause }),
    };
    Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}
