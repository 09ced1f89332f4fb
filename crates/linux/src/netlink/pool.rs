//! Netlink sockets of the host's namespace, kept open between calls.
//!
//! Owns idle sockets and the ports of all it ever opened that are still open: by those the watcher knows our own hand.

use super::Socket;
use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// More than this many idle ones are closed.
const IDLE: usize = 8;

/// Sockets of one protocol.
pub(crate) struct Pool {
    protocol: i32,
    idle: Mutex<Vec<Socket>>,
    ports: Mutex<BTreeSet<u32>>,
}

impl Pool {
    /// An empty pool.
    pub(crate) fn new(protocol: i32) -> Self {
        Self { protocol, idle: Mutex::default(), ports: Mutex::default() }
    }

    /// Whether `port` is one of ours.
    pub(crate) fn owns(&self, port: u32) -> bool {
        lock(&self.ports).contains(&port)
    }

    /// Takes an idle socket, if there is one.
    pub(crate) fn take(&self) -> Option<Socket> {
        lock(&self.idle).pop()
    }

    /// Opens one; the calling thread must be in the host's namespace.
    pub(crate) fn open(&self) -> io::Result<Socket> {
        let socket = Socket::open(self.protocol)?.strict();
        lock(&self.ports).insert(socket.port());
        Ok(socket)
    }

    /// Takes a socket back, or closes it when it broke off or there are enough.
    pub(crate) fn give_back(&self, socket: Socket) {
        let mut idle = lock(&self.idle);
        if socket.is_broken() || idle.len() >= IDLE {
            lock(&self.ports).remove(&socket.port());
        } else {
            idle.push(socket);
        }
    }
}

/// A panic while holding one of these locks leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
