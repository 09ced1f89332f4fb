//! The one owner of all state: which networks and sandboxes exist, which addresses and ports are taken.
//!
//! Its methods live beside what they are about (`network/*`, `sandbox/*`); here are the parts it is made of and the
//! short critical sections. No lock here is held while the kernel or a disk works, except a sandbox's own turn.

use crate::announcer::Announcer;
use crate::driver::Driver;
use crate::flows::Flows;
use crate::network::live::Network;
use crate::network::lookup::{Purpose, find_network, find_sandbox};
use crate::sandbox::live::Sandbox;
use crate::sandbox::ports::PortFacts;
use crate::{Definitions, Error, Events, Resolver, Result, RunState, Settings};
use arc_swap::ArcSwap;
use pontoon_ipam::{AddressPools, Ipam};
use pontoon_kernel::{Kernel, NetnsId};
use pontoon_ports::Book;
use pontoon_types::{NetworkId, SandboxId};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What a controller is built from.
pub struct Parts {
    /// The kernel.
    pub kernel: Arc<dyn Kernel>,
    /// Network drivers.
    pub drivers: Vec<Arc<dyn Driver>>,
    /// Durable store.
    pub definitions: Box<dyn Definitions>,
    /// Run-time store.
    pub run_state: Box<dyn RunState>,
    /// The resolver in the sandboxes.
    pub resolver: Arc<dyn Resolver>,
    /// Settings.
    pub settings: Settings,
}

/// What a start found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Networks brought back.
    pub networks: usize,
    /// Sandboxes brought back.
    pub sandboxes: usize,
    /// Sandboxes whose namespace is gone, now forgotten.
    pub gone: usize,
    /// Kernel writes that were needed; 0 when everything was as it had been left.
    pub writes: usize,
    /// What could not be brought back, in words for the log.
    pub failures: Vec<String>,
}

/// State guarded by one short lock.
#[derive(Default)]
pub(crate) struct State {
    pub networks: BTreeMap<NetworkId, Arc<Network>>,
    pub sandboxes: BTreeMap<SandboxId, Arc<Sandbox>>,
    network_names: HashMap<String, NetworkId>,
    sandbox_names: HashMap<String, SandboxId>,
    claimed: HashSet<String>,
    /// Which sandbox has which namespace.
    namespaces: HashMap<NetnsId, SandboxId>,
}

/// The core.
pub struct Controller {
    kernel: Arc<dyn Kernel>,
    drivers: BTreeMap<&'static str, Arc<dyn Driver>>,
    definitions: Box<dyn Definitions>,
    run_state: Box<dyn RunState>,
    resolver: Arc<dyn Resolver>,
    settings: ArcSwap<Settings>,
    events: Arc<Events>,
    state: Mutex<State>,
    ipam: Arc<Mutex<Ipam>>,
    flows: Flows,
    announcer: Announcer,
    ports: Mutex<Book>,
    port_facts: PortFacts,
    gate: RwLock<()>,
    begun: AtomicU64,
    ended: AtomicU64,
    pub(crate) pruning: AtomicBool,
    closed: AtomicBool,
    pub(crate) repairs: AtomicU64,
}

/// A request that was let in; it is over when this is dropped.
pub(crate) struct Admission<'a> {
    ended: &'a AtomicU64,
    _open: RwLockReadGuard<'a, ()>,
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        self.ended.fetch_add(1, Ordering::SeqCst);
    }
}

/// A name held while an object of that name is being made.
pub(crate) struct Claim<'a> {
    controller: &'a Controller,
    name: String,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.controller.state().claimed.remove(&self.name);
    }
}

impl Controller {
    /// An empty controller; [`Controller::start`] brings back what was stored.
    pub fn new(parts: Parts) -> Result<Self> {
        let daemon_id = parts.definitions.daemon_id()?;
        let pools = AddressPools::configured(&parts.settings.address_pools, &daemon_id)?;
        let ipam = Arc::new(Mutex::new(Ipam::new(pools)));
        let no_thread = |cause| Error::File { act: "start a thread".into(), cause };
        let flows = Flows::start(parts.kernel.clone(), ipam.clone()).map_err(no_thread)?;
        let announcer = Announcer::start(parts.kernel.clone()).map_err(no_thread)?;
        let port_facts = PortFacts::read(parts.kernel.as_ref())?;
        let drivers = parts.drivers.into_iter().map(|driver| (driver.name(), driver)).collect();
        Ok(Self {
            kernel: parts.kernel,
            drivers,
            definitions: parts.definitions,
            run_state: parts.run_state,
            resolver: parts.resolver,
            settings: ArcSwap::from_pointee(parts.settings),
            events: Arc::default(),
            state: Mutex::default(),
            ipam,
            flows,
            announcer,
            ports: Mutex::default(),
            port_facts,
            gate: RwLock::default(),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            pruning: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            repairs: AtomicU64::new(0),
        })
    }

    /// The event bus, which others may announce on too.
    pub fn events(&self) -> &Arc<Events> {
        &self.events
    }

    /// Settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Replaces the settings; what exists already keeps what it was made with.
    pub fn set_settings(&self, settings: Settings) {
        self.settings.store(Arc::new(settings));
    }

    /// Names of the drivers, sorted.
    pub fn driver_names(&self) -> Vec<&'static str> {
        self.drivers.keys().copied().collect()
    }

    /// The durable daemon id.
    pub fn daemon_id(&self) -> Result<String> {
        Ok(self.definitions.daemon_id()?)
    }

    /// Whether the host forwards IPv4 packets. A question that fails says nothing against it.
    pub fn forwards_ipv4(&self) -> bool {
        let value = self.kernel.sysctl(&pontoon_kernel::Netns::Host, "net/ipv4/ip_forward");
        !matches!(value, Ok(Some(value)) if value.trim() == "0")
    }

    /// How often foreign changes were put right since the start.
    pub fn repairs(&self) -> u64 {
        self.repairs.load(Ordering::Relaxed)
    }

    /// From now on requests that change anything are refused.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Admits a request that changes something. Requests run side by side; a repair waits for all of them.
    pub(crate) fn accepting(&self) -> Result<Admission<'_>> {
        let open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::ShuttingDown);
        }
        self.begun.fetch_add(1, Ordering::SeqCst);
        Ok(Admission { ended: &self.ended, _open: open })
    }

    /// How many requests were admitted, if none of them is under way.
    pub(crate) fn quiet(&self) -> Option<u64> {
        let begun = self.begun.load(Ordering::SeqCst);
        (self.ended.load(Ordering::SeqCst) == begun).then_some(begun)
    }

    /// Keeps every request out while the kernel is compared with what is wanted.
    pub(crate) fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn kernel(&self) -> &dyn Kernel {
        self.kernel.as_ref()
    }

    pub(crate) fn definitions(&self) -> &dyn Definitions {
        self.definitions.as_ref()
    }

    pub(crate) fn run_state(&self) -> &dyn RunState {
        self.run_state.as_ref()
    }

    pub(crate) fn resolver(&self) -> &dyn Resolver {
        self.resolver.as_ref()
    }

    pub(crate) fn drivers(&self) -> impl Iterator<Item = &Arc<dyn Driver>> {
        self.drivers.values()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ipam(&self) -> MutexGuard<'_, Ipam> {
        self.ipam.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn announcer(&self) -> &Announcer {
        &self.announcer
    }

    pub(crate) fn flows(&self) -> &Flows {
        &self.flows
    }

    pub(crate) fn ports(&self) -> &Mutex<Book> {
        &self.ports
    }

    pub(crate) fn lock_ports(&self) -> MutexGuard<'_, Book> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn port_facts(&self) -> &PortFacts {
        &self.port_facts
    }

    pub(crate) fn driver(&self, name: &str) -> Result<Arc<dyn Driver>> {
        self.drivers.get(name).cloned().ok_or_else(|| Error::NoDriver(name.to_owned()))
    }

    pub(crate) fn driver_of(&self, network: &Network) -> Result<Arc<dyn Driver>> {
        self.driver(&network.record.driver)
    }

    // Networks.

    pub(crate) fn networks_in_memory(&self) -> Vec<Arc<Network>> {
        self.state().networks.values().cloned().collect()
    }

    pub(crate) fn network_by_id(&self, id: NetworkId) -> Option<Arc<Network>> {
        self.state().networks.get(&id).cloned()
    }

    pub(crate) fn find_network(&self, purpose: Purpose, term: &str) -> Result<Arc<Network>> {
        // Exact ids and names are the common case and need no walk: names of local networks are unique.
        {
            let state = self.state();
            let by_id = term.parse().ok().and_then(|id| state.networks.get(&id));
            let by_name = || state.networks.get(state.network_names.get(term)?);
            if let Some(network) = by_id.or_else(by_name) {
                return Ok(network.clone());
            }
        }
        let all = self.networks_in_memory();
        find_network(purpose, term, all.into_iter().map(|n| (n.record.id.to_string(), n.record.name.clone(), n)))
    }

    pub(crate) fn insert_network(&self, network: Network) {
        let mut state = self.state();
        state.network_names.insert(network.record.name.clone(), network.record.id);
        state.networks.insert(network.record.id, Arc::new(network));
    }

    pub(crate) fn forget_network(&self, id: NetworkId) {
        let mut state = self.state();
        if let Some(network) = state.networks.remove(&id) {
            state.network_names.remove(&network.record.name);
        }
    }

    /// Holds a network name until the claim is dropped; refused when a network has it or is getting it.
    pub(crate) fn claim_network_name(&self, name: &str) -> Result<Claim<'_>> {
        let mut state = self.state();
        if state.network_names.contains_key(name) || !state.claimed.insert(name.to_owned()) {
            return Err(Error::NetworkExists(name.to_owned()));
        }
        Ok(Claim { controller: self, name: name.to_owned() })
    }

    // Sandboxes.

    pub(crate) fn sandboxes_in_memory(&self) -> Vec<Arc<Sandbox>> {
        self.state().sandboxes.values().cloned().collect()
    }

    pub(crate) fn find_sandbox(&self, term: &str) -> Result<Arc<Sandbox>> {
        {
            let state = self.state();
            let by_name = state.sandbox_names.get(term.strip_prefix('/').unwrap_or(term));
            let exact = term.parse().ok().and_then(|id| state.sandboxes.get(&id));
            if let Some(found) = exact.or_else(|| by_name.and_then(|id| state.sandboxes.get(id))) {
                return Ok(found.clone());
            }
        }
        let all = self.sandboxes_in_memory();
        find_sandbox(term, all.into_iter().map(|s| (s.id.to_string(), s.name(), s)))
    }

    /// Enters a sandbox; refused when its name or its id is taken.
    pub(crate) fn insert_sandbox(&self, sandbox: Arc<Sandbox>) -> Result<()> {
        let mut state = self.state();
        let name = sandbox.name();
        let taken = state.sandbox_names.get(&name).copied();
        if let Some(id) = taken.or_else(|| state.sandboxes.get(&sandbox.id).map(|other| other.id)) {
            return Err(Error::SandboxExists { name, id: id.to_string() });
        }
        state.sandbox_names.insert(name, sandbox.id);
        state.sandboxes.insert(sandbox.id, sandbox);
        Ok(())
    }

    /// Enters another name of a sandbox beside the one it has; refused when it is taken.
    pub(crate) fn claim_sandbox_name(&self, id: SandboxId, name: &str) -> Result<()> {
        let mut state = self.state();
        if let Some(id) = state.sandbox_names.get(name) {
            return Err(Error::SandboxExists { name: name.to_owned(), id: id.to_string() });
        }
        state.sandbox_names.insert(name.to_owned(), id);
        Ok(())
    }

    /// Forgets a name that a sandbox no longer has.
    pub(crate) fn forget_sandbox_name(&self, name: &str) {
        self.state().sandbox_names.remove(name);
    }

    pub(crate) fn forget_sandbox(&self, id: SandboxId) {
        let mut state = self.state();
        if let Some(sandbox) = state.sandboxes.remove(&id) {
            state.sandbox_names.remove(&sandbox.name());
        }
        state.namespaces.retain(|_, owner| *owner != id);
    }

    /// Enters whose a namespace is, until the sandbox is forgotten. A sandbox that has it already, and is not `gone`,
    /// is told instead.
    pub(crate) fn claim_namespace(
        &self,
        namespace: NetnsId,
        sandbox: SandboxId,
        gone: Option<SandboxId>,
    ) -> Option<Arc<Sandbox>> {
        let mut state = self.state();
        let owner = state.namespaces.get(&namespace).filter(|owner| **owner != sandbox && Some(**owner) != gone);
        let other = owner.and_then(|owner| state.sandboxes.get(owner).cloned());
        if other.is_none() {
            state.namespaces.insert(namespace, sandbox);
        }
        other
    }
}
