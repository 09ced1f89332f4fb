//! The files of a log, and how they make room for each other.

use crate::{Error, Result};
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// No log has more files; a gap ends the search earlier.
const MOST: u32 = 1000;

/// `PATH.n`; the newest is `PATH` itself, number 0.
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// All files that are there, the newest first, open: a rotation meanwhile changes names, not files.
pub(super) fn open_all(path: &Path) -> Result<Vec<File>> {
    let mut files: Vec<File> = Vec::new();
    for number in 0..MOST {
        match open(&numbered(path, number))? {
            // One that was just renamed is met twice.
            Some(file) if files.iter().any(|other| is_same(other, &file)) => {}
            Some(file) => files.push(file),
            None if number > 0 => break,
            None => {}
        }
    }
    Ok(files)
}

/// The file that was begun after `file`; `None` while `file` is the newest.
pub(super) fn next_after(path: &Path, file: &File) -> Result<Option<File>> {
    let mut newer = None;
    for other in open_all(path)? {
        if is_same(&other, file) {
            return Ok(newer);
        }
        newer = Some(other);
    }
    // It is gone: what came after it may be, too. The oldest that is left goes on.
    Ok(newer)
}

fn open(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Error::File { act: "open", path: path.to_owned(), cause }),
    }
}

fn is_same(one: &File, other: &File) -> bool {
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// Moves each file to the next number; the one that would be number `count` is removed. The writer must then begin a new
/// file; until it does, it goes on in `PATH.1`.
pub(crate) fn rotate(path: &Path, count: u32) -> Result<()> {
    for number in (0..count.max(2) - 1).rev() {
        let (from, to) = (numbered(path, number), numbered(path, number + 1));
        match std::fs::rename(&from, &to) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                return Err(Error::File { act: "rename", path: from, cause });
            }
            _ => {}
        }
    }
    Ok(())
}
