//! The real runtime: `crun` or `runc` under `conmon`.
//!
//! Owns: the exec root's folders of containers and the programs that are started. Nothing is remembered in memory but
//! which connections must stay open, so that a daemon that was killed finds everything again. No file here is synced:
//! the exec root dies with the host.

mod attach;
mod cgroup;
mod create;
mod delete;
mod exec;
mod filter;
mod folder;
mod host;
mod life;
mod monitor;
mod oci;
mod process;
mod rotate;
mod runtime;
mod settings;
mod stats;
mod top;

pub use settings::Settings;

use crate::{CgroupVersion, Error, Result};
use cgroup::Group;
use folder::{Folder, Record};
use pontoon_types::ContainerId;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Containers under `conmon`.
#[derive(Debug)]
pub struct Conmon {
    settings: Settings,
    host: host::Groups,
    /// Connections whose end the monitor would take for the end of standard input.
    kept: Mutex<HashMap<ContainerId, Vec<OwnedFd>>>,
    rotating: rotate::Rotating,
    filters: filter::Filters,
}

impl Conmon {
    /// Looks at the host and makes the folders. Programs that are missing are no error before they are needed.
    pub fn new(settings: Settings) -> Result<Self> {
        let conmon = Self {
            host: host::groups(host::CGROUP_ROOT.as_ref()),
            settings,
            kept: Mutex::default(),
            rotating: rotate::Rotating::default(),
            filters: filter::Filters::default(),
        };
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        for folder in [conmon.root(), conmon.sockets()] {
            builder.recursive(true).create(&folder).map_err(|cause| Error::File {
                act: "create",
                path: folder.clone(),
                cause,
            })?;
        }
        for id in folder::all(&conmon.root())? {
            let folder = conmon.folder(&id);
            if let Some(rotation) = folder.record().and_then(|record| record.rotation) {
                conmon.rotating.add(id, folder, rotation);
            }
        }
        Ok(conmon)
    }

    /// Where the containers' folders are.
    fn root(&self) -> PathBuf {
        self.settings.exec_root.join("containers")
    }

    /// Where monitors put sockets: their path must be short.
    fn sockets(&self) -> PathBuf {
        self.settings.exec_root.join("tty")
    }

    fn folder(&self, id: &ContainerId) -> Folder {
        Folder::new(self.root().join(id.to_string()), id)
    }

    /// The record of a container that was made.
    fn record(&self, id: &ContainerId) -> Result<(Folder, Record)> {
        let folder = self.folder(id);
        let record = folder.record().ok_or_else(|| Error::NoSuchContainer { id: id.to_string() })?;
        Ok((folder, record))
    }

    /// The record of a container that has not ended.
    fn living(&self, id: &ContainerId) -> Result<(Folder, Record)> {
        let (folder, record) = self.record(id)?;
        if folder.exit().is_some() || !record.monitor.lives() {
            return Err(Error::NotRunning { id: id.to_string() });
        }
        Ok((folder, record))
    }

    fn group(&self, record: &Record) -> Option<Group> {
        record.cgroup.as_deref().map(|path| Group::new(self.host.cgroups.version, path))
    }

    /// Whether what is asked for can be done with control groups at all.
    fn has_groups(&self) -> bool {
        self.host.cgroups.version != CgroupVersion::None
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<ContainerId, Vec<OwnedFd>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
