//! Bringing a container's process up: root, mounts, networking, process. On failure nothing of it is left.

use crate::container::Container;
use crate::containers::Inner;
use crate::network::{self, Joined};
use crate::{Definition, Error, Result, mounts, plan};
use std::path::PathBuf;

/// What a start has made.
pub(super) struct Launched {
    /// The first process.
    pub pid: u32,
    /// What networking gave.
    pub joined: Joined,
}

impl Inner {
    /// Everything between a container that does not run and one that does.
    pub(super) fn launch(&self, container: &Container, definition: &Definition) -> Result<Launched> {
        let id = definition.id;
        // What a run may have left whose end was not cleared up wholly, or whose start was cut off.
        self.runtime.delete(&id)?;
        let rootfs = self.images.mount_rootfs(&id)?;
        self.launch_on(container, definition, rootfs)
            .map_err(|error| error.with_undo(self.images.unmount_rootfs(&id).err().into_iter().collect()))
    }

    fn launch_on(&self, container: &Container, definition: &Definition, rootfs: PathBuf) -> Result<Launched> {
        let mounts = mounts::ready(&definition.mounts, &definition.host_config)?;
        let donors = self.donors(definition.id, &definition.host_config)?;
        let joined = network::start(&self.core, &definition.for_network(), self, self.settings.link_variables)?;
        let ready = plan::Ready { rootfs, mounts, joined: &joined, donors };
        match plan::plan(definition, ready, &self.settings).and_then(|plan| self.run(container, &plan)) {
            Ok(pid) => Ok(Launched { pid, joined }),
            Err(error) => {
                let undone = network::stop(&self.core, definition.id).err().map(Error::from);
                Err(error.with_undo(undone.into_iter().collect()))
            }
        }
    }

    fn run(&self, container: &Container, plan: &pontoon_runtime::ContainerPlan) -> Result<u32> {
        let created = self.runtime.create(plan)?;
        // Before it runs: nobody who waits for its streams misses the first byte.
        self.hand_over_streams(container);
        match self.runtime.start(&plan.id) {
            Ok(()) => Ok(created.pid),
            Err(error) => {
                let undone = self.runtime.delete(&plan.id).err().map(Error::from);
                Err(Error::from(error).with_undo(undone.into_iter().collect()))
            }
        }
    }

    /// Gives the streams to those who wait for them. Whoever cannot have them finds that the run is over.
    pub(super) fn hand_over_streams(&self, container: &Container) {
        for (stdin, give) in container.take_attaching().into_iter().filter(|(_, give)| !give.is_closed()) {
            match self.runtime.attach(&container.id, stdin) {
                // Who has gone meanwhile does not want it any more.
                Ok(attachment) => drop(give.send(attachment)),
                Err(error) => {
                    tracing::warn!(container = %container.id.short(), error = %pontoon_types::chain(&error), "could not attach");
                }
            }
        }
    }

    /// Takes away what a run leaves: networking first, so that its addresses are free when others hear of its end.
    pub(super) fn clear_up(&self, definition: &Definition) -> Vec<Error> {
        let id = definition.id;
        let mut failures = Vec::new();
        failures.extend(network::stop(&self.core, id).err().map(Error::from));
        failures.extend(self.runtime.delete(&id).err().map(Error::from));
        failures.extend(self.images.unmount_rootfs(&id).err());
        failures
    }
}
