//! Forgets tracked connections of addresses and ports that changed hands, off the request's path: the kernel walks its
//! whole table for it, some 12 ms however little is in it.
//!
//! Owns one thread. An address is given back to the address book only when its flows are forgotten, so that its next
//! owner neither inherits an old flow nor loses a new one. A sandbox that comes back meanwhile (a container that is
//! restarted) takes its address with it instead.

use pontoon_ipam::{Ipam, PoolId};
use pontoon_kernel::{FlowFilter, Kernel};
use pontoon_types::{Family, NetworkId, SandboxId};
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// One walk serves all that came within this time.
const GATHER: Duration = Duration::from_millis(10);

/// Addresses that go back to the book after the walk.
#[derive(Debug)]
struct Lease {
    network: NetworkId,
    sandbox: SandboxId,
    pool: PoolId,
    address: IpAddr,
}

#[derive(Debug, Default)]
struct Queue {
    filters: Vec<FlowFilter>,
    leases: Vec<Lease>,
    /// Whose addresses the walk under way will give back.
    walking: Vec<(NetworkId, SandboxId)>,
    busy: bool,
    stop: bool,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// The thread and its queue.
#[derive(Debug)]
pub(crate) struct Flows {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Flows {
    /// Starts the thread.
    pub fn start(kernel: Arc<dyn Kernel>, ipam: Arc<Mutex<Ipam>>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = shared.clone();
        let run = move || own.run(kernel.as_ref(), &ipam);
        let thread = std::thread::Builder::new().name("flows".into()).spawn(run)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Forgets these flows soon.
    pub fn forget(&self, filters: Vec<FlowFilter>) {
        if filters.is_empty() {
            return;
        }
        self.shared.lock().filters.extend(filters);
        self.shared.changed.notify_all();
    }

    /// Forgets the flows of these addresses soon, and then gives them back.
    pub fn forget_and_release(&self, network: NetworkId, sandbox: SandboxId, addresses: Vec<(PoolId, IpAddr)>) {
        let mut queue = self.shared.lock();
        for (pool, address) in addresses {
            queue.filters.push(FlowFilter::Address(address));
            queue.leases.push(Lease { network, sandbox, pool, address });
        }
        drop(queue);
        self.shared.changed.notify_all();
    }

    /// Takes back an address that the same sandbox gave up a moment ago: the one `wanted`, or any of the family. It is
    /// still leased then, and its flows are no longer to be forgotten: they are the sandbox's own.
    pub fn reclaim(
        &self,
        network: NetworkId,
        sandbox: SandboxId,
        family: Family,
        wanted: Option<IpAddr>,
    ) -> Option<IpAddr> {
        let mut queue = self.shared.lock();
        while queue.walking.contains(&(network, sandbox)) {
            queue = self.shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        let is = |lease: &Lease| {
            let own = lease.network == network && lease.sandbox == sandbox;
            own && Family::of(lease.address) == family && wanted.is_none_or(|wanted| wanted == lease.address)
        };
        let at = queue.leases.iter().position(is)?;
        let lease = queue.leases.swap_remove(at);
        let filter = FlowFilter::Address(lease.address);
        if let Some(at) = queue.filters.iter().position(|other| *other == filter) {
            queue.filters.swap_remove(at);
        }
        drop(queue);
        self.shared.changed.notify_all();
        Some(lease.address)
    }

    /// Waits until everything asked for so far is done. Returns whether there was anything.
    pub fn wait(&self) -> bool {
        let mut queue = self.shared.lock();
        let waited = queue.busy || !queue.filters.is_empty();
        while queue.busy || !queue.filters.is_empty() {
            queue = self.shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        waited
    }

    /// Waits until no address of this network is still to be given back.
    pub fn wait_for(&self, network: NetworkId) {
        let mut queue = self.shared.lock();
        while queue.walking.iter().any(|(walking, _)| *walking == network)
            || queue.leases.iter().any(|lease| lease.network == network)
        {
            queue = self.shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Flows {
    /// Finishes what was asked for and ends the thread.
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, kernel: &dyn Kernel, ipam: &Mutex<Ipam>) {
        let mut queue = self.lock();
        loop {
            if queue.filters.is_empty() {
                if queue.stop {
                    return;
                }
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.busy = true;
            if !queue.stop {
                drop(queue);
                std::thread::sleep(GATHER);
                queue = self.lock();
            }
            let (filters, leases) = (std::mem::take(&mut queue.filters), std::mem::take(&mut queue.leases));
            queue.walking = leases.iter().map(|lease| (lease.network, lease.sandbox)).collect();
            drop(queue);
            walk(kernel, ipam, &filters, leases);
            queue = self.lock();
            queue.busy = false;
            queue.walking.clear();
            self.changed.notify_all();
        }
    }
}

fn walk(kernel: &dyn Kernel, ipam: &Mutex<Ipam>, filters: &[FlowFilter], leases: Vec<Lease>) {
    if !filters.is_empty()
        && let Err(error) = kernel.forget_flows(filters)
    {
        tracing::warn!(%error, "could not forget tracked connections; they end by themselves");
    }
    let mut ipam = ipam.lock().unwrap_or_else(PoisonError::into_inner);
    for lease in leases {
        // A pool that is unknown took its addresses along.
        let _ = ipam.release(&lease.pool, lease.address);
    }
}
