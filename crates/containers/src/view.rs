//! What is shown of containers.

use crate::container::Container;
use crate::containers::{Containers, Inner};
use crate::images::RootfsSize;
use crate::{Definition, Result, State, network, plan};
use pontoon_cnm::SandboxView;
use pontoon_types::{ContainerId, ExecId};
use std::path::PathBuf;
use std::sync::Arc;

/// A container as it is now.
#[derive(Clone, Debug)]
pub struct ContainerView {
    /// What it is.
    pub definition: Arc<Definition>,
    /// What it does.
    pub state: State,
    /// Its sandbox while it runs; with `container:X`, that of X.
    pub sandbox: Option<SandboxView>,
    /// Its log; `None` when nothing is kept.
    pub log: Option<PathBuf>,
    /// Commands that run in it.
    pub execs: Vec<ExecId>,
    /// Its links on the default bridge, as Docker writes them.
    pub links: Vec<String>,
}

impl ContainerView {
    /// Whether the sandbox is its own.
    pub fn has_own_sandbox(&self) -> bool {
        self.sandbox.is_some() && self.state.shares.is_none()
    }
}

/// How many containers there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub all: usize,
    /// Running.
    pub running: usize,
    /// Paused.
    pub paused: usize,
}

impl Containers {
    /// Every container, the newest first.
    pub fn list(&self) -> Vec<ContainerView> {
        let mut all: Vec<ContainerView> = self.0.all().iter().map(|container| self.0.view(container)).collect();
        all.sort_by_key(|view| std::cmp::Reverse(view.definition.created));
        all
    }

    /// One container, by its id, its name, or the beginning of its id.
    pub fn get(&self, term: &str) -> Result<ContainerView> {
        Ok(self.0.view(self.0.find(term)?.as_ref()))
    }

    /// Bytes of a container's files. May take long.
    pub async fn size(&self, id: ContainerId) -> Result<RootfsSize> {
        self.blocking(move |inner| inner.images.rootfs_size(&id)).await
    }

    /// How many containers there are.
    pub fn counts(&self) -> Counts {
        let all = self.0.all();
        let of = |status| all.iter().filter(|container| container.shown().state.status == status).count();
        Counts { all: all.len(), running: of(crate::Status::Running), paused: of(crate::Status::Paused) }
    }
}

impl Inner {
    pub(crate) fn view(&self, container: &Container) -> ContainerView {
        let shown = container.shown();
        let state = shown.state.clone();
        let owner = state.shares.unwrap_or(container.id);
        let sandbox = state.has_process().then(|| self.core.sandbox(&owner.to_string()).ok()).flatten();
        let kept = shown.definition.host_config.log_config.driver != "none";
        ContainerView {
            sandbox,
            log: kept.then(|| plan::log_path(&self.settings.containers, container.id)),
            execs: self.execs.of(container.id),
            links: network::shown_links(&shown.definition.for_network(), self),
            definition: shown.definition.clone(),
            state,
        }
    }
}
