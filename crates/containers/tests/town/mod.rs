//! Containers over a fake runtime, a fake host and an image store of folders: a town of its own for each test.
//!
//! Owns: how the parts are put together, the daemon's death and return, and patience. Must never touch the machine.
#![allow(dead_code, reason = "each test file uses its part")]

mod images;
mod stores;

pub use images::FakeImages;
pub use stores::Stores;

use crate::common::World;
use pontoon_containers::spec::{Config, HostConfig};
use pontoon_containers::{
    ContainerView, Containers, CreatedContainer, Definitions, Error, NewContainer, Parts, Settings, Status,
};
use pontoon_runtime::Runtime as _;
use pontoon_runtime::fake::FakeRuntime;
use pontoon_types::{ContainerId, Event};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long something that must happen may take on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One life of the daemon over everything that outlives it.
pub struct Town {
    pub world: World,
    pub runtime: FakeRuntime,
    pub images: FakeImages,
    pub stores: Stores,
    pub containers: Containers,
    tasks: tokio::runtime::Runtime,
}

impl Town {
    pub fn new() -> Self {
        Self::on(World::new(), FakeRuntime::new(), FakeImages::default(), None)
    }

    fn on(world: World, runtime: FakeRuntime, images: FakeImages, stores: Option<Stores>) -> Self {
        let stores = stores.unwrap_or_else(|| Stores::open(world.dir.path()));
        let tasks = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let root = world.dir.path();
        let containers = Containers::new(Parts {
            core: world.core.clone(),
            runtime: Arc::new(runtime.clone()),
            images: Arc::new(images.clone()),
            definitions: Box::new(stores.clone()),
            states: Box::new(stores.clone()),
            settings: Settings {
                containers: root.join("containers"),
                volumes: root.join("volumes"),
                init: false,
                link_variables: false,
                starts_at_once: 16,
            },
            tasks: tasks.handle().clone(),
        })
        .unwrap();
        let town = Self { world, runtime, images, stores, containers, tasks };
        town.run(town.containers.begin()).unwrap();
        town
    }

    /// The daemon is killed and comes back.
    pub fn killed(self) -> Self {
        self.killed_while(|_| {})
    }

    /// The same, with something happening while it is away.
    pub fn killed_while(self, meanwhile: impl FnOnce(&FakeRuntime)) -> Self {
        let Self { world, runtime, images, stores, containers, tasks } = self;
        // Nothing it still had in mind reaches the disk.
        let heirs = stores.heirs();
        stores.die();
        tasks.shutdown_timeout(PATIENCE);
        drop(containers);
        meanwhile(&runtime);
        Self::on(world.restart(), runtime, images, Some(heirs))
    }

    /// The machine loses its power and comes back: whatever was not written durably is gone.
    pub fn after_power_loss(self) -> Self {
        let Self { world, runtime, images, stores, containers, tasks } = self;
        let heirs = stores.heirs();
        stores.die();
        tasks.shutdown_timeout(PATIENCE);
        drop(containers);
        runtime.reboot();
        heirs.forget_states();
        images.unmount_all();
        Self::on(World::new_in(world), runtime, images, Some(heirs))
    }

    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.tasks.block_on(async { tokio::time::timeout(PATIENCE, work).await.expect("it takes too long") })
    }

    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.tasks.spawn(work)
    }

    pub fn create(&self, name: &str, host: HostConfig) -> ContainerId {
        self.try_create(new(name, host)).unwrap().id
    }

    pub fn try_create(&self, new: NewContainer) -> Result<CreatedContainer, Error> {
        self.run(self.containers.create(new))
    }

    pub fn start(&self, name: &str) -> Result<bool, Error> {
        self.run(self.containers.start(name))
    }

    /// A container that runs.
    pub fn started(&self, name: &str, host: HostConfig) -> ContainerId {
        let id = self.create(name, host);
        assert!(self.start(name).unwrap());
        id
    }

    pub fn view(&self, name: &str) -> ContainerView {
        self.containers.get(name).unwrap()
    }

    pub fn status(&self, name: &str) -> Status {
        self.view(name).state.status
    }

    /// Waits until the container is as `wanted` says.
    pub fn until(&self, name: &str, wanted: impl Fn(&ContainerView) -> bool) -> ContainerView {
        let begun = Instant::now();
        loop {
            let view = self.view(name);
            if wanted(&view) {
                return view;
            }
            assert!(begun.elapsed() < PATIENCE, "never as wanted: {:#?}", view.state);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn until_status(&self, name: &str, status: Status) -> ContainerView {
        self.until(name, |view| view.state.status == status)
    }

    /// Waits until there is no such container.
    pub fn until_gone(&self, name: &str) {
        let begun = Instant::now();
        while self.containers.get(name).is_ok() {
            assert!(begun.elapsed() < PATIENCE, "{name} never goes");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until this has happened to a container; tells everything that happened so far, as `type action`.
    pub fn until_event(&self, action: &str) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let all = self.events();
            if all.iter().any(|event| event == action) {
                return all;
            }
            assert!(begun.elapsed() < PATIENCE, "no {action} in {all:#?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn events(&self) -> Vec<String> {
        self.past().iter().map(|event| format!("{} {}", event.subject, event.action)).collect()
    }

    pub fn past(&self) -> Vec<Arc<Event>> {
        self.world.core.events().subscribe().0
    }

    /// What the durable store has of a container.
    pub fn kept(&self, id: ContainerId) -> Option<pontoon_containers::ContainerRecord> {
        self.stores.containers().unwrap().into_iter().find(|record| record.definition.id == id)
    }

    /// Nothing of any run is there: no process, no mount, no sandbox.
    pub fn assert_nothing_runs(&self, what: &str) {
        assert_eq!(self.runtime.all().unwrap(), [], "{what}: processes");
        assert_eq!(self.images.mounted(), [], "{what}: mounts");
        assert!(self.world.core.sandboxes().is_empty(), "{what}: sandboxes");
    }
}

/// A container of the image `img` that runs for ever.
pub fn new(name: &str, host_config: HostConfig) -> NewContainer {
    let config = Config { image: "img".into(), ..Config::default() };
    NewContainer { name: name.into(), config, host_config, ..NewContainer::default() }
}

pub fn host(body: serde_json::Value) -> HostConfig {
    serde_json::from_value(body).unwrap()
}

pub fn config(body: serde_json::Value) -> Config {
    serde_json::from_value(body).unwrap()
}

pub fn told<T>(result: Result<T, Error>) -> String {
    pontoon_types::chain(&result.err().expect("an error"))
}
