//! Which mounts a container gets: `--volumes-from`, then binds, then the long form, then the image's volumes.

use super::point::clean;
use super::{MountPoint, bind, long};
use crate::spec::{Config, HostConfig, MountKind};
use crate::{Error, Result};
use std::collections::{BTreeMap, HashSet};

/// What is asked for.
pub(crate) struct Wish<'a> {
    /// Settings joined with the image's.
    pub config: &'a Config,
    /// Settings of this host.
    pub host: &'a HostConfig,
    /// Mounts of the containers named by `VolumesFrom`, each with whether it is to be read only.
    pub inherited: Vec<(Vec<MountPoint>, bool)>,
}

/// What it comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Decided {
    /// Mounts by destination; volumes without a name are still to be made.
    pub mounts: Vec<MountPoint>,
    /// Labels for volumes that are made, by destination.
    pub labels: BTreeMap<String, BTreeMap<String, String>>,
}

/// Decides all mounts. Two for one place are an error, except that nearer ones replace inherited ones.
pub(crate) fn decide(wish: Wish<'_>) -> Result<Decided> {
    let mut found: BTreeMap<String, MountPoint> = BTreeMap::new();
    for (mounts, read_only) in wish.inherited {
        for mount in mounts {
            let writable = mount.writable && !read_only;
            let inherited = MountPoint { writable, copy: false, anonymous: false, ..mount };
            found.insert(inherited.destination.clone(), inherited);
        }
    }
    let tmpfs = wish.host.tmpfs.iter().flatten().map(|(path, _)| clean(path));
    let mut taken: HashSet<String> = tmpfs.collect();
    let mut decided = Decided::default();
    let own = own(wish.host, &mut decided.labels)?;
    for mount in own {
        if !taken.insert(mount.destination.clone()) {
            return Err(Error::Invalid(format!("Duplicate mount point: {}", mount.destination)));
        }
        found.insert(mount.destination.clone(), mount);
    }
    for (path, _) in wish.config.volumes.iter().flat_map(|volumes| volumes.iter()) {
        let destination = clean(path);
        if destination == "/" || !path.starts_with('/') {
            return Err(Error::Invalid(format!("invalid volume specification: '{path}'")));
        }
        if !taken.contains(&destination) && !found.contains_key(&destination) {
            found.insert(destination.clone(), MountPoint::volume(String::new(), destination));
        }
    }
    decided.mounts = found.into_values().collect();
    Ok(decided)
}

fn own(host: &HostConfig, labels: &mut BTreeMap<String, BTreeMap<String, String>>) -> Result<Vec<MountPoint>> {
    let mut own = Vec::new();
    for text in host.binds.iter().flatten() {
        let mut point = bind::parse(text)?;
        // As Docker shows it.
        if point.kind == MountKind::Volume && point.mode.is_empty() {
            point.mode = "z".into();
        }
        own.push(point);
    }
    for mount in host.mounts.iter().flatten() {
        let mut point = long::read(mount)?;
        if point.kind == MountKind::Volume {
            point.mode = "z".into();
        }
        if let Some(given) = mount.volume_options.as_ref().and_then(|options| options.labels.clone()) {
            labels.insert(point.destination.clone(), given);
        }
        own.push(point);
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{EmptyObject, Mount};
    use pontoon_types::Ordered;

    fn host(binds: &[&str]) -> HostConfig {
        let binds = binds.iter().map(|bind| (*bind).to_owned()).collect();
        HostConfig { binds: Some(binds), ..HostConfig::default() }
    }

    fn decided(config: &Config, host: &HostConfig, inherited: Vec<(Vec<MountPoint>, bool)>) -> Result<Vec<MountPoint>> {
        decide(Wish { config, host, inherited }).map(|decided| decided.mounts)
    }

    #[test]
    fn a_place_is_mounted_once() {
        let error = decided(&Config::default(), &host(&["/a:/x", "vol:/x/"]), Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "Duplicate mount point: /x");
        let tmpfs = Some([("/x".to_owned(), String::new())].into());
        let both = HostConfig { tmpfs, ..host(&["/a:/x"]) };
        assert_eq!(
            decided(&Config::default(), &both, Vec::new()).unwrap_err().to_string(),
            "Duplicate mount point: /x"
        );
    }

    #[test]
    fn volumes_of_the_image_are_anonymous_unless_something_is_there() {
        let volumes = Ordered(vec![("/data".to_owned(), EmptyObject {}), ("/x".to_owned(), EmptyObject {})]);
        let config = Config { volumes: Some(volumes), ..Config::default() };
        let mounts = decided(&config, &host(&["/a:/x"]), Vec::new()).unwrap();
        assert_eq!(mounts.len(), 2);
        assert!(mounts[0].anonymous && mounts[0].copy && mounts[0].destination == "/data");
        assert_eq!(mounts[1].kind, MountKind::Bind);
    }

    #[test]
    fn inherited_mounts_give_way_and_may_become_read_only() {
        let theirs = vec![bind::parse("/their:/x").unwrap(), bind::parse("vol:/y").unwrap()];
        let mounts = decided(&Config::default(), &host(&["/own:/x"]), vec![(theirs, true)]).unwrap();
        assert_eq!((mounts[0].source.as_str(), mounts[0].writable), ("/own", true));
        assert_eq!((mounts[1].name.as_str(), mounts[1].writable, mounts[1].copy), ("vol", false, false));
    }

    #[test]
    fn labels_of_new_volumes_are_kept_apart() {
        let options = crate::spec::VolumeOptions {
            labels: Some([("a".to_owned(), "b".to_owned())].into()),
            ..Default::default()
        };
        let mount =
            Mount { kind: "volume".into(), target: "/v".into(), volume_options: Some(options), ..Mount::default() };
        let host = HostConfig { mounts: Some(vec![mount]), ..HostConfig::default() };
        let decided = decide(Wish { config: &Config::default(), host: &host, inherited: Vec::new() }).unwrap();
        assert_eq!(decided.labels["/v"]["a"], "b");
    }
}
