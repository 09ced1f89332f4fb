//! Mounts in the long form: Docker's `Mount`, checked. Looks only whether a bind's source exists.

use super::MountPoint;
use super::point::clean;
use crate::spec::{Mount, TmpfsOptions};
use crate::{Error, Result};
use pontoon_runtime::Propagation;

/// Reads one of `HostConfig.Mounts`.
pub(super) fn read(mount: &Mount) -> Result<MountPoint> {
    let invalid = |why: String| Error::Invalid(format!("invalid mount config for type \"{}\": {why}", mount.kind));
    if matches!(mount.kind.as_str(), "image" | "cluster" | "npipe") {
        return Err(Error::NotSupported { what: format!("a mount of type {} (HostConfig.Mounts)", mount.kind) });
    }
    if !matches!(mount.kind.as_str(), "bind" | "volume" | "tmpfs") {
        return Err(Error::Invalid(format!("mount type unknown: \"{}\"", mount.kind)));
    }
    if mount.target.is_empty() {
        return Err(invalid("field Target must not be empty".into()));
    }
    if !mount.target.starts_with('/') {
        return Err(invalid(format!("invalid mount path: '{}' mount path must be absolute", mount.target)));
    }
    let destination = clean(&mount.target);
    if destination == "/" {
        return Err(invalid("invalid specification: destination can't be '/'".into()));
    }
    foreign_options(mount).map_or(Ok(()), |field| Err(invalid(format!("field {field} must not be specified"))))?;
    let point = match mount.kind.as_str() {
        "bind" => bind(mount, destination).map_err(invalid)?,
        "volume" => volume(mount, destination, invalid)?,
        _ => tmpfs(mount, destination).map_err(invalid)?,
    };
    Ok(MountPoint { writable: !mount.read_only, ..point })
}

fn foreign_options(mount: &Mount) -> Option<&'static str> {
    let given = [
        ("bind", mount.bind_options.is_some(), "BindOptions"),
        ("volume", mount.volume_options.is_some(), "VolumeOptions"),
        ("tmpfs", mount.tmpfs_options.is_some(), "TmpfsOptions"),
        ("image", mount.image_options.is_some(), "ImageOptions"),
        ("cluster", mount.cluster_options.is_some(), "ClusterOptions"),
    ];
    given.into_iter().find(|(kind, given, _)| *given && *kind != mount.kind).map(|(_, _, field)| field)
}

fn bind(mount: &Mount, destination: String) -> std::result::Result<MountPoint, String> {
    let options = mount.bind_options.clone().unwrap_or_default();
    if mount.source.is_empty() {
        return Err("field Source must not be empty".into());
    }
    if !mount.source.starts_with('/') {
        return Err(format!("invalid mount path: '{}' mount path must be absolute", mount.source));
    }
    let propagation = Propagation::from_word(&options.propagation)
        .ok_or_else(|| format!("invalid propagation mode: {}", options.propagation))?;
    if (options.read_only_non_recursive || options.read_only_force_recursive) && !mount.read_only {
        return Err("read-only options are for read-only mounts".into());
    }
    if options.read_only_force_recursive && options.read_only_non_recursive {
        return Err("ReadOnlyForceRecursive and ReadOnlyNonRecursive contradict each other".into());
    }
    let source = clean(&mount.source);
    if !options.create_mountpoint && std::fs::symlink_metadata(&source).is_err() {
        return Err(format!("bind source path does not exist: {source}"));
    }
    Ok(MountPoint {
        propagation: propagation.word().into(),
        recursive: !options.non_recursive,
        make_source: options.create_mountpoint,
        read_only_on_top: options.read_only_non_recursive,
        ..MountPoint::bind(source, destination)
    })
}

fn volume(mount: &Mount, destination: String, invalid: impl Fn(String) -> Error) -> Result<MountPoint> {
    let options = mount.volume_options.clone().unwrap_or_default();
    if mount.source.is_empty() && mount.read_only {
        return Err(invalid("must not set ReadOnly mode when using anonymous volumes".into()));
    }
    if !mount.source.is_empty() {
        crate::volumes::check_name(&mount.source)?;
    }
    let subpath = std::path::Path::new(&options.subpath);
    let inside = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    if !options.subpath.is_empty() && !subpath.components().all(inside) {
        return Err(invalid("subpath must be a relative path within the volume".into()));
    }
    if let Some(driver) = &options.driver_config {
        if !matches!(driver.name.as_str(), "" | "local") {
            return Err(crate::volumes::no_driver(&driver.name));
        }
        if driver.options.as_ref().is_some_and(|options| !options.is_empty()) {
            return Err(Error::NotSupported { what: "VolumeOptions.DriverConfig.Options".into() });
        }
    }
    let copy = !options.no_copy;
    Ok(MountPoint { copy, subpath: options.subpath, ..MountPoint::volume(mount.source.clone(), destination) })
}

fn tmpfs(mount: &Mount, destination: String) -> std::result::Result<MountPoint, String> {
    if !mount.source.is_empty() {
        return Err("field Source must not be specified".into());
    }
    let options: TmpfsOptions = mount.tmpfs_options.clone().unwrap_or_default();
    if options.size_bytes < 0 {
        return Err("SizeBytes must not be negative".into());
    }
    Ok(MountPoint::tmpfs(options, destination))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{BindOptions, MountKind, VolumeOptions};

    fn mount(kind: &str, source: &str, target: &str) -> Mount {
        Mount { kind: kind.into(), source: source.into(), target: target.into(), ..Mount::default() }
    }

    #[test]
    fn mounts_are_read() {
        let bind = read(&Mount { read_only: true, ..mount("bind", "/", "/host") }).unwrap();
        assert_eq!((bind.kind, bind.writable, bind.make_source), (MountKind::Bind, false, false));
        let options = VolumeOptions { no_copy: true, subpath: "a/b".into(), ..VolumeOptions::default() };
        let volume = read(&Mount { volume_options: Some(options), ..mount("volume", "vol", "/v") }).unwrap();
        assert_eq!((volume.name.as_str(), volume.copy, volume.subpath.as_str()), ("vol", false, "a/b"));
        assert_eq!(read(&mount("tmpfs", "", "/t")).unwrap().kind, MountKind::Tmpfs);
        let make = Some(BindOptions { create_mountpoint: true, ..BindOptions::default() });
        assert!(read(&Mount { bind_options: make, ..mount("bind", "/no/such/path", "/x") }).unwrap().make_source);
    }

    #[test]
    fn what_is_no_mount_is_told_in_dockers_words() {
        let up = VolumeOptions { subpath: "../x".into(), ..VolumeOptions::default() };
        for (mount, error) in [
            (mount("nope", "a", "/b"), "mount type unknown: \"nope\""),
            (mount("bind", "/a", ""), "invalid mount config for type \"bind\": field Target must not be empty"),
            (mount("bind", "", "/a"), "invalid mount config for type \"bind\": field Source must not be empty"),
            (
                mount("bind", "/no/such/path", "/a"),
                "invalid mount config for type \"bind\": bind source path does not exist: /no/such/path",
            ),
            (mount("tmpfs", "x", "/a"), "invalid mount config for type \"tmpfs\": field Source must not be specified"),
            (
                Mount { bind_options: Some(BindOptions::default()), ..mount("volume", "vol", "/a") },
                "invalid mount config for type \"volume\": field BindOptions must not be specified",
            ),
            (
                Mount { volume_options: Some(up), ..mount("volume", "vol", "/a") },
                "invalid mount config for type \"volume\": subpath must be a relative path within the volume",
            ),
        ] {
            assert_eq!(read(&mount).unwrap_err().to_string(), error);
        }
        let error = read(&mount("image", "x", "/a")).unwrap_err();
        assert!(matches!(error, Error::NotSupported { .. }), "{error}");
    }
}
