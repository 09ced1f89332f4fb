//! Tells neighbours again where an endpoint's addresses are (sandbox.md section 6). The kernel says it once when the link
//! comes up; the other times are said here, at the interval asked for, while no request waits.
//!
//! Owns one thread and what is due. An endpoint that leaves takes its turns along.

use pontoon_kernel::{Kernel, Netns};
use pontoon_types::{EndpointId, LinkName};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What is to be said of one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Announcement {
    /// Where.
    pub ns: Netns,
    /// On which link.
    pub link: LinkName,
    /// Which addresses.
    pub addresses: Vec<IpAddr>,
    /// How often still.
    pub times: u8,
    /// How long from one time to the next.
    pub interval: Duration,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: HashMap<EndpointId, (Instant, Announcement)>,
    due: BTreeSet<(Instant, EndpointId)>,
    stop: bool,
}

impl Queue {
    fn put(&mut self, endpoint: EndpointId, announcement: Announcement) {
        self.forget(endpoint);
        let at = Instant::now() + announcement.interval;
        self.due.insert((at, endpoint));
        self.waiting.insert(endpoint, (at, announcement));
    }

    fn forget(&mut self, endpoint: EndpointId) {
        if let Some((at, _)) = self.waiting.remove(&endpoint) {
            self.due.remove(&(at, endpoint));
        }
    }

    /// Takes what is due, if anything is, and puts it down for the next time.
    fn take(&mut self) -> Option<Announcement> {
        let (at, endpoint) = *self.due.first()?;
        if at > Instant::now() {
            return None;
        }
        let (_, announcement) = self.waiting.get(&endpoint)?.clone();
        match announcement.times {
            0 | 1 => self.forget(endpoint),
            times => self.put(endpoint, Announcement { times: times - 1, ..announcement.clone() }),
        }
        Some(announcement)
    }
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// The thread and its queue.
#[derive(Debug)]
pub(crate) struct Announcer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Announcer {
    /// Starts the thread.
    pub fn start(kernel: Arc<dyn Kernel>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = shared.clone();
        let thread = std::thread::Builder::new().name("announcer".into()).spawn(move || own.run(kernel.as_ref()))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Says it for the first time after one interval. Replaces what was to be said of the endpoint.
    pub fn announce(&self, endpoint: EndpointId, announcement: Announcement) {
        if announcement.times > 0 && !announcement.addresses.is_empty() {
            self.shared.lock().put(endpoint, announcement);
            self.shared.changed.notify_all();
        }
    }

    /// Says nothing more of the endpoint.
    pub fn cancel(&self, endpoint: EndpointId) {
        self.shared.lock().forget(endpoint);
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the announcing thread had panicked");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, kernel: &dyn Kernel) {
        let mut queue = self.lock();
        while !queue.stop {
            if let Some(announcement) = queue.take() {
                drop(queue);
                say(kernel, &announcement);
                queue = self.lock();
                continue;
            }
            let next = queue.due.first().map(|(at, _)| at.saturating_duration_since(Instant::now()));
            queue = match next {
                Some(wait) => self.changed.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

fn say(kernel: &dyn Kernel, announcement: &Announcement) {
    for address in &announcement.addresses {
        // A link that is down, or leaves at this moment, has nothing to say.
        if let Err(error) = kernel.announce(&announcement.ns, &announcement.link, *address) {
            tracing::debug!(%address, %error, "an address was not announced again");
        }
    }
}
