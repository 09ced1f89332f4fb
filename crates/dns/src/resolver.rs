//! The resolver of all sandboxes.
//!
//! Owns: which sandboxes are served, and the threads that do it. Its own threads: a flood of lookups never delays the
//! rest of the daemon. Must never write a rule: who leads port 53 to the sockets opened here is told their ports.

use crate::counters::{Counters, Metrics};
use crate::forward::{Budget, Registry, Shared};
use crate::serve::{EventLoop, Place, Sandbox, View};
use crate::{Error, Result, Settings};
use pontoon_cnm::{DnsPorts, SandboxNames, Upstreams};
use pontoon_kernel::{Kind, Netns, Sockets};
use pontoon_types::SandboxId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::runtime::{Builder, Runtime};

/// Threads that may wait for connections to servers outside.
const CONNECTING_THREADS: usize = 64;

/// Answers at 127.0.0.11 in every sandbox it is told of. Dropping it stops all of it.
pub struct Resolver {
    shared: Arc<Shared>,
    sets: Registry,
    loops: Vec<(Arc<EventLoop>, JoinHandle<()>)>,
    next_loop: AtomicUsize,
    forwarding: Option<Runtime>,
    open: Mutex<HashMap<SandboxId, Open>>,
}

/// A sandbox that is served, and by whom.
struct Open {
    sandbox: Arc<Sandbox>,
    served_by: Arc<EventLoop>,
    place: Place,
}

impl Resolver {
    /// A resolver that serves nobody yet, with its threads waiting.
    pub fn new(sockets: Arc<dyn Sockets + Send + Sync>, settings: Settings) -> Result<Self> {
        let mut runtime = Builder::new_multi_thread();
        runtime.worker_threads(settings.forwarding_threads.get()).max_blocking_threads(CONNECTING_THREADS);
        let forwarding = runtime.thread_name("dns-forward").enable_all().build().map_err(Error::Thread)?;
        let threads = settings.answering_threads.get();
        let kept = Budget::new(settings.cache_bytes_in_total);
        let (counters, on_their_way) = (Counters::default(), AtomicUsize::new(0));
        let shared = Arc::new(Shared { sockets, settings, counters, kept, on_their_way });
        let mut resolver = Self {
            shared,
            sets: Registry::default(),
            loops: Vec::new(),
            next_loop: AtomicUsize::new(0),
            forwarding: Some(forwarding),
            open: Mutex::default(),
        };
        for _ in 0..threads {
            resolver.start_loop()?;
        }
        Ok(resolver)
    }

    /// What it did so far.
    pub fn metrics(&self) -> Metrics {
        self.shared.counters.read()
    }

    /// How many sandboxes it serves.
    pub fn served(&self) -> usize {
        self.lock().len()
    }

    fn start_loop(&mut self) -> Result<()> {
        let Some(forwarding) = &self.forwarding else { return Ok(()) };
        let (event_loop, handle) = (Arc::new(EventLoop::new()?), forwarding.handle().clone());
        let (running, shared) = (Arc::clone(&event_loop), Arc::clone(&self.shared));
        let thread = std::thread::Builder::new().name("dns".into());
        let thread = thread.spawn(move || running.run(&shared, &handle)).map_err(Error::Thread)?;
        self.loops.push((event_loop, thread));
        Ok(())
    }

    fn view(&self, id: SandboxId, ns: &Netns, names: Arc<SandboxNames>, upstreams: &Upstreams) -> View {
        let servers = self.sets.set(&self.shared, id, ns, upstreams);
        View { names, servers, ndots_set: upstreams.ndots_set }
    }

    /// Has a thread serve a sandbox whose sockets are open.
    fn serve(&self, sandbox: Arc<Sandbox>) -> pontoon_kernel::Result<Open> {
        let failed = |cause: String| pontoon_kernel::Error::new(Kind::Other, "wait for the resolver's sockets", cause);
        let turn = self.next_loop.fetch_add(1, Ordering::Relaxed) % self.loops.len().max(1);
        let (served_by, _) = self.loops.get(turn).ok_or_else(|| failed("no thread".into()))?;
        let place = served_by.add(&sandbox).map_err(|cause| failed(cause.to_string()))?;
        Ok(Open { sandbox, served_by: Arc::clone(served_by), place })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SandboxId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl pontoon_cnm::Resolver for Resolver {
    /// A sandbox that is served already is updated, and keeps its ports.
    fn open(
        &self,
        id: SandboxId,
        ns: &Netns,
        names: Arc<SandboxNames>,
        upstreams: Upstreams,
        wanted: Option<DnsPorts>,
    ) -> std::result::Result<DnsPorts, pontoon_kernel::Error> {
        let view = self.view(id, ns, names, &upstreams);
        if let Some(open) = self.lock().get(&id) {
            open.sandbox.view.store(Arc::new(view));
            return Ok(open.sandbox.ports);
        }
        let sandbox = Arc::new(Sandbox::open(self.shared.sockets.as_ref(), ns, view, wanted)?);
        let open = self.serve(sandbox)?;
        let ports = open.sandbox.ports;
        match self.lock().entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(open);
                Ok(ports)
            }
            // Somebody was quicker: theirs stands.
            Entry::Occupied(entry) => {
                open.close();
                Ok(entry.get().sandbox.ports)
            }
        }
    }

    fn update(&self, id: SandboxId, names: Arc<SandboxNames>, upstreams: Upstreams) {
        let Some(sandbox) = self.lock().get(&id).map(|open| Arc::clone(&open.sandbox)) else { return };
        let view = self.view(id, &sandbox.ns, names, &upstreams);
        sandbox.view.store(Arc::new(view));
    }

    fn close(&self, id: SandboxId) {
        let open = self.lock().remove(&id);
        if let Some(open) = open {
            open.close();
        }
    }
}

impl Open {
    fn close(&self) {
        self.served_by.remove(self.place, &self.sandbox);
        self.sandbox.close();
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        for open in self.lock().values() {
            open.close();
        }
        for (event_loop, _) in &self.loops {
            event_loop.stop();
        }
        for (_, thread) in self.loops.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a resolver thread had panicked");
            }
        }
        if let Some(forwarding) = self.forwarding.take() {
            forwarding.shutdown_background();
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("served", &self.served()).finish_non_exhaustive()
    }
}
