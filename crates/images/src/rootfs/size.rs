//! How much a container wrote.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bytes of a root file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RootfsSize {
    /// What the container wrote.
    pub written: u64,
    /// That and its image.
    pub total: u64,
}

/// Bytes of all files below `root`, of one with several names only once. What vanishes meanwhile does not count.
pub(super) fn written(root: &Path) -> u64 {
    let mut todo: Vec<PathBuf> = vec![root.to_owned()];
    let mut several = HashSet::new();
    let mut bytes = 0;
    while let Some(folder) = todo.pop() {
        for found in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(about) = found.metadata() else { continue };
            if about.is_dir() {
                todo.push(found.path());
            } else if about.is_file() && (about.nlink() == 1 || several.insert((about.dev(), about.ino()))) {
                bytes += about.len();
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_count_once_and_links_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("a/b")).unwrap();
        fs::write(path("a/b/file"), [0; 10]).unwrap();
        fs::hard_link(path("a/b/file"), path("other")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", path("link")).unwrap();
        assert_eq!(written(root.path()), 10);
        assert_eq!(written(&path("missing")), 0);
    }
}
