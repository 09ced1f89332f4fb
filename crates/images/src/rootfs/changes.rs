//! What a container changed: its upper folder compared with the folders below, as `docker diff` shows it.

use crate::layer::{OPAQUE, is_whiteout};
use rustix::fs::{AtFlags, CWD, FileType, Stat};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// Something in it, or about it.
    Modified,
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The path, from the container's root.
    pub path: PathBuf,
    /// What happened.
    pub kind: ChangeKind,
}

/// All changes, sorted by path. The first of the folders below is the foundation.
pub(super) fn changes(upper: &Path, lowers: &[PathBuf]) -> io::Result<Vec<Change>> {
    let mut all = Vec::new();
    let lowers = lowers.iter().enumerate().map(|(number, path)| (path.clone(), number == 0)).collect();
    let mut todo = vec![Folder { path: "/".into(), upper: upper.to_owned(), lowers }];
    while let Some(folder) = todo.pop() {
        folder.compare(&mut all, &mut todo)?;
    }
    add_parents(&mut all);
    all.sort_by(|one, two| one.path.as_os_str().as_bytes().cmp(two.path.as_os_str().as_bytes()));
    Ok(all)
}

/// A folder that was written to, and the folders below that it continues, the uppermost first.
struct Folder {
    path: PathBuf,
    upper: PathBuf,
    lowers: Vec<Lower>,
}

impl Folder {
    fn compare(&self, all: &mut Vec<Change>, todo: &mut Vec<Folder>) -> io::Result<()> {
        let opaque = is_opaque(&self.upper)?;
        let mut seen = BTreeSet::new();
        for found in fs::read_dir(&self.upper)? {
            let name = found?.file_name();
            let Some(stat) = stat(&self.upper.join(&name))? else { continue };
            self.judge(&name, &stat, opaque, all, todo)?;
            seen.insert(name);
        }
        if opaque {
            // All that is not written anew is gone.
            for name in self.below()?.difference(&seen) {
                all.push(Change { path: self.path.join(name), kind: ChangeKind::Deleted });
            }
        }
        Ok(())
    }

    fn judge(
        &self,
        name: &OsString,
        stat: &Stat,
        opaque: bool,
        all: &mut Vec<Change>,
        todo: &mut Vec<Folder>,
    ) -> io::Result<()> {
        let path = self.path.join(name);
        let before = self.before(name)?;
        if is_whiteout(stat) {
            // In an opaque folder it is told with all the others.
            if before.is_some() && !opaque {
                all.push(Change { path, kind: ChangeKind::Deleted });
            }
            return Ok(());
        }
        let folder = is_folder(stat);
        let lowers = match &before {
            Some(before) if folder => before.folders.clone(),
            _ => Vec::new(),
        };
        match &before {
            None => all.push(Change { path: path.clone(), kind: ChangeKind::Added }),
            // A folder is there as soon as something in it is; alone it counts when it is itself different.
            Some(before) if folder && is_folder(&before.stat) && same(stat, &before.stat) => {}
            // Of the foundation, which for some images stands in the upper folder itself.
            Some(before) if before.founded && same(stat, &before.stat) && stat.st_size == before.stat.st_size => {}
            Some(_) => all.push(Change { path: path.clone(), kind: ChangeKind::Modified }),
        }
        if folder {
            todo.push(Folder { path, upper: self.upper.join(name), lowers });
        }
        Ok(())
    }

    /// What stood there before the container.
    fn before(&self, name: &OsString) -> io::Result<Option<Before>> {
        let mut before: Option<Before> = None;
        for (lower, founded) in &self.lowers {
            let path = lower.join(name);
            let Some(stat) = stat(&path)? else { continue };
            let folder = is_folder(&stat);
            match &mut before {
                _ if is_whiteout(&stat) => break,
                None => {
                    let folders = if folder { vec![(path.clone(), *founded)] } else { Vec::new() };
                    before = Some(Before { stat, founded: *founded, folders });
                }
                Some(before) if folder => before.folders.push((path.clone(), *founded)),
                Some(_) => break,
            }
            if !folder || is_opaque(&path)? {
                break;
            }
        }
        Ok(before)
    }

    /// All names that were there before the container.
    fn below(&self) -> io::Result<BTreeSet<OsString>> {
        let mut names = BTreeSet::new();
        for (lower, _) in &self.lowers {
            for found in fs::read_dir(lower)? {
                names.insert(found?.file_name());
            }
        }
        let mut there = BTreeSet::new();
        for name in names {
            if self.before(&name)?.is_some() {
                there.insert(name);
            }
        }
        Ok(there)
    }
}

/// What stood at a path, and if it is a folder, what it consists of.
struct Before {
    stat: Stat,
    /// Whether the foundation has it.
    founded: bool,
    folders: Vec<Lower>,
}

/// A folder below, and whether it is the foundation's.
type Lower = (PathBuf, bool);

/// A folder in which something changed is changed.
fn add_parents(all: &mut Vec<Change>) {
    let told: BTreeSet<PathBuf> = all.iter().map(|change| change.path.clone()).collect();
    let mut parents = BTreeSet::new();
    for path in &told {
        for parent in path.ancestors().skip(1).filter(|parent| parent.parent().is_some()) {
            if told.contains(parent) || !parents.insert(parent.to_owned()) {
                break;
            }
        }
    }
    all.extend(parents.into_iter().map(|path| Change { path, kind: ChangeKind::Modified }));
}

fn stat(path: &Path) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

fn is_folder(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

fn same(one: &Stat, two: &Stat) -> bool {
    let about = |stat: &Stat| (stat.st_mode, stat.st_uid, stat.st_gid, stat.st_mtime, stat.st_mtime_nsec);
    about(one) == about(two)
}

/// Whether a folder hides what is below it.
pub(super) fn is_opaque(folder: &Path) -> io::Result<bool> {
    let mut value = [0; 2];
    match rustix::fs::lgetxattr(folder, OPAQUE, &mut value) {
        Ok(1) => Ok(value[0] == b'y'),
        Ok(_) | Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::RANGE | Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
