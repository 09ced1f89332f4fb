//! Paths of an archive, resolved so that nothing outside the layer's folder can be reached.
//!
//! The kernel does it (`openat2` with `RESOLVE_IN_ROOT`): links lead where they would lead in a container, and there is
//! no moment between a check and its use.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The extended attribute by which overlayfs hides what lower layers have in a folder.
pub(crate) const OPAQUE: &str = "trusted.overlay.opaque";

/// Flags for folders that are only held, not read.
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Whether a file is overlayfs's mark of a deleted one: a character device with number 0.
pub(crate) fn is_whiteout(stat: &rustix::fs::Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// A path of an archive: clean, relative, of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inner(Vec<OsString>);

impl Inner {
    /// Reads a name; a leading slash is the layer's own root. `None` if it leads out of it.
    pub(crate) fn parse(name: &[u8]) -> Option<Self> {
        let mut parts: Vec<OsString> = Vec::new();
        for part in name.split(|&c| c == b'/') {
            match part {
                b"" | b"." => {}
                b".." => drop(parts.pop()?),
                part if part.contains(&0) => return None,
                part => parts.push(OsString::from_vec(part.to_owned())),
            }
        }
        Some(Self(parts))
    }

    /// The layer's root.
    pub(crate) fn root() -> Self {
        Self(Vec::new())
    }

    /// The folder and the name in it; `None` for the root itself.
    pub(crate) fn split(&self) -> Option<(&[OsString], &OsStr)> {
        let (name, folder) = self.0.split_last()?;
        Some((folder, name))
    }
}

/// A folder within a layer, and a name in it.
pub(crate) struct Place {
    pub(crate) folder: OwnedFd,
    pub(crate) name: OsString,
}

impl Place {
    /// The path of the same by which calls that take no descriptor reach it.
    pub(crate) fn path(&self) -> PathBuf {
        let mut path = format!("/proc/self/fd/{}/", self.folder.as_raw_fd()).into_bytes();
        path.extend_from_slice(self.name.as_bytes());
        OsString::from_vec(path).into()
    }

    /// What stands there, links not followed.
    pub(crate) fn stat(&self) -> io::Result<Option<rustix::fs::Stat>> {
        match rustix::fs::statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// The root of a layer.
pub(crate) struct Root(OwnedFd);

impl Root {
    pub(crate) fn open(path: &std::path::Path) -> io::Result<Self> {
        Ok(Self(rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?))
    }

    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.0
    }

    /// Where `inner` stands; folders on the way are made if missing. Not for the root itself.
    pub(crate) fn place(&self, inner: &Inner) -> io::Result<Place> {
        let (folder, name) = inner.split().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Place { folder: self.folder(folder)?, name: name.to_owned() })
    }

    /// Where `inner` stands, if the folders on the way exist.
    pub(crate) fn existing(&self, inner: &Inner) -> io::Result<Place> {
        let (folder, name) = inner.split().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Place { folder: self.resolve(&joined(folder))?, name: name.to_owned() })
    }

    fn folder(&self, parts: &[OsString]) -> io::Result<OwnedFd> {
        match self.resolve(&joined(parts)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.make(parts),
            other => other,
        }
    }

    fn make(&self, parts: &[OsString]) -> io::Result<OwnedFd> {
        let mut at = self.resolve(OsStr::new("."))?;
        for end in 1..=parts.len() {
            let path = joined(&parts[..end]);
            at = match self.resolve(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // A link that leads nowhere is not made a folder of: this fails then.
                    make_folder(&at, &parts[end - 1])?;
                    self.resolve(&path)?
                }
                other => other?,
            };
        }
        Ok(at)
    }

    fn resolve(&self, path: &OsStr) -> io::Result<OwnedFd> {
        let path = if path.is_empty() { OsStr::new(".") } else { path };
        let how = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        loop {
            match rustix::fs::openat2(self.0.as_fd(), path, FOLDER, Mode::empty(), how) {
                // A rename somewhere in the system at the same time.
                Err(Errno::AGAIN) => {}
                other => return Ok(other?),
            }
        }
    }
}

/// Makes a folder that all may enter, whatever the process's mask is.
pub(crate) fn make_folder(at: impl AsFd, name: &OsStr) -> io::Result<()> {
    let mode = Mode::from_raw_mode(0o755);
    rustix::fs::mkdirat(&at, name, mode)?;
    rustix::fs::chmodat(&at, name, mode, AtFlags::empty())?;
    Ok(())
}

fn joined(parts: &[OsString]) -> OsString {
    let bytes: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    OsString::from_vec(bytes.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_and_none_leads_out() {
        let parsed = |name: &[u8]| Inner::parse(name).map(|inner| joined(&inner.0).into_vec());
        for (name, clean) in
            [(&b"a/b"[..], &b"a/b"[..]), (b"/a//./b/", b"a/b"), (b"./", b""), (b"a/../b", b"b"), (b"a\xff", b"a\xff")]
        {
            assert_eq!(parsed(name).as_deref(), Some(clean));
        }
        for name in [&b".."[..], b"../a", b"a/../../b", b"/..", b"a\0b"] {
            assert_eq!(parsed(name), None);
        }
    }

    #[test]
    fn links_lead_where_they_would_in_a_container() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
        std::fs::create_dir_all(inside.join("real")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        for (link, to) in [("abs", "/real"), ("up", "../../../../real"), ("dangling", "nowhere")] {
            std::os::unix::fs::symlink(to, inside.join(link)).unwrap();
        }
        let root = Root::open(&inside).unwrap();
        for name in ["abs/x/y", "up/x/z"] {
            let place = root.place(&Inner::parse(name.as_bytes()).unwrap()).unwrap();
            std::fs::write(place.path(), name).unwrap();
        }
        assert!(inside.join("real/x/y").exists() && inside.join("real/x/z").exists());
        assert!(root.place(&Inner::parse(b"dangling/x").unwrap()).is_err());
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    }
}
