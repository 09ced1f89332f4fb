//! What a path in a container means, and what is there. All of it is asked from within its root.

use crate::{Error, Result};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStat {
    /// The last part of the path.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// Kind and permissions in Go's form, as Docker's clients read it.
    pub mode: u32,
    /// When it was changed.
    pub modified: SystemTime,
    /// For a link, what it leads to from the container's root.
    pub link_target: String,
}

/// A path that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// From the root, without `.` and `..`.
    pub path: PathBuf,
    /// Whether a link at its end is followed: it was written with `/` or `/.` at the end.
    pub follows: bool,
}

impl Asked {
    /// The path that `text` means. It is taken from the root.
    pub fn new(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::Invalid("bad parameter: path cannot be empty".into()));
        }
        if text.contains('\0') {
            return Err(Error::Invalid("bad parameter: a NUL byte is in the path".into()));
        }
        let mut path = PathBuf::from("/");
        for component in Path::new(text).components() {
            match component {
                Component::ParentDir => {
                    path.pop();
                }
                Component::Normal(name) => path.push(name),
                _ => {}
            }
        }
        Ok(Self { path, follows: text.ends_with('/') || text.ends_with("/.") })
    }

    /// The last part, as entries of an archive begin with it.
    pub fn name(&self) -> PathBuf {
        self.path.file_name().map_or_else(|| "/".into(), PathBuf::from)
    }

    /// Where it really is: no link on the way, nor at the end if that is followed.
    pub fn real(&self, container: &str) -> Result<PathBuf> {
        let real = match (self.follows, self.path.parent(), self.path.file_name()) {
            (false, Some(parent), Some(name)) => parent.canonicalize().map(|parent| parent.join(name)),
            _ => self.path.canonicalize(),
        };
        let real = real.map_err(|error| self.missing(container, error))?;
        let meta = std::fs::symlink_metadata(&real).map_err(|error| self.missing(container, error))?;
        if self.follows && !meta.is_dir() {
            return Err(self.missing(container, ErrorKind::NotADirectory.into()));
        }
        Ok(real)
    }

    fn missing(&self, container: &str, error: std::io::Error) -> Error {
        let path = self.path.display();
        match error.kind() {
            ErrorKind::NotFound => Error::Missing(format!("Could not find the file {path} in container {container}")),
            ErrorKind::NotADirectory => Error::Invalid(format!("{path}: not a directory")),
            _ => Error::File { act: format!("look at {path} in container {container}"), cause: error },
        }
    }

    /// What is there.
    pub fn stat(&self, container: &str) -> Result<PathStat> {
        let real = self.real(container)?;
        let meta = std::fs::symlink_metadata(&real).map_err(|error| self.missing(container, error))?;
        let link_target = if meta.is_symlink() { target(&real).to_string_lossy().into_owned() } else { String::new() };
        Ok(PathStat {
            name: self.name().to_string_lossy().into_owned(),
            size: i64::try_from(meta.len()).unwrap_or(i64::MAX),
            mode: go_mode(&meta),
            modified: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            link_target,
        })
    }
}

/// What a link leads to, all links followed; where that is not there, as far as the link itself says.
fn target(link: &Path) -> PathBuf {
    link.canonicalize().unwrap_or_else(|_| {
        let said = std::fs::read_link(link).unwrap_or_default();
        let joined = link.parent().unwrap_or(Path::new("/")).join(said);
        Asked::new(&joined.to_string_lossy()).map_or(joined, |asked| asked.path)
    })
}

/// Go's `os.FileMode`.
fn go_mode(meta: &std::fs::Metadata) -> u32 {
    const SET_ID: [(u32, u32); 3] = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    let mode = meta.permissions().mode();
    let kind = meta.file_type();
    let kind = match () {
        () if kind.is_dir() => 1 << 31,
        () if kind.is_symlink() => 1 << 27,
        () if kind.is_char_device() => 1 << 26 | 1 << 21,
        () if kind.is_block_device() => 1 << 26,
        () if kind.is_fifo() => 1 << 25,
        () if kind.is_socket() => 1 << 24,
        () => 0,
    };
    let special = SET_ID.iter().filter(|(bit, _)| mode & bit != 0).fold(0, |all, (_, go)| all | go);
    kind | special | (meta.mode() & 0o777)
}
