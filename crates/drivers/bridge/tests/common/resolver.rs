//! A resolver that only writes down what it is told.

use pontoon_cnm::{DnsPorts, Resolver, SandboxNames, Upstreams};
use pontoon_kernel::{Kernel, Netns};
use pontoon_types::SandboxId;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a sandbox is served.
#[derive(Clone, Debug, PartialEq)]
pub struct Served {
    pub ports: DnsPorts,
    pub upstreams: Upstreams,
    /// Names of the networks it sees, best first.
    pub networks: Vec<String>,
}

#[derive(Default)]
struct Inner {
    open: BTreeMap<SandboxId, (Served, Arc<SandboxNames>)>,
    /// Ports that are never free.
    taken: Vec<u16>,
    last: u16,
}

pub struct Recorder {
    kernel: Arc<dyn Kernel>,
    inner: Mutex<Inner>,
}

impl Recorder {
    pub fn new(kernel: Arc<dyn Kernel>) -> Self {
        Self { kernel, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn served(&self) -> BTreeMap<SandboxId, Served> {
        self.lock().open.iter().map(|(id, (served, _))| (*id, served.clone())).collect()
    }

    pub fn names(&self, sandbox: SandboxId) -> Option<Arc<SandboxNames>> {
        self.lock().open.get(&sandbox).map(|(_, names)| names.clone())
    }

    pub fn take(&self, port: u16) {
        self.lock().taken.push(port);
    }
}

fn networks(names: &SandboxNames) -> Vec<String> {
    names.networks.iter().map(|network| network.name.clone()).collect()
}

impl Resolver for Recorder {
    fn open(
        &self,
        sandbox: SandboxId,
        ns: &Netns,
        names: Arc<SandboxNames>,
        upstreams: Upstreams,
        wanted: Option<DnsPorts>,
    ) -> Result<DnsPorts, pontoon_kernel::Error> {
        // For the kernel's part of it, which may fail.
        self.kernel.udp(ns, SocketAddr::from((Ipv4Addr::new(127, 0, 0, 11), 0)))?;
        let mut inner = self.lock();
        let wanted = wanted.filter(|ports| !inner.taken.contains(&ports.udp) && !inner.taken.contains(&ports.tcp));
        let ports = wanted.unwrap_or_else(|| {
            inner.last += 1;
            DnsPorts { udp: 30000 + inner.last, tcp: 40000 + inner.last }
        });
        let served = Served { ports, upstreams, networks: networks(&names) };
        let before = inner.open.insert(sandbox, (served, names));
        assert!(before.is_none(), "the resolver of a sandbox was opened twice");
        Ok(ports)
    }

    fn update(&self, sandbox: SandboxId, names: Arc<SandboxNames>, upstreams: Upstreams) {
        if let Some((served, there)) = self.lock().open.get_mut(&sandbox) {
            (served.upstreams, served.networks, *there) = (upstreams, networks(&names), names);
        }
    }

    fn close(&self, sandbox: SandboxId) {
        self.lock().open.remove(&sandbox);
    }
}
