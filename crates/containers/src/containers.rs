//! The containers: the handle that everything else asks.
//!
//! Owns: which containers exist and their names. What can be done with them stands in `create`, `life`, `exec` and
//! `volumes`. Looking never waits. What changes something is asynchronous: the work runs on threads for blocking calls
//! and goes on to its end when nobody waits for it any more.

use crate::container::{Container, Live};
use crate::exec::ExecBook;
use crate::images::Images;
use crate::keeper::Keeper;
use crate::store::{ContainerRecord, Definitions, States};
use crate::volumes::VolumeBook;
use crate::{Definition, Error, Result, Settings};
use pontoon_cnm::Controller;
use pontoon_runtime::Runtime;
use pontoon_types::{ContainerId, EventSubject};
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long requests under way may take to end when the daemon ends.
const GRACE: Duration = Duration::from_secs(5);

/// What containers are built from.
pub struct Parts {
    /// The core, for networks and events.
    pub core: Arc<Controller>,
    /// What runs processes.
    pub runtime: Arc<dyn Runtime>,
    /// What has root file systems.
    pub images: Arc<dyn Images>,
    /// The durable store.
    pub definitions: Box<dyn Definitions>,
    /// The run-time store.
    pub states: Box<dyn States>,
    /// Settings.
    pub settings: Settings,
    /// Where supervising tasks run.
    pub tasks: Handle,
}

/// The containers. Clones are handles to the same.
#[derive(Clone)]
pub struct Containers(pub(crate) Arc<Inner>);

#[derive(Default)]
pub(crate) struct Index {
    pub containers: BTreeMap<ContainerId, Arc<Container>>,
    names: HashMap<String, ContainerId>,
}

pub(crate) struct Inner {
    pub core: Arc<Controller>,
    pub runtime: Arc<dyn Runtime>,
    pub images: Arc<dyn Images>,
    pub keeper: Keeper,
    pub states: Box<dyn States>,
    pub settings: Settings,
    pub volumes: VolumeBook,
    pub execs: ExecBook,
    pub pruning: AtomicBool,
    pub tasks: Handle,
    /// Everything that goes on by itself.
    pub supervisors: TaskTracker,
    /// Requests under way.
    pub requests: TaskTracker,
    /// Cancelled when the daemon ends: containers go on, those who look after them do not.
    pub closing: CancellationToken,
    /// Starts under way at once: more only wait for each other.
    pub starting: Semaphore,
    index: Mutex<Index>,
}

impl Containers {
    /// The containers of `parts`, as they were stored; [`Containers::begin`] finds out what they do.
    pub fn new(parts: Parts) -> Result<Self> {
        let keeper = Keeper::start(parts.definitions)?;
        let volumes = VolumeBook::new(parts.settings.volumes.clone(), keeper.definitions().volumes()?);
        let inner = Inner {
            core: parts.core,
            runtime: parts.runtime,
            images: parts.images,
            keeper,
            states: parts.states,
            starting: Semaphore::new(parts.settings.starts_at_once.max(1)),
            settings: parts.settings,
            volumes,
            execs: ExecBook::default(),
            pruning: AtomicBool::new(false),
            tasks: parts.tasks,
            supervisors: TaskTracker::new(),
            requests: TaskTracker::new(),
            closing: CancellationToken::new(),
            index: Mutex::default(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Ends what goes on by itself and writes what is not on disk yet. Containers go on.
    pub async fn close(&self) {
        let inner = &self.0;
        inner.requests.close();
        // Those that wait for a container may wait for ever: they are given up.
        let _ = tokio::time::timeout(GRACE, inner.requests.wait()).await;
        inner.closing.cancel();
        inner.requests.wait().await;
        inner.supervisors.close();
        inner.supervisors.wait().await;
        let own = inner.clone();
        // Joining the thread of the store may wait for a disk.
        let _ = inner.tasks.spawn_blocking(move || own.keeper.close()).await;
    }

    /// Runs `work` to its end on a thread for blocking calls, whether the caller waits or not.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Inner>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.request(move |inner| async move { inner.blocking(work).await }).await
    }

    /// Runs a request of several steps to its end, whether the caller waits or not.
    pub(crate) async fn request<T, F>(&self, work: impl FnOnce(Arc<Inner>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        if self.0.requests.is_closed() {
            return Err(Error::ShuttingDown);
        }
        let (span, closing) = (tracing::Span::current(), self.0.closing.clone());
        let work = tracing::Instrument::instrument(work(self.0.clone()), span);
        let work = async move {
            tokio::select! {
                done = work => done,
                () = closing.cancelled() => Err(Error::ShuttingDown),
            }
        };
        let done = self.0.requests.spawn_on(work, &self.0.tasks).await;
        done.map_err(|broken| {
            tracing::error!(%broken, "a request broke down");
            Error::Internal("the request broke down")
        })?
    }
}

impl Inner {
    /// Runs `work` on a thread for blocking calls.
    pub async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let own = self.clone();
        let span = tracing::Span::current();
        let done = self.tasks.spawn_blocking(move || span.in_scope(|| work(&own))).await;
        done.map_err(|broken| {
            tracing::error!(%broken, "a call broke down");
            Error::Internal("the call broke down")
        })?
    }

    pub fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All containers, in no particular order.
    pub fn all(&self) -> Vec<Arc<Container>> {
        self.index().containers.values().cloned().collect()
    }

    /// The container meant by `term`: its id, its name, or the beginning of its id.
    pub fn find(&self, term: &str) -> Result<Arc<Container>> {
        let index = self.index();
        let by_id = term.parse().ok().and_then(|id: ContainerId| index.containers.get(&id));
        let by_name = || index.containers.get(index.names.get(term.strip_prefix('/').unwrap_or(term))?);
        if let Some(found) = by_id.or_else(by_name) {
            return Ok(found.clone());
        }
        if term.is_empty() {
            return Err(Error::NoContainer(term.to_owned()));
        }
        let mut found = index.containers.iter().filter(|(id, _)| id.to_string().starts_with(term));
        match (found.next(), found.next()) {
            (Some((_, container)), None) => Ok(container.clone()),
            (None, _) => Err(Error::NoContainer(term.to_owned())),
            (Some(_), Some(_)) => Err(Error::Ambiguous(term.to_owned())),
        }
    }

    /// Holds a name for a container; refused when another has it.
    pub fn claim_name(&self, name: &str, id: ContainerId) -> Result<()> {
        let mut index = self.index();
        match index.names.get(name) {
            Some(owner) => Err(Error::NameTaken { name: name.to_owned(), id: owner.to_string() }),
            None => {
                index.names.insert(name.to_owned(), id);
                Ok(())
            }
        }
    }

    /// Gives a name up.
    pub fn free_name(&self, name: &str) {
        self.index().names.remove(name);
    }

    /// Enters a container whose name is claimed already.
    pub fn enter(&self, container: Arc<Container>) {
        self.index().containers.insert(container.id, container);
    }

    /// Forgets a container and its name.
    pub fn forget(&self, container: &Container) {
        let name = container.name();
        let mut index = self.index();
        index.containers.remove(&container.id);
        index.names.remove(&name);
    }

    /// Shows a container's new state, notes it for a daemon that comes after a crash, and has it written to disk soon.
    /// A state that cannot be noted is no reason to end what runs.
    pub fn note(&self, container: &Container, live: &Live) {
        container.show(live);
        if let Err(error) = self.states.put(container.id, &live.state) {
            tracing::warn!(container = %container.id.short(), error = %pontoon_types::chain(&error), "a state is not noted");
        }
        self.keeper.soon(record(live));
    }

    /// Tells everybody what happened to a container, with Docker's attributes and `more`.
    pub fn publish(&self, definition: &Definition, action: &str, more: &[(&str, &str)]) {
        let config = &definition.config;
        let labels = config.labels.iter().flatten().map(|(key, value)| (key.as_str(), value.as_str()));
        let own = [("image", config.image.as_str()), ("name", definition.name.as_str())];
        let attributes: Vec<(&str, &str)> = labels.chain(own).chain(more.iter().copied()).collect();
        self.core.events().publish(EventSubject::Container, action, definition.id.to_string(), &attributes);
    }
}

/// A container as it is kept.
pub(crate) fn record(live: &Live) -> ContainerRecord {
    ContainerRecord { definition: live.definition.as_ref().clone(), state: live.state.clone() }
}
