//! Where the sockets of a run are: in the process, or in a thread with a file table of its own.
//!
//! Owns those threads. A descriptor of the process must never be opened, kept or dropped in one of them.

use super::run::{Refused, Run, Wanted};
use super::{Filter, SMALL};
use crate::host::{HostFile, Linux};
use pontoon_kernel::Reservation;
use pontoon_types::{Family, PortRange, Protocol};
use std::io;
use std::os::fd::RawFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Longer than closing 65,535 sockets takes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who gives back one family of a run mostly gives back the other right after; narrowing the run in between would be for
/// nothing, and takes as long as taking it.
const TOGETHER: Duration = Duration::from_millis(5);
/// These threads call nothing deep.
const STACK: usize = 128 * 1024;

/// A run of ports, held.
pub(super) enum Holder {
    /// By descriptors of the process; narrowing opens sockets, for which the host's namespace is needed.
    Here(Mutex<Run>, HostFile),
    /// By a thread, which knows the namespace since it was made in it.
    Thread(Sender<Order>, Protocol, PortRange),
}

/// A run of ports being taken.
pub(super) struct Opening {
    holder: Holder,
    answer: Option<Receiver<Result<(), Refused>>>,
    /// What is said of a thread that died without an answer.
    unanswered: Refused,
}

/// One family to give back, or everything.
pub(super) struct Order {
    family: Option<Family>,
    release: Release,
}

impl Opening {
    /// Begins to take the ports; the calling thread is in the host's namespace.
    pub(super) fn start(wanted: Wanted, linux: &Linux) -> Result<Self, Refused> {
        let filter = linux.filter;
        let family = if wanted.v4.is_some() { Family::V4 } else { Family::V6 };
        let unanswered = Refused { family, port: wanted.ports.start, errno: libc::EIO };
        if wanted.ports.count() <= SMALL {
            let run = Run::open(wanted, filter)?;
            let holder = Holder::Here(Mutex::new(run), linux.host_file());
            return Ok(Self { holder, answer: None, unanswered });
        }
        let (protocol, ports) = (wanted.protocol, wanted.ports);
        let (orders, inbox) = channel();
        let (sender, answer) = channel();
        let thread = std::thread::Builder::new().name("ports".into()).stack_size(STACK);
        let spawned = thread.spawn(move || hold(wanted, filter, &sender, &inbox));
        match spawned {
            Ok(_) => Ok(Self { holder: Holder::Thread(orders, protocol, ports), answer: Some(answer), unanswered }),
            Err(error) => Err(Refused { errno: error.raw_os_error().unwrap_or(libc::EAGAIN), ..unanswered }),
        }
    }

    /// Waits until every port is taken, or says which could not be.
    pub(super) fn finish(self) -> Result<Holder, Refused> {
        if let Some(answer) = self.answer {
            answer.recv().unwrap_or(Err(self.unanswered))?;
        }
        Ok(self.holder)
    }
}

impl Holder {
    /// Gives one family back. Returns at once for a long run.
    pub(super) fn release(&self, family: Family, releases: &Arc<Releases>) {
        match self {
            Self::Here(run, host) => {
                let narrowed = host.within(|| lock(run).release(family));
                if let Err(error) = narrowed {
                    tracing::warn!(%error, "reserved ports stay held until the other family is given back");
                }
            }
            Self::Thread(orders, protocol, ports) => {
                // A thread that has ended holds nothing.
                let _ = orders.send(Order { family: Some(family), release: releases.begin(*protocol, *ports) });
            }
        }
    }

    /// Gives everything back. Returns at once for a long run.
    pub(super) fn abandon(&self, releases: &Arc<Releases>) {
        match self {
            Self::Here(run, _) => lock(run).clear(),
            Self::Thread(orders, protocol, ports) => {
                let _ = orders.send(Order { family: None, release: releases.begin(*protocol, *ports) });
            }
        }
    }
}

/// What a holding thread does all its life.
fn hold(wanted: Wanted, filter: Filter, answer: &Sender<Result<(), Refused>>, inbox: &Receiver<Order>) {
    if let Err(error) = own_file_table(filter.descriptor()) {
        tracing::debug!(%error, "reserved ports use up the process's own descriptors");
    }
    let mut run = match Run::open(wanted, filter) {
        Ok(run) => run,
        Err(refused) => {
            let _ = answer.send(Err(refused));
            return;
        }
    };
    if answer.send(Ok(())).is_err() {
        return;
    }
    // When the other side is gone, so is the need.
    while !run.is_empty()
        && let Ok(Order { family, release }) = inbox.recv()
    {
        let second = if run.would_stay(family) { inbox.recv_timeout(TOGETHER).ok() } else { None };
        match (family, &second) {
            (Some(family), None) => run.release(family),
            // The other family, or everything.
            _ => run.clear(),
        }
        drop((release, second.map(|order| order.release)));
    }
}

/// Gives the calling thread a file table of its own with nothing in it but standard streams and `keep`.
fn own_file_table(keep: Option<RawFd>) -> io::Result<()> {
    const FIRST: u32 = 3;
    let keep = keep.and_then(|fd| u32::try_from(fd).ok()).filter(|&fd| fd >= FIRST);
    // Unsharing (kernel 5.9) leaves out the closed range, so that it comes first and is the larger one.
    close_range(keep.map_or(FIRST, |fd| fd + 1), u32::MAX, libc::CLOSE_RANGE_UNSHARE)?;
    match keep {
        Some(fd) if fd > FIRST => close_range(FIRST, fd - 1, 0),
        _ => Ok(()),
    }
}

#[allow(unsafe_code)]
fn close_range(first: u32, last: u32, flags: u32) -> io::Result<()> {
    // SAFETY: takes three numbers. With the first call the thread's file table becomes its own, so that what is
    // closed then and later is only this thread's view: no owner elsewhere loses a descriptor.
    let outcome = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The runs that are being given back at the moment.
#[derive(Debug, Default)]
pub(crate) struct Releases {
    pending: Mutex<Vec<(Protocol, PortRange)>>,
    done: Condvar,
}

/// A run that is being given back, until dropped.
struct Release {
    releases: Arc<Releases>,
    ports: (Protocol, PortRange),
}

impl Releases {
    fn begin(self: &Arc<Self>, protocol: Protocol, ports: PortRange) -> Release {
        lock(&self.pending).push((protocol, ports));
        Release { releases: Arc::clone(self), ports: (protocol, ports) }
    }

    /// Waits until none of these ports is still being given back.
    pub(super) fn wait_for(&self, reservations: &[Reservation]) {
        let meant = |(protocol, ports): &(Protocol, PortRange)| {
            let overlaps = |other: &PortRange| ports.start <= other.end && other.start <= ports.end;
            reservations.iter().any(|wanted| wanted.protocol == *protocol && overlaps(&wanted.ports))
        };
        let waited = self.done.wait_timeout_while(lock(&self.pending), PATIENCE, |pending| pending.iter().any(meant));
        drop(waited);
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let mut pending = lock(&self.releases.pending);
        if let Some(place) = pending.iter().position(|ports| *ports == self.ports) {
            pending.swap_remove(place);
        }
        self.releases.done.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
