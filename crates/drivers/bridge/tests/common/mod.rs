//! A core with the bridge driver on the fake host: a world of its own for each test.
//!
//! Owns: how the parts are put together, the picture of everything that must be unchanged after a failure, and the audit
//! of what must always hold. Must never touch the machine.
#![allow(dead_code, reason = "each test file uses its part")]

mod audit;
mod mortal;
pub mod refusals;
mod resolver;
pub mod scenarios;
mod stores;

pub use mortal::{Life, Mortal};
pub use resolver::Recorder;
pub use stores::Stores;

use pontoon_bridge::{Bridge, BridgeOptions, Forward};
use pontoon_cnm::{Controller, Error, NetworkView, Parts, Readiness, SandboxView, Settings, Stateless};
use pontoon_kernel::Kernel;
use pontoon_kernel::fake::{FakeHost, HostState};
use pontoon_ruleset::ForwarderPorts;
use pontoon_types::{
    EndpointSpec, IpamSpec, NetworkSpec, PoolSpec, PortBinding, PortMapping, Protocol, SandboxId, SandboxSpec,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

pub type Outcome = Result<(), Error>;

/// What the forwarder was told to carry.
#[derive(Debug, Default)]
pub struct Carrier(Mutex<BTreeSet<PortMapping>>);

impl Forward for Carrier {
    fn ports(&self) -> ForwarderPorts {
        ForwarderPorts { tcp: 9001, udp: 9002 }
    }

    fn change(&self, add: &[PortMapping], remove: &[PortMapping]) {
        let mut all = self.0.lock().unwrap();
        all.retain(|mapping| !remove.contains(mapping));
        all.extend(add.iter().cloned());
    }

    fn replace(&self, mappings: &[PortMapping]) {
        *self.0.lock().unwrap() = mappings.iter().cloned().collect();
    }
}

/// Host, stores, and a core over them.
pub struct World {
    pub core: Arc<Controller>,
    pub host: FakeHost,
    pub stores: Stores,
    pub resolver: Arc<Recorder>,
    pub carrier: Arc<Carrier>,
    pub life: Arc<Life>,
    pub ready: Readiness,
    pub dir: tempfile::TempDir,
}

/// Everything that is the same after a request that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub host: HostState,
    pub ports: BTreeSet<(Protocol, std::net::IpAddr, u16)>,
    pub stored: (BTreeMap<String, String>, BTreeMap<String, String>),
    pub networks: Vec<NetworkView>,
    pub sandboxes: Vec<SandboxView>,
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    pub served: BTreeMap<SandboxId, resolver::Served>,
    pub carried: BTreeSet<PortMapping>,
}

impl World {
    /// A new host on which the core has started for the first time.
    pub fn new() -> Self {
        Self::on(FakeHost::new())
    }

    /// A host that has just started, with nothing on it, over what another had on its disk.
    pub fn new_in(other: Self) -> Self {
        let Self { stores, dir, .. } = other;
        stores.forget_sandboxes();
        let _ = fs::remove_dir_all(dir.path().join("run"));
        fs::create_dir_all(dir.path().join("run/netns")).unwrap();
        Self::start(FakeHost::new(), stores, dir, false)
    }

    /// One in which addresses come back only when their flows are forgotten, by another thread.
    pub fn tracking() -> Self {
        Self::made(FakeHost::new(), true)
    }

    pub fn on(host: FakeHost) -> Self {
        Self::made(host, false)
    }

    fn made(host: FakeHost, tracks_flows: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("run/netns")).unwrap();
        fs::write(dir.path().join("resolv.conf"), "nameserver 192.0.2.53\nsearch example.org\n").unwrap();
        Self::start(host, Stores::default(), dir, tracks_flows)
    }

    fn start(host: FakeHost, stores: Stores, dir: tempfile::TempDir, tracks_flows: bool) -> Self {
        let life = Arc::new(Life::default());
        let kernel: Arc<dyn Kernel> = Arc::new(Mortal { host: host.clone(), life: life.clone(), tracks_flows });
        let (resolver, carrier) = (Arc::new(Recorder::new(kernel.clone())), Arc::new(Carrier::default()));
        let options = BridgeOptions { check_forwarding: true, forward: carrier.clone() };
        let bridge = Bridge::new(kernel.clone(), options).unwrap();
        let stores = stores.living(life.clone());
        let core = Controller::new(Parts {
            kernel,
            drivers: vec![Arc::new(bridge), Arc::new(Stateless::Host), Arc::new(Stateless::Null)],
            definitions: Box::new(stores.clone()),
            run_state: Box::new(stores.clone()),
            resolver: resolver.clone(),
            settings: settings(dir.path()),
        })
        .unwrap();
        let core = Arc::new(core);
        let ready = core.start().unwrap();
        Self { core, host, stores, resolver, carrier, life, ready, dir }
    }

    /// The daemon goes, however it was, and comes back.
    pub fn restart(self) -> Self {
        self.restart_after(|_| {})
    }

    /// The same, with something happening while it is away.
    pub fn restart_after(self, meanwhile: impl FnOnce(&FakeHost)) -> Self {
        let Self { core, host, stores, dir, .. } = self;
        drop(core);
        meanwhile(&host);
        mirror(&host, dir.path());
        host.forget_writes();
        Self::start(host, stores, dir, false)
    }

    pub fn picture(&self) -> Picture {
        let mut sandboxes = self.core.sandboxes();
        sandboxes.sort_by_key(|view| view.record.id);
        let mut host = self.host.snapshot();
        // By how many sockets ports are held does not matter.
        let held = std::mem::take(&mut host.ports)
            .into_iter()
            .flat_map(|held| (held.ports.start..=held.ports.end).map(move |port| (held.protocol, held.address, port)));
        let ports = held.collect();
        Picture {
            host,
            ports,
            stored: self.stores.content(),
            networks: self.core.networks(),
            sandboxes,
            files: files_below(&self.dir.path().join("run/files")),
            served: self.resolver.served(),
            carried: self.carrier.0.lock().unwrap().clone(),
        }
    }

    pub fn network(&self, name: &str) -> NetworkView {
        self.core.network(name).unwrap()
    }

    pub fn sandbox(&self, name: &str) -> SandboxView {
        self.core.sandbox(name).unwrap()
    }

    pub fn make_network(&self, name: &str) -> NetworkView {
        self.core.create_network(dual(name)).unwrap();
        self.network(name)
    }

    pub fn make_sandbox(&self, name: &str, networks: &[&str]) -> SandboxView {
        self.core.create_sandbox(sandbox(name, networks)).unwrap();
        self.sandbox(name)
    }

    pub fn hosts(&self, name: &str) -> String {
        fs::read_to_string(&self.sandbox(name).files.hosts).unwrap()
    }

    pub fn resolv_conf(&self, name: &str) -> String {
        fs::read_to_string(&self.sandbox(name).files.resolv_conf).unwrap()
    }

    /// Lets the reaper finish.
    pub fn quiet(&self) {
        let patience = std::time::Instant::now();
        while self.host.retired() > 0 {
            assert!(patience.elapsed().as_secs() < 20, "retired links are never deleted");
            std::thread::yield_now();
        }
    }
}

fn settings(dir: &Path) -> Settings {
    Settings {
        exec_root: dir.join("run"),
        resolv_conf: dir.join("resolv.conf"),
        resolved_conf: dir.join("resolved.conf"),
        ..Settings::default()
    }
}

/// The fake host keeps namespace files in memory; those that the core looks for on disk are put there.
fn mirror(host: &FakeHost, dir: &Path) {
    let folder = dir.join("run/netns");
    let known = host.snapshot().files;
    for entry in fs::read_dir(&folder).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    known.keys().filter(|path| path.starts_with(&folder)).for_each(|path| fs::write(path, "").unwrap());
}

fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.insert(path.clone(), Vec::new());
            files.extend(files_below(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

pub fn v4(name: &str) -> NetworkSpec {
    NetworkSpec { name: name.into(), ..NetworkSpec::default() }
}

pub fn dual(name: &str) -> NetworkSpec {
    NetworkSpec { enable_ipv6: Some(true), ..v4(name) }
}

pub fn with(mut spec: NetworkSpec, options: &[(&str, &str)]) -> NetworkSpec {
    spec.options.extend(options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    spec
}

pub fn pool(subnet: &str) -> PoolSpec {
    PoolSpec { subnet: Some(subnet.parse().unwrap()), ..PoolSpec::default() }
}

pub fn pooled(spec: NetworkSpec, pools: Vec<PoolSpec>) -> NetworkSpec {
    NetworkSpec { ipam: IpamSpec { pools, ..IpamSpec::default() }, ..spec }
}

pub fn sandbox(name: &str, networks: &[&str]) -> SandboxSpec {
    let networks = networks.iter().map(|network| ((*network).to_owned(), EndpointSpec::default())).collect();
    SandboxSpec { name: name.into(), networks, ..SandboxSpec::default() }
}

/// `HOST:CONTAINER/PROTOCOL`, or `CONTAINER/PROTOCOL` for an ephemeral host port.
pub fn port(text: &str) -> PortBinding {
    let (ports, protocol) = text.split_once('/').unwrap();
    let (host, container) = match ports.split_once(':') {
        Some((host, container)) => (Some(host.parse().unwrap()), container),
        None => (None, ports),
    };
    let protocol: Protocol = protocol.parse().unwrap();
    PortBinding { container: container.parse().unwrap(), protocol, host_ip: None, host }
}

pub fn text(error: &Error) -> String {
    pontoon_types::chain(error)
}

/// Fails the test with the lines in which two pictures differ.
pub fn assert_same(now: &Picture, before: &Picture, what: &str) {
    if now != before {
        let lines = |picture: &Picture| format!("{picture:#?}").lines().map(ToOwned::to_owned).collect::<Vec<_>>();
        let (now, before) = (lines(now), lines(before));
        let only = |a: &[String], b: &[String], sign: &str| {
            let unlike = a.iter().filter(|line| !b.contains(line)).take(40);
            unlike.map(|line| format!("{sign} {line}\n")).collect::<String>()
        };
        panic!("{what}:\n{}{}", only(&before, &now, "-"), only(&now, &before, "+"));
    }
}
