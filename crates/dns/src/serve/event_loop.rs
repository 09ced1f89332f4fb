//! A thread that waits for many sandboxes' sockets at once.
//!
//! Owns: which sandboxes it serves. Taking one in or out never disturbs the others, and waits for no query.

use super::connection;
use super::datagrams::Datagrams;
use super::sandbox::Sandbox;
use crate::forward::Shared;
use crate::{Error, Result};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::runtime::Handle;

/// Events that are fetched at once.
const EVENTS: usize = 64;
/// What the event of [`EventLoop::stop`] says.
const WAKE: u64 = u64::MAX;

/// Where a sandbox stands in a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize);

impl Place {
    fn udp(self) -> u64 {
        (self.0 as u64) << 1
    }

    fn tcp(self) -> u64 {
        self.udp() | 1
    }
}

/// A queue of events and the sandboxes that they are about.
pub(crate) struct EventLoop {
    epoll: Epoll,
    wake: EventFd,
    stopped: AtomicBool,
    /// By place; a free place is used again.
    sandboxes: RwLock<Vec<Option<Arc<Sandbox>>>>,
}

impl EventLoop {
    pub(crate) fn new() -> Result<Self> {
        let failed = |errno: Errno| Error::EventQueue(errno.into());
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(failed)?;
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let wake = EventFd::from_flags(flags).map_err(failed)?;
        epoll.add(&wake, EpollEvent::new(EpollFlags::EPOLLIN, WAKE)).map_err(failed)?;
        Ok(Self { epoll, wake, stopped: AtomicBool::new(false), sandboxes: RwLock::default() })
    }

    /// Serves a sandbox from now on.
    pub(crate) fn add(&self, sandbox: &Arc<Sandbox>) -> io::Result<Place> {
        let place = self.occupy(sandbox);
        let udp = self.epoll.add(&sandbox.udp, EpollEvent::new(EpollFlags::EPOLLIN, place.udp()));
        // Told once for each connection: when accepting fails for want of descriptors, waiting does not become spinning.
        let once = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        let tcp = udp.and_then(|()| self.epoll.add(&sandbox.tcp, EpollEvent::new(once, place.tcp())));
        if let Err(errno) = tcp {
            self.remove(place, sandbox);
            return Err(errno.into());
        }
        Ok(place)
    }

    /// Serves a sandbox no longer.
    pub(crate) fn remove(&self, place: Place, sandbox: &Sandbox) {
        // One that is not there is no error.
        let _ = self.epoll.delete(&sandbox.udp);
        let _ = self.epoll.delete(&sandbox.tcp);
        let mut sandboxes = self.sandboxes.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = sandboxes.get_mut(place.0) {
            *slot = None;
        }
    }

    /// Makes [`EventLoop::run`] return.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        if let Err(error) = self.wake.write(1) {
            tracing::warn!(%error, "could not wake a resolver thread");
        }
    }

    /// Serves until stopped.
    pub(crate) fn run(&self, shared: &Arc<Shared>, forwarding: &Handle) {
        let mut datagrams = Datagrams::new(forwarding.clone());
        let mut events = [EpollEvent::empty(); EVENTS];
        while !self.stopped.load(Ordering::Acquire) {
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => count,
                Err(Errno::EINTR) => continue,
                Err(error) => {
                    tracing::error!(%error, "a resolver thread cannot wait for its sockets");
                    return;
                }
            };
            for event in &events[..count] {
                // An event may be about a sandbox that has gone, or about another one in its place: then its socket
                // has nothing to say, and that is all that happens.
                let Some(sandbox) = self.sandbox(event.data()) else { continue };
                match event.data() & 1 {
                    0 => datagrams.serve(shared, &sandbox),
                    _ => accept(shared, forwarding, &sandbox),
                }
            }
        }
    }

    fn occupy(&self, sandbox: &Arc<Sandbox>) -> Place {
        let mut sandboxes = self.sandboxes.write().unwrap_or_else(PoisonError::into_inner);
        let free = sandboxes.iter().position(Option::is_none);
        let place = free.unwrap_or(sandboxes.len());
        if free.is_none() {
            sandboxes.push(None);
        }
        sandboxes[place] = Some(Arc::clone(sandbox));
        Place(place)
    }

    fn sandbox(&self, token: u64) -> Option<Arc<Sandbox>> {
        let place = usize::try_from(token >> 1).ok()?;
        self.sandboxes.read().unwrap_or_else(PoisonError::into_inner).get(place)?.clone()
    }
}

fn accept(shared: &Arc<Shared>, forwarding: &Handle, sandbox: &Arc<Sandbox>) {
    loop {
        match sandbox.tcp.accept() {
            Ok((stream, _)) => {
                if let Some(serving) = connection::accept(shared, sandbox, stream) {
                    // Nobody waits for it: it ends with its client's silence, and with the sandbox.
                    forwarding.spawn(serving);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted) => {}
            Err(error) => {
                tracing::debug!(%error, "could not accept a connection to the resolver");
                return;
            }
        }
    }
}
