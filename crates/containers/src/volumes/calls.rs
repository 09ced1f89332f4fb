//! Requests about volumes.

use super::{LOCAL, Volume, check_name, no_driver};
use crate::containers::{Containers, Inner};
use crate::store::Change;
use crate::{Error, Result};
use pontoon_types::{ContainerId, EventSubject};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

/// A volume as asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeRequest {
    /// Its name; empty picks one.
    pub name: String,
    /// Its driver; empty is `local`.
    pub driver: String,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: Option<BTreeMap<String, String>>,
}

/// A volume as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeView {
    /// It.
    pub volume: Volume,
    /// Its folder on the host.
    pub mountpoint: PathBuf,
    /// How many containers use it, running or not.
    pub users: usize,
}

/// Which volumes a prune removes, of those that nobody uses.
pub type PruneVolumes = dyn Fn(&Volume) -> bool + Send + Sync;

impl Containers {
    /// Every volume, sorted by name.
    pub fn volumes(&self) -> Vec<VolumeView> {
        self.0.volumes.all().into_iter().map(|(volume, users)| self.0.show_volume(volume, users)).collect()
    }

    /// The volume of this name.
    pub fn volume(&self, name: &str) -> Result<VolumeView> {
        let (volume, users) = self.0.volumes.get(name).ok_or_else(|| Error::NoVolume(name.to_owned()))?;
        Ok(self.0.show_volume(volume, users))
    }

    /// Makes a volume, durably. One of this name that is there already is told instead.
    pub async fn create_volume(&self, request: VolumeRequest) -> Result<VolumeView> {
        self.blocking(move |inner| inner.create_volume(request)).await
    }

    /// Removes a volume that nobody uses. With `force`, one that is not there is no error.
    pub async fn remove_volume(&self, name: &str, force: bool) -> Result<()> {
        let name = name.to_owned();
        self.blocking(move |inner| match inner.remove_volume(&name) {
            Err(Error::NoVolume(_)) if force => Ok(()),
            done => done,
        })
        .await
    }

    /// Removes the volumes that nobody uses and `wanted` picks; tells their names and how many bytes that gave back.
    pub async fn prune_volumes(&self, wanted: Box<PruneVolumes>) -> Result<(Vec<String>, u64)> {
        self.blocking(move |inner| inner.prune_volumes(&wanted)).await
    }

    /// Bytes of a volume's files.
    pub async fn volume_size(&self, name: &str) -> Result<u64> {
        let name = name.to_owned();
        self.blocking(move |inner| {
            inner.volumes.get(&name).ok_or_else(|| Error::NoVolume(name.clone()))?;
            Ok(size_of(&inner.volumes.data(&name)))
        })
        .await
    }
}

impl Inner {
    fn show_volume(&self, volume: Volume, users: usize) -> VolumeView {
        VolumeView { mountpoint: self.volumes.data(&volume.name), volume, users }
    }

    fn create_volume(&self, request: VolumeRequest) -> Result<VolumeView> {
        if !matches!(request.driver.as_str(), "" | LOCAL) {
            return Err(no_driver(&request.driver).during(format!("create {}", request.name)));
        }
        if let Some(option) = request.options.keys().next() {
            return Err(Error::NotSupported { what: format!("the option {option} of volumes (DriverOpts)") });
        }
        let name = match request.name {
            name if name.is_empty() => ContainerId::random().to_string(),
            name => check_name(&name).map(|()| name)?,
        };
        let volume = Volume { name: name.clone(), created: SystemTime::now(), labels: request.labels };
        let (volume, change) = self.make_volume(volume, None)?;
        if let Some(change) = change
            && let Err(error) = self.keeper.now(vec![change])
        {
            let undone = self.unmake_volume(&name).err().into_iter().collect();
            return Err(error.with_undo(undone));
        }
        let users = self.volumes.get(&name).map_or(0, |(_, users)| users);
        Ok(self.show_volume(volume, users))
    }

    /// Makes a volume unless there is one of this name; a new one must still be made durable.
    pub(crate) fn make_volume(&self, volume: Volume, user: Option<ContainerId>) -> Result<(Volume, Option<Change>)> {
        let (volume, new) = self.volumes.enter(volume, user)?;
        if !new {
            return Ok((volume, None));
        }
        if let Err(error) = self.volumes.make_folder(&volume.name) {
            self.volumes.forget(&volume.name);
            return Err(error);
        }
        self.core.events().publish(EventSubject::Volume, "create", volume.name.clone(), &[("driver", LOCAL)]);
        Ok((volume.clone(), Some(Change::PutVolume(volume))))
    }

    /// Takes back what [`Self::make_volume`] made.
    pub(crate) fn unmake_volume(&self, name: &str) -> Result<()> {
        self.volumes.forget(name);
        self.volumes.remove_folder(name)
    }

    pub(crate) fn remove_volume(&self, name: &str) -> Result<()> {
        let volume = self.volumes.take(name)?;
        // The record first: what a daemon that ends in between leaves behind is a stray, removed at the next start.
        let kept = self.keeper.now(vec![Change::DeleteVolume(name.to_owned())]);
        let removed = kept.and_then(|()| self.volumes.remove_folder(name));
        self.volumes.gone(volume, removed.is_ok());
        removed?;
        self.core.events().publish(EventSubject::Volume, "destroy", name.to_owned(), &[("driver", LOCAL)]);
        Ok(())
    }

    fn prune_volumes(self: &Arc<Self>, wanted: &PruneVolumes) -> Result<(Vec<String>, u64)> {
        if self.pruning.swap(true, Ordering::SeqCst) {
            return Err(Error::PruneRunning);
        }
        let (mut names, mut bytes) = (Vec::new(), 0);
        for (volume, _) in self.volumes.all().into_iter().filter(|(volume, users)| *users == 0 && wanted(volume)) {
            let size = size_of(&self.volumes.data(&volume.name));
            match self.remove_volume(&volume.name) {
                Ok(()) => {
                    bytes += size;
                    names.push(volume.name);
                }
                Err(error) => tracing::warn!(volume = volume.name, %error, "could not be pruned"),
            }
        }
        self.pruning.store(false, Ordering::SeqCst);
        self.core.events().publish(
            EventSubject::Volume,
            "prune",
            String::new(),
            &[("reclaimed", bytes.to_string().as_str())],
        );
        Ok((names, bytes))
    }
}

/// Bytes of all files below `folder`; what goes meanwhile or cannot be read does not count.
fn size_of(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(std::result::Result::ok);
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => size_of(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}
