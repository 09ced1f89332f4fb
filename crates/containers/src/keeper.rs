//! When definitions are written to disk: at once for whoever waits, together and a little later for everything else.
//!
//! Owns the thread that commits. Changes of state are kept lazily, so that no start and no exit waits for a disk; many
//! that come together cost one commit. A lazy change that cannot be written is tried again with the next one.

use crate::store::{Change, ContainerRecord, Definitions};
use crate::{Error, Result};
use pontoon_types::ContainerId;
use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a lazy change may wait for others.
const LAZINESS: Duration = Duration::from_millis(200);

type Told = std::result::Result<(), pontoon_store::Error>;

/// Changes that somebody waits for.
struct Order {
    changes: Vec<Change>,
    tell: Sender<Told>,
}

#[derive(Default)]
struct Pending {
    orders: Vec<Order>,
    lazy: BTreeMap<ContainerId, Box<ContainerRecord>>,
    lazy_since: Option<Instant>,
    closed: bool,
}

struct Shared {
    definitions: Box<dyn Definitions>,
    pending: Mutex<Pending>,
    wake: Condvar,
}

/// The one who writes.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Keeper {
    /// Starts the thread.
    pub fn start(definitions: Box<dyn Definitions>) -> Result<Self> {
        let shared = Arc::new(Shared { definitions, pending: Mutex::default(), wake: Condvar::new() });
        let own = shared.clone();
        let thread = std::thread::Builder::new().name("definitions".into()).spawn(move || own.work());
        let thread = thread.map_err(Error::file("start the thread that keeps definitions"))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// What is kept.
    pub fn definitions(&self) -> &dyn Definitions {
        self.shared.definitions.as_ref()
    }

    /// Keeps `record` soon.
    pub fn soon(&self, record: ContainerRecord) {
        let mut pending = self.shared.lock();
        pending.lazy_since.get_or_insert_with(Instant::now);
        pending.lazy.insert(record.definition.id, Box::new(record));
        self.shared.wake.notify_one();
    }

    /// Makes all of `changes` durable, or none, before it returns.
    pub fn now(&self, changes: Vec<Change>) -> Result<()> {
        let (tell, told) = channel();
        let mut pending = self.shared.lock();
        if pending.closed {
            return Err(Error::ShuttingDown);
        }
        for id in changes.iter().filter_map(Change::container) {
            pending.lazy.remove(&id);
        }
        pending.orders.push(Order { changes, tell });
        drop(pending);
        self.shared.wake.notify_one();
        Ok(told.recv().map_err(|_| Error::ShuttingDown)??)
    }

    /// Writes what is pending and ends the thread.
    pub fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that keeps definitions broke down");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.close();
    }
}

impl Change {
    fn container(&self) -> Option<ContainerId> {
        match self {
            Self::PutContainer(record) => Some(record.definition.id),
            Self::DeleteContainer(id) => Some(*id),
            Self::PutVolume(_) | Self::DeleteVolume(_) => None,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let mut pending = self.lock();
            while pending.orders.is_empty() && !pending.closed {
                let left = pending.lazy_since.map(|since| LAZINESS.saturating_sub(since.elapsed()));
                pending = match left {
                    Some(Duration::ZERO) => break,
                    Some(left) => self.wake.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0,
                    None => self.wake.wait(pending).unwrap_or_else(PoisonError::into_inner),
                };
            }
            let (orders, lazy) = (std::mem::take(&mut pending.orders), std::mem::take(&mut pending.lazy));
            pending.lazy_since = None;
            let last = pending.closed && orders.is_empty();
            drop(pending);
            self.write(orders, lazy);
            if last {
                return;
            }
        }
    }

    /// One commit for all; only if that fails, one for each, so that nobody fails for another.
    fn write(&self, orders: Vec<Order>, lazy: BTreeMap<ContainerId, Box<ContainerRecord>>) {
        let put = |record: &ContainerRecord| Change::PutContainer(Box::new(record.clone()));
        let mut all: Vec<Change> = lazy.values().map(|record| put(record)).collect();
        all.extend(orders.iter().flat_map(|order| order.changes.iter().cloned()));
        if all.is_empty() {
            return;
        }
        let whole = self.definitions.commit(&all);
        let failed = whole.is_err();
        for order in orders {
            let told = if failed { self.definitions.commit(&order.changes) } else { Ok(()) };
            // Who does not wait any more does not want to know.
            let _ = order.tell.send(told);
        }
        if let Err(error) = whole
            && !lazy.is_empty()
        {
            tracing::warn!(%error, containers = lazy.len(), "states are not kept durably yet; trying again");
            self.put_back(lazy);
        }
    }

    fn put_back(&self, lazy: BTreeMap<ContainerId, Box<ContainerRecord>>) {
        let mut pending = self.lock();
        if pending.closed {
            return;
        }
        for (id, record) in lazy {
            let newer = pending.orders.iter().flat_map(|order| &order.changes).any(|c| c.container() == Some(id));
            if !newer {
                pending.lazy.entry(id).or_insert(record);
            }
        }
        pending.lazy_since = Some(Instant::now() + LAZINESS * 10);
    }
}
