//! Names of network namespaces.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A namespace by where it is found. Holds nothing open.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Netns {
    /// The namespace the daemon was started in.
    Host,
    /// The namespace bind-mounted at this path.
    At(PathBuf),
}

/// A namespace by what it is: device and inode of its file. Never reused while the namespace is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NetnsId {
    /// Device of the nsfs.
    pub dev: u64,
    /// Inode in it.
    pub ino: u64,
}

/// What an adopted namespace belongs to: when this goes, the sandbox goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NetnsOwner {
    /// A path such as `/run/netns/x` or `/proc/42/ns/net`.
    Path(PathBuf),
    /// A process, by pid and start time (clock ticks since boot, `/proc/PID/stat` field 22), so that a reused pid is another.
    Process {
        /// Process id.
        pid: u32,
        /// Start time, from [`crate::Kernel::process_start`]; 0 stands for any.
        start: u64,
    },
}
