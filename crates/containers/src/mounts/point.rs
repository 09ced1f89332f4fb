//! One mount of a container, as it was decided: what inspect shows and what a start makes ready.

use crate::spec::{MountKind, TmpfsOptions};
use serde::{Deserialize, Serialize};

/// A mount of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountPoint {
    /// What sort it is.
    pub kind: MountKind,
    /// The volume's name; empty for others.
    pub name: String,
    /// The path on the host; empty for a tmpfs.
    pub source: String,
    /// The path in the container.
    pub destination: String,
    /// The volume's driver; empty for others.
    pub driver: String,
    /// Options as the client gave them.
    pub mode: String,
    /// Whether the container may write to it.
    pub writable: bool,
    /// Whether, when it may not, it still may write to what is mounted below.
    #[serde(default)]
    pub read_only_on_top: bool,
    /// How later mounts spread; empty for volumes and tmpfs.
    pub propagation: String,
    /// Whether what is mounted below comes along.
    pub recursive: bool,
    /// Whether an empty volume is filled from the image.
    pub copy: bool,
    /// A folder in the volume.
    pub subpath: String,
    /// Whether a missing source is made, as a folder, when the container starts.
    pub make_source: bool,
    /// Whether the volume was made for this container and goes with it.
    pub anonymous: bool,
    /// Size, mode and options of a tmpfs.
    pub tmpfs: Option<TmpfsOptions>,
}

impl MountPoint {
    /// A bind mount of `source`.
    pub(crate) fn bind(source: String, destination: String) -> Self {
        Self { source, propagation: "rprivate".into(), ..Self::of(MountKind::Bind, destination) }
    }

    /// A volume; without a name one is made for this container.
    pub(crate) fn volume(name: String, destination: String) -> Self {
        let anonymous = name.is_empty();
        Self { name, anonymous, driver: "local".into(), copy: true, ..Self::of(MountKind::Volume, destination) }
    }

    /// A tmpfs.
    pub(crate) fn tmpfs(options: TmpfsOptions, destination: String) -> Self {
        Self { tmpfs: Some(options), ..Self::of(MountKind::Tmpfs, destination) }
    }

    fn of(kind: MountKind, destination: String) -> Self {
        Self {
            kind,
            name: String::new(),
            source: String::new(),
            destination,
            driver: String::new(),
            mode: String::new(),
            writable: true,
            read_only_on_top: false,
            propagation: String::new(),
            recursive: true,
            copy: false,
            subpath: String::new(),
            make_source: false,
            anonymous: false,
            tmpfs: None,
        }
    }
}

/// `path` without `.`, `..`, doubled and trailing slashes, as Go's `path.Clean` makes it.
pub(crate) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (path, wanted) in [("/", "/"), ("/a//b/", "/a/b"), ("/a/./b/../c", "/a/c"), ("/../..", "/"), ("/a/..", "/")]
        {
            assert_eq!(clean(path), wanted, "{path}");
        }
    }
}
