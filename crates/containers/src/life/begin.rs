//! The daemon comes: definitions are read, what runs is looked after again, what should run is started, what is
//! nobody's goes.

use super::adopt::Found;
use super::others::donor_of;
use super::start::Why;
use crate::container::Container;
use crate::containers::{Containers, Inner};
use crate::spec::MountKind;
use crate::{Result, network};
use pontoon_types::ContainerId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begun {
    /// Containers there are.
    pub containers: usize,
    /// Those that run and were left running.
    pub running: usize,
    /// Those that are being started now.
    pub starting: usize,
}

impl Containers {
    /// Finds out what became of the containers, and starts those that should run; that goes on by itself. To be called
    /// once, when the core has started and before requests come.
    pub async fn begin(&self) -> Result<Begun> {
        let (begun, starts) = self.0.blocking(Inner::bring_back).await?;
        let inner = self.0.clone();
        self.0.supervisors.spawn_on(async move { inner.start_all(starts).await }, &self.0.tasks);
        Ok(begun)
    }
}

type Starts = Vec<Arc<Container>>;

impl Inner {
    fn bring_back(self: &Arc<Self>) -> Result<(Begun, Starts)> {
        self.read_definitions()?;
        self.sweep();
        let (mut begun, mut starts) = (Begun::default(), Vec::new());
        for container in self.all() {
            begun.containers += 1;
            match self.adopt(&container) {
                Ok(Found::Runs) => begun.running += 1,
                Ok(Found::Starts) => starts.push(container),
                Ok(Found::Rests) => {}
                Ok(Found::Goes) => self.remove_quietly(&container),
                Err(error) => {
                    let error = pontoon_types::chain(&error);
                    tracing::error!(container = %container.id.short(), error, "what became of it is not known");
                }
            }
        }
        self.sweep_networking();
        begun.starting = starts.len();
        Ok((begun, starts))
    }

    fn read_definitions(&self) -> Result<()> {
        let (states, broken) = self.states.all()?;
        for error in broken {
            tracing::warn!(error = %pontoon_types::chain(&error), "a state cannot be read; what is on disk counts");
        }
        let mut states: BTreeMap<ContainerId, crate::State> = states.into_iter().collect();
        for record in self.keeper.definitions().containers()? {
            let id = record.definition.id;
            // What was noted since the machine started is newer than what is on disk.
            let state = states.remove(&id).unwrap_or(record.state);
            for mount in record.definition.mounts.iter().filter(|mount| mount.kind == MountKind::Volume) {
                self.volumes.use_by(&mount.name, id);
            }
            // Names are unique since they were given.
            if let Err(error) = self.claim_name(&record.definition.name, id) {
                tracing::error!(%error, "two containers of one name");
            }
            self.enter(Arc::new(Container::new(record.definition, state)));
        }
        for id in states.into_keys() {
            let _ = self.states.delete(id);
        }
        Ok(())
    }

    /// Removes what belongs to no container: a daemon ended while it made or removed one.
    fn sweep(&self) {
        let known: BTreeSet<ContainerId> = self.all().iter().map(|container| container.id).collect();
        let strays = |ids: Result<Vec<ContainerId>>| {
            let ids =
                ids.inspect_err(|error| tracing::warn!(error = %pontoon_types::chain(error), "cannot look for strays"));
            ids.unwrap_or_default().into_iter().filter(|id| !known.contains(id)).collect::<Vec<_>>()
        };
        let mut failures = Vec::new();
        for id in strays(self.runtime.all().map_err(Into::into)) {
            failures.extend(self.runtime.delete(&id).err().map(crate::Error::from));
        }
        for id in strays(self.images.rootfs_owners()) {
            failures.extend(self.images.remove_rootfs(&id).err());
        }
        for id in strays(self.folders()) {
            failures.extend(self.remove_folder(id).err());
        }
        for path in self.volumes.strays() {
            let removed = std::fs::remove_dir_all(&path);
            failures.extend(removed.map_err(crate::Error::file(format!("remove {}", path.display()))).err());
        }
        for error in failures {
            tracing::warn!(error = %pontoon_types::chain(&error), "a stray could not be removed");
        }
    }

    fn folders(&self) -> Result<Vec<ContainerId>> {
        let entries = std::fs::read_dir(&self.settings.containers).into_iter().flatten().flatten();
        Ok(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
    }

    /// Sandboxes of containers that do not run.
    fn sweep_networking(&self) {
        for sandbox in self.core.sandboxes().into_iter().filter(|sandbox| sandbox.record.is_container()) {
            let Ok(id) = sandbox.record.id.to_string().parse::<ContainerId>() else { continue };
            let runs = Self::find(self, &id.to_string()).is_ok_and(|container| container.shown().state.has_process());
            if !runs && let Err(error) = network::stop(&self.core, id) {
                tracing::warn!(container = %id.short(), %error, "networking of a container that does not run stays");
            }
        }
    }

    fn remove_quietly(self: &Arc<Self>, container: &Arc<Container>) {
        if let Err(error) = self.remove_ended(container, true) {
            let error = pontoon_types::chain(&error);
            tracing::warn!(container = %container.id.short(), error, "could not be removed");
        }
    }

    /// Starts containers side by side; those that share another's namespace or link to one after all others.
    async fn start_all(self: Arc<Self>, starts: Starts) {
        let shares = |container: &Arc<Container>| {
            let shown = container.shown();
            let host = &shown.definition.host_config;
            let modes = [&host.network_mode, &host.pid_mode, &host.ipc_mode];
            !shown.definition.links.is_empty() || modes.into_iter().any(|mode| donor_of(mode).is_some())
        };
        let (guests, hosts): (Starts, Starts) = starts.into_iter().partition(shares);
        for wave in [hosts, guests] {
            let mut tasks = tokio::task::JoinSet::new();
            for container in wave {
                let own = self.clone();
                tasks.spawn(async move { own.start_again(container).await });
            }
            while tasks.join_next().await.is_some() {}
        }
    }

    async fn start_again(self: Arc<Self>, container: Arc<Container>) {
        if self.closing.is_cancelled() {
            return;
        }
        let id = container.id;
        if let Err(error) = self.start(container, Why::Asked).await {
            tracing::error!(container = %id.short(), error = %pontoon_types::chain(&error), "could not be started");
        }
    }
}
