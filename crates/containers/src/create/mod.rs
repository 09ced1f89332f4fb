//! Making a container: checks in Docker's order, its name, its volumes and its root file system. All or nothing.

mod check;
mod defaults;
mod merge;
mod refuse;
mod resources;

pub(crate) use check::restart_policy;
pub(crate) use resources::check as check_resources;

use crate::container::{Container, Live};
use crate::containers::{Containers, Inner, record};
use crate::mounts::{self, Decided, MountPoint, Wish};
use crate::spec::{Config, HostConfig, MountKind, NetworkingConfig};
use crate::store::Change;
use crate::volumes::{ANONYMOUS, Volume};
use crate::{Definition, Error, Result, State, names, network};
use pontoon_types::ContainerId;
use std::sync::Arc;
use std::time::SystemTime;

/// A container to be made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewContainer {
    /// Its name; one is chosen when it is empty.
    pub name: String,
    /// `os[/arch[/variant]]`; empty when the client does not care.
    pub platform: String,
    /// What it runs.
    pub config: Config,
    /// What it gets of the host.
    pub host_config: HostConfig,
    /// Its networks.
    pub networking: NetworkingConfig,
}

/// A container that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedContainer {
    /// Its id.
    pub id: ContainerId,
    /// What will not be as asked for, in Docker's words.
    pub warnings: Vec<String>,
}

impl Containers {
    /// Makes a container, durably. On failure nothing of it is left.
    pub async fn create(&self, new: NewContainer) -> Result<CreatedContainer> {
        self.blocking(move |inner| inner.create(new)).await
    }
}

/// What is made for a container, to be taken back when making it fails.
#[derive(Default)]
struct Made {
    volumes: Vec<Volume>,
    changes: Vec<Change>,
}

impl Inner {
    fn create(self: &Arc<Self>, new: NewContainer) -> Result<CreatedContainer> {
        let NewContainer { name, platform, mut config, mut host_config, networking } = new;
        refuse::unsupported(&config, &host_config)?;
        check::config(&mut config)?;
        check::host(&host_config)?;
        defaults::fill(&mut host_config, &self.runtime.cgroups());
        let mut warnings = check_resources(&mut host_config, &self.runtime.cgroups())?;
        check::runtime(&host_config, &self.runtime.runtimes())?;
        self.join_namespaces(&mut host_config)?;
        let id = ContainerId::random();
        let request = network::Request { id, config: &mut config, host: &mut host_config, networking };
        let admitted = network::admit(request, self.core.as_ref(), self.as_ref())?;
        warnings.extend(admitted.warnings);
        let image = self.images.find(&config.image)?;
        check::platform(&platform, &image)?;
        merge::image(&mut config, &image.config);
        if config.entrypoint.is_empty() && config.cmd.is_empty() {
            return Err(Error::Invalid("no command specified".into()));
        }
        let inherited = self.inherited(&host_config)?;
        let decided = mounts::decide(Wish { config: &config, host: &host_config, inherited })?;
        let name = self.name_for(&name, id)?;
        let definition = Definition {
            id,
            name: name.clone(),
            created: SystemTime::now(),
            image: image.id,
            platform: image.os,
            config,
            host_config,
            endpoints: admitted.endpoints,
            links: admitted.links,
            mounts: Vec::new(),
        };
        let mut made = Made::default();
        match self.make(definition, decided, &mut made) {
            Ok(()) => Ok(CreatedContainer { id, warnings }),
            Err(error) => {
                let undone = self.unmake(id, made);
                self.free_name(&name);
                Err(error.with_undo(undone))
            }
        }
    }

    fn make(self: &Arc<Self>, mut definition: Definition, decided: Decided, made: &mut Made) -> Result<()> {
        let id = definition.id;
        definition.mounts = self.make_volumes(id, decided, made)?;
        self.images.create_rootfs(&id, &definition.image)?;
        self.fill_volumes(&definition)?;
        let folder = self.settings.containers.join(id.to_string());
        make_private_folder(&folder)?;
        let container = Arc::new(Container::new(definition, State::default()));
        let live = container.turn()?;
        let mut changes = std::mem::take(&mut made.changes);
        changes.push(Change::PutContainer(Box::new(record(&live))));
        self.keeper.now(changes)?;
        self.enter(container.clone());
        self.publish(&live.definition, "create", &[]);
        Ok(())
    }

    fn unmake(&self, id: ContainerId, made: Made) -> Vec<Error> {
        let mut failures = Vec::new();
        failures.extend(self.images.remove_rootfs(&id).err());
        self.volumes.release(id);
        for volume in made.volumes {
            failures.extend(self.unmake_volume(&volume.name).err());
        }
        failures.extend(self.remove_folder(id).err());
        failures
    }

    pub(crate) fn remove_folder(&self, id: ContainerId) -> Result<()> {
        let folder = self.settings.containers.join(id.to_string());
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::file(format!("remove {}", folder.display()))(error))
            }
            _ => Ok(()),
        }
    }

    /// The name asked for, or an invented one, held from now on.
    fn name_for(&self, name: &str, id: ContainerId) -> Result<String> {
        if !name.is_empty() {
            let name = names::check(name)?.to_owned();
            self.claim_name(&name, id)?;
            return Ok(name);
        }
        for tries in 0.. {
            let name = names::invent(&id, tries);
            if self.claim_name(&name, id).is_ok() {
                return Ok(name);
            }
        }
        Err(Error::Internal("there are no names left"))
    }

    /// Other containers are named by id from now on: names may change.
    fn join_namespaces(&self, host: &mut HostConfig) -> Result<()> {
        for mode in [&mut host.ipc_mode, &mut host.pid_mode] {
            if let Some(term) = mode.strip_prefix("container:") {
                *mode = format!("container:{}", self.find(term)?.id);
            }
        }
        Ok(())
    }

    /// Mounts of the containers in `VolumesFrom`.
    fn inherited(&self, host: &HostConfig) -> Result<Vec<(Vec<MountPoint>, bool)>> {
        let inherit = |text: &String| {
            let (term, mode) = text.rsplit_once(':').unwrap_or((text, ""));
            let read_only = match mode {
                "" | "rw" | "z" | "Z" | "rw,z" | "rw,Z" => false,
                "ro" | "ro,z" | "ro,Z" => true,
                mode => return Err(Error::Invalid(format!("invalid mode: {mode}"))),
            };
            if term.is_empty() {
                return Err(Error::Invalid(format!("invalid volumes-from specification: '{text}'")));
            }
            Ok((self.find(term)?.shown().definition.mounts.clone(), read_only))
        };
        host.volumes_from.iter().flatten().map(inherit).collect()
    }

    /// Makes the volumes that are not there yet, and notes that the container uses all of them.
    fn make_volumes(&self, id: ContainerId, decided: Decided, made: &mut Made) -> Result<Vec<MountPoint>> {
        let Decided { mut mounts, mut labels } = decided;
        for mount in mounts.iter_mut().filter(|mount| mount.kind == MountKind::Volume) {
            let mut labels = labels.remove(&mount.destination);
            if mount.name.is_empty() {
                mount.name = ContainerId::random().to_string();
                labels.get_or_insert_default().insert(ANONYMOUS.into(), String::new());
            }
            let volume = Volume { name: mount.name.clone(), created: SystemTime::now(), labels };
            let (volume, change) = self.make_volume(volume, Some(id))?;
            mount.source = self.volumes.data(&volume.name).display().to_string();
            if let Some(change) = change {
                made.volumes.push(volume);
                made.changes.push(change);
            }
        }
        Ok(mounts)
    }

    /// Empty volumes get what the image has at their places.
    fn fill_volumes(&self, definition: &Definition) -> Result<()> {
        let to_fill = |mount: &&MountPoint| mount.kind == MountKind::Volume && mount.copy && mount.subpath.is_empty();
        let volumes: Vec<&MountPoint> = definition.mounts.iter().filter(to_fill).collect();
        if volumes.is_empty() {
            return Ok(());
        }
        let root = self.images.mount_rootfs(&definition.id)?;
        let filled = volumes
            .into_iter()
            .try_for_each(|mount| mounts::populate(&root, &mount.destination, std::path::Path::new(&mount.source)));
        let unmounted = self.images.unmount_rootfs(&definition.id);
        filled.and(unmounted)
    }
}

fn make_private_folder(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o710).create(path);
    made.map_err(Error::file(format!("make {}", path.display())))
}

impl Live {
    /// Replaces the definition.
    pub(crate) fn redefine(&mut self, change: impl FnOnce(&mut Definition)) {
        change(Arc::make_mut(&mut self.definition));
    }
}
