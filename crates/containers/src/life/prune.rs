//! Removing every container that does not run.

use crate::containers::{Containers, Inner};
use crate::{Definition, Error, Result, Status};
use pontoon_types::{ContainerId, EventSubject};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Containers {
    /// Removes the containers that do not run and that `wanted` picks; tells their ids and how many bytes that gave back.
    pub async fn prune(
        &self,
        wanted: impl Fn(&Definition) -> bool + Send + 'static,
    ) -> Result<(Vec<ContainerId>, u64)> {
        self.blocking(move |inner| {
            if inner.pruning.swap(true, Ordering::SeqCst) {
                return Err(Error::PruneRunning);
            }
            let pruned = inner.prune(&wanted);
            inner.pruning.store(false, Ordering::SeqCst);
            Ok(pruned)
        })
        .await
    }
}

impl Inner {
    fn prune(self: &Arc<Self>, wanted: &dyn Fn(&Definition) -> bool) -> (Vec<ContainerId>, u64) {
        let (mut ids, mut bytes) = (Vec::new(), 0);
        for container in self.all() {
            let shown = container.shown();
            let idle = matches!(shown.state.status, Status::Created | Status::Exited | Status::Dead);
            if !idle || !wanted(&shown.definition) {
                continue;
            }
            let size = self.images.rootfs_size(&container.id).map_or(0, |size| size.own);
            match self.remove_stopped(&container, false) {
                Ok(()) => {
                    bytes += size;
                    ids.push(container.id);
                }
                Err(error) => {
                    let error = pontoon_types::chain(&error);
                    tracing::warn!(container = %container.id.short(), error, "could not be pruned");
                }
            }
        }
        let reclaimed = [("reclaimed", bytes.to_string())];
        let attributes: Vec<(&str, &str)> = reclaimed.iter().map(|(k, v)| (*k, v.as_str())).collect();
        self.core.events().publish(EventSubject::Container, "prune", String::new(), &attributes);
        (ids, bytes)
    }
}
