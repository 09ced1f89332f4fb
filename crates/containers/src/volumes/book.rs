//! Which volumes exist, and which containers use them.

use super::Volume;
use crate::{Error, Result};
use pontoon_types::ContainerId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct Entries {
    volumes: BTreeMap<String, Volume>,
    users: BTreeMap<String, BTreeSet<ContainerId>>,
    /// Names of volumes whose folders are being removed.
    going: BTreeSet<String>,
}

/// The volumes in memory.
pub(crate) struct VolumeBook {
    root: PathBuf,
    entries: Mutex<Entries>,
}

impl VolumeBook {
    /// The volumes that are known already, with folders below `root`.
    pub fn new(root: PathBuf, volumes: Vec<Volume>) -> Self {
        let volumes = volumes.into_iter().map(|volume| (volume.name.clone(), volume)).collect();
        Self { root, entries: Mutex::new(Entries { volumes, ..Entries::default() }) }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of everything about a volume.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The folder that containers see.
    pub fn data(&self, name: &str) -> PathBuf {
        self.folder(name).join("_data")
    }

    /// Every volume with the number of its users.
    pub fn all(&self) -> Vec<(Volume, usize)> {
        let entries = self.entries();
        entries.volumes.values().map(|volume| (volume.clone(), entries.users_of(&volume.name).len())).collect()
    }

    /// One volume with the number of its users.
    pub fn get(&self, name: &str) -> Option<(Volume, usize)> {
        let entries = self.entries();
        entries.volumes.get(name).map(|volume| (volume.clone(), entries.users_of(name).len()))
    }

    /// Enters `volume` if its name is free; tells the one that has the name, and whether it is new. `user` uses it from
    /// now on. A volume that is being removed is in the way.
    pub fn enter(&self, volume: Volume, user: Option<ContainerId>) -> Result<(Volume, bool)> {
        let mut entries = self.entries();
        let name = volume.name.clone();
        if entries.going.contains(&name) {
            return Err(Error::Conflict(format!("create {name}: the volume is being removed")));
        }
        if let Some(user) = user {
            entries.users.entry(name.clone()).or_default().insert(user);
        }
        if let Some(there) = entries.volumes.get(&name) {
            return Ok((there.clone(), false));
        }
        entries.volumes.insert(name, volume.clone());
        Ok((volume, true))
    }

    /// Notes that a container uses a volume.
    pub fn use_by(&self, name: &str, user: ContainerId) {
        self.entries().users.entry(name.to_owned()).or_default().insert(user);
    }

    /// A container uses nothing any more.
    pub fn release(&self, user: ContainerId) {
        let mut entries = self.entries();
        entries.users.retain(|_, users| {
            users.remove(&user);
            !users.is_empty()
        });
    }

    /// Takes a volume that nobody uses out of the book. It is in nobody's way any more once [`Self::gone`] is called.
    pub fn take(&self, name: &str) -> Result<Volume> {
        let mut entries = self.entries();
        let users = entries.users_of(name);
        if !users.is_empty() {
            let users: Vec<String> = users.iter().map(ToString::to_string).collect();
            return Err(Error::Conflict(format!("remove {name}: volume is in use - [{}]", users.join(", "))));
        }
        let volume = entries.volumes.remove(name).ok_or_else(|| Error::NoVolume(name.to_owned()))?;
        entries.going.insert(name.to_owned());
        Ok(volume)
    }

    /// The volume that was taken is gone, or, when it could not be removed, back.
    pub fn gone(&self, volume: Volume, removed: bool) {
        let mut entries = self.entries();
        entries.going.remove(&volume.name);
        if !removed {
            entries.volumes.insert(volume.name.clone(), volume);
        }
    }

    /// Forgets a volume that could not be made.
    pub fn forget(&self, name: &str) {
        self.entries().volumes.remove(name);
    }

    /// Makes the folder of a volume; where it is already, that is no error.
    pub fn make_folder(&self, name: &str) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        let act = || format!("make the folder of volume {name}");
        // Others than root only get at what a container mounts.
        let mut folder = std::fs::DirBuilder::new();
        folder.recursive(true).mode(0o701).create(self.folder(name)).map_err(Error::file(act()))?;
        let mut data = std::fs::DirBuilder::new();
        data.recursive(true).mode(0o755).create(self.data(name)).map_err(Error::file(act()))
    }

    /// Removes the folder of a volume with everything in it; where there is none, that is no error.
    pub fn remove_folder(&self, name: &str) -> Result<()> {
        match std::fs::remove_dir_all(self.folder(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::file(format!("remove the folder of volume {name}"))(error))
            }
            _ => Ok(()),
        }
    }

    /// Folders of volumes that nobody was promised: a daemon that ended while it made or removed them.
    pub fn strays(&self) -> Vec<PathBuf> {
        let entries = self.entries();
        let folders = std::fs::read_dir(&self.root).into_iter().flatten().filter_map(std::result::Result::ok);
        let known = |path: &Path| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| entries.volumes.contains_key(name))
        };
        folders.map(|entry| entry.path()).filter(|path| !known(path)).collect()
    }
}

impl Entries {
    fn users_of(&self, name: &str) -> BTreeSet<ContainerId> {
        self.users.get(name).cloned().unwrap_or_default()
    }
}
