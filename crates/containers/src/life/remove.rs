//! Removing a container with everything it has.

use super::kill::{DEATH, ended_within};
use crate::container::{Container, Live};
use crate::containers::{Containers, Inner};
use crate::signal::SIGKILL;
use crate::store::Change;
use crate::volumes::Volume;
use crate::{Error, Result, Status};
use pontoon_types::EventSubject;
use std::sync::Arc;

/// How to remove a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoveWish {
    /// Also one that runs.
    pub force: bool,
    /// Its anonymous volumes too.
    pub volumes: bool,
}

impl Containers {
    /// Removes a container. One that cannot be removed wholly is dead, and can be removed again.
    pub async fn remove(&self, term: &str, wish: RemoveWish) -> Result<()> {
        let container = self.0.find(term)?;
        self.request(move |inner| async move { inner.remove(&container, wish).await }).await
    }
}

impl Inner {
    async fn remove(self: &Arc<Self>, container: &Arc<Container>, wish: RemoveWish) -> Result<()> {
        if container.shown().state.status == Status::Removing {
            return Err(Error::Going(container.id.to_string()));
        }
        loop {
            let own = container.clone();
            match self.blocking(move |inner| inner.remove_stopped(&own, wish.volumes)).await {
                // Somebody may start it again in between.
                Err(Error::RemoveLiving { .. }) if wish.force => self.end_for_removal(container).await?,
                done => return done,
            }
        }
    }

    async fn end_for_removal(self: &Arc<Self>, container: &Arc<Container>) -> Result<()> {
        let mut progress = container.progress();
        let before = progress.borrow().exits;
        let own = container.clone();
        match self.blocking(move |inner| inner.signal(&own, SIGKILL)).await {
            Err(Error::NotRunning(_)) => return Ok(()),
            done => done?,
        }
        if ended_within(&mut progress, before, Some(DEATH)).await {
            return Ok(());
        }
        let name = container.name();
        Err(Error::Conflict(format!("cannot remove container \"/{name}\": could not kill container")))
    }

    /// Removes a container that does not run.
    pub(crate) fn remove_stopped(self: &Arc<Self>, container: &Arc<Container>, volumes: bool) -> Result<()> {
        if container.shown().state.status == Status::Removing {
            return Err(Error::Going(container.id.to_string()));
        }
        let mut live = container.turn()?;
        let name = live.definition.name.clone();
        let refuse = |why| Err(Error::RemoveLiving { name: name.clone(), why });
        match live.state.status {
            Status::Running => {
                return refuse("container is running: stop the container before removing or force remove");
            }
            Status::Paused => return refuse("container is paused and must be unpaused first"),
            Status::Restarting => {
                return refuse("container is restarting: stop the container before removing or force remove");
            }
            Status::Created | Status::Exited | Status::Dead | Status::Removing => {}
        }
        live.state.status = Status::Removing;
        container.show(&live);
        match self.take_apart(container, &mut live, volumes) {
            Ok(()) => Ok(()),
            Err(error) => {
                live.state.status = Status::Dead;
                live.state.error = pontoon_types::chain(&error);
                container.show(&live);
                Err(error)
            }
        }
    }

    /// The record goes first: what a daemon that ends in between leaves behind is nobody's, and goes at the next start.
    fn take_apart(&self, container: &Container, live: &mut Live, volumes: bool) -> Result<()> {
        let id = container.id;
        self.volumes.release(id);
        let going = if volumes { self.take_own_volumes(live) } else { Vec::new() };
        let mut changes = vec![Change::DeleteContainer(id)];
        changes.extend(going.iter().map(|volume| Change::DeleteVolume(volume.name.clone())));
        if let Err(error) = self.keeper.now(changes) {
            for volume in going {
                self.volumes.gone(volume, false);
            }
            for mount in &live.definition.mounts {
                self.volumes.use_by(&mount.name, id);
            }
            return Err(error);
        }
        let mut failures = self.clear_up(&live.definition);
        failures.extend(self.images.remove_rootfs(&id).err());
        failures.extend(self.remove_folder(id).err());
        failures.extend(self.states.delete(id).err().map(Error::from));
        for volume in going {
            failures.extend(self.drop_volume(volume).err());
        }
        if !failures.is_empty() {
            let first = failures.remove(0);
            return Err(first
                .with_undo(failures)
                .during(format!("cannot remove container \"/{}\"", live.definition.name)));
        }
        self.execs.forget_all(id);
        live.removed = true;
        self.forget(container);
        self.publish(&live.definition, "destroy", &[]);
        // Nobody can have the streams of a run that never comes.
        drop(container.take_attaching());
        container.tell(live, false);
        Ok(())
    }

    /// Volumes that were made for this container and that nobody else uses.
    fn take_own_volumes(&self, live: &Live) -> Vec<Volume> {
        let own = live.definition.mounts.iter().filter(|mount| mount.anonymous);
        own.filter_map(|mount| self.volumes.take(&mount.name).ok()).collect()
    }

    fn drop_volume(&self, volume: Volume) -> Result<()> {
        let removed = self.volumes.remove_folder(&volume.name);
        let name = volume.name.clone();
        self.volumes.gone(volume, removed.is_ok());
        removed?;
        self.core.events().publish(EventSubject::Volume, "destroy", name, &[("driver", crate::volumes::LOCAL)]);
        Ok(())
    }
}
