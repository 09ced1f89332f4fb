//! Mounts of a container that starts: sources are made or checked, and told to the runtime.

use super::MountPoint;
use crate::spec::{HostConfig, MountKind, TmpfsOptions};
use crate::{Error, Result};
use pontoon_runtime::{Access, Mount, MountSource, Propagation};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use std::path::{Path, PathBuf};

/// All mounts of a container that its settings ask for, outer ones first.
pub(crate) fn ready(points: &[MountPoint], host: &HostConfig) -> Result<Vec<Mount>> {
    let mut mounts = points.iter().map(one).collect::<Result<Vec<_>>>()?;
    for (path, options) in host.tmpfs.iter().flatten() {
        let options = options.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let target = PathBuf::from(super::point::clean(path));
        mounts.push(Mount { target, source: MountSource::Tmpfs { options }, access: Access::Writable });
    }
    // A mount over a folder hides what was mounted below it before.
    mounts.sort_by_key(|mount| mount.target.components().count());
    Ok(mounts)
}

fn one(point: &MountPoint) -> Result<Mount> {
    let source = match point.kind {
        MountKind::Tmpfs => {
            MountSource::Tmpfs { options: tmpfs_options(point.tmpfs.as_ref().unwrap_or(&TmpfsOptions::default())) }
        }
        MountKind::Bind | MountKind::Volume => MountSource::Bind {
            path: source_of(point)?,
            propagation: Propagation::from_word(&point.propagation).unwrap_or_default(),
            recursive: point.recursive,
        },
    };
    Ok(Mount { target: point.destination.clone().into(), source, access: access(point) })
}

fn access(point: &MountPoint) -> Access {
    match (point.writable, point.read_only_on_top) {
        (true, _) => Access::Writable,
        (false, true) => Access::ReadOnlyOnTop,
        (false, false) => Access::ReadOnly,
    }
}

/// Where what is mounted is on the host.
fn source_of(point: &MountPoint) -> Result<PathBuf> {
    let path = Path::new(&point.source);
    if !point.subpath.is_empty() {
        return source_in(path, &point.subpath);
    }
    if std::fs::symlink_metadata(path).is_ok() {
        return Ok(path.to_owned());
    }
    if point.make_source {
        let act = format!("error while creating mount source path '{}'", point.source);
        std::fs::create_dir_all(path).map_err(Error::file(act))?;
        return Ok(path.to_owned());
    }
    Err(Error::Invalid(match point.kind {
        MountKind::Volume => format!("the volume {} has lost its folder {}", point.name, point.source),
        _ => format!("invalid mount config for type \"bind\": bind source path does not exist: {}", point.source),
    }))
}

/// A folder in a volume. Whoever wrote into the volume may have put links there: none leads out of it. The runtime gets
/// its path and not a descriptor, which the kernel would not mount in another mount namespace.
fn source_in(volume: &Path, subpath: &str) -> Result<PathBuf> {
    let act = format!("failed to open subpath {subpath} of {}", volume.display());
    let open = |path: &Path, at: rustix::fd::BorrowedFd<'_>, resolve| {
        rustix::fs::openat2(at, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)
    };
    let top = open(volume, CWD, ResolveFlags::empty()).map_err(|errno| Error::file(act.clone())(errno.into()))?;
    use rustix::fd::AsFd;
    open(Path::new(subpath), top.as_fd(), ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS)
        .map_err(|errno| Error::file(act)(errno.into()))?;
    Ok(volume.join(subpath))
}

fn tmpfs_options(options: &TmpfsOptions) -> Vec<String> {
    let mut words = Vec::new();
    if options.size_bytes > 0 {
        words.push(format!("size={}", options.size_bytes));
    }
    if options.mode != 0 {
        words.push(format!("mode={:o}", options.mode & 0o7777));
    }
    words.extend(options.options.iter().flatten().map(|words| words.join("=")));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outer_mounts_come_before_inner_ones() {
        let points = [
            MountPoint::bind("/".into(), "/a/b/c".into()),
            MountPoint::tmpfs(TmpfsOptions { size_bytes: 4096, mode: 0o1777, options: None }, "/a".into()),
        ];
        let host = HostConfig { tmpfs: Some([("/a/b/".into(), "ro,size=1m".into())].into()), ..HostConfig::default() };
        let mounts = ready(&points, &host).unwrap();
        let targets: Vec<_> = mounts.iter().map(|mount| mount.target.display().to_string()).collect();
        assert_eq!(targets, ["/a", "/a/b", "/a/b/c"]);
        let options = vec!["size=4096".to_owned(), "mode=1777".to_owned()];
        assert_eq!(mounts[0].source, MountSource::Tmpfs { options });
    }

    #[test]
    fn a_missing_source_is_made_or_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/one");
        let mut point = MountPoint::bind(path.display().to_string(), "/x".into());
        let error = one(&point).unwrap_err().to_string();
        assert!(error.contains("bind source path does not exist: "), "{error}");
        point.make_source = true;
        one(&point).unwrap();
        assert!(path.is_dir());
    }

    #[test]
    fn a_subpath_does_not_lead_out_of_its_volume() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("volume/in")).unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("volume/out")).unwrap();
        let volume = folder.path().join("volume");
        assert_eq!(source_in(&volume, "in").unwrap(), volume.join("in"));
        assert!(source_in(&volume, "out").is_err());
        assert!(source_in(&volume, "none").is_err());
    }
}
