//! What is mounted into a container beside the default mounts.

use std::path::PathBuf;

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The absolute path in the container.
    pub target: PathBuf,
    /// What is mounted there.
    pub source: MountSource,
    /// Who may write to it.
    pub access: Access,
}

/// Whether a mount may be written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Yes.
    #[default]
    Writable,
    /// No, and what is mounted below it neither (Linux 5.12): Docker's default since 25.
    ReadOnly,
    /// No, but what is mounted below it stays as it is.
    ReadOnlyOnTop,
}

impl Access {
    /// Whether it may not be written to.
    pub fn is_read_only(self) -> bool {
        self != Self::Writable
    }
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountSource {
    /// A file or folder of the host; it must exist.
    Bind {
        /// Its path on the host.
        path: PathBuf,
        /// How mounts in it spread.
        propagation: Propagation,
        /// Whether mounts below it come along.
        recursive: bool,
    },
    /// Memory.
    Tmpfs {
        /// Options as for mount(8), e.g. `size=64m`, `mode=1777`, `exec`. Docker's defaults are put before them.
        options: Vec<String>,
    },
}

/// How mounts that are made later spread between the host and a bind mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// Not at all; Docker's default.
    #[default]
    RecursivePrivate,
    /// Not at all, for this mount alone.
    Private,
    /// From the host to the container.
    RecursiveSlave,
    /// From the host to the container, for this mount alone.
    Slave,
    /// Both ways.
    RecursiveShared,
    /// Both ways, for this mount alone.
    Shared,
}

impl Propagation {
    /// The word for it, as in `--volume a:b:rslave`.
    pub fn word(self) -> &'static str {
        match self {
            Self::RecursivePrivate => "rprivate",
            Self::Private => "private",
            Self::RecursiveSlave => "rslave",
            Self::Slave => "slave",
            Self::RecursiveShared => "rshared",
            Self::Shared => "shared",
        }
    }

    /// The propagation that `word` means; `None` when it means none. The empty word is the default.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "" | "rprivate" => Self::RecursivePrivate,
            "private" => Self::Private,
            "rslave" => Self::RecursiveSlave,
            "slave" => Self::Slave,
            "rshared" => Self::RecursiveShared,
            "shared" => Self::Shared,
            _ => return None,
        })
    }
}
