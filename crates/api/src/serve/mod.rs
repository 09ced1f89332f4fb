//! Listening, connections and their limits, and ending in order.
//!
//! Owns: sockets. Must never look into a request.

mod connection;
mod exposition;
mod listen;
mod peer;
mod tls;

pub use exposition::{Render, expose};
pub use listen::{ListenError, bind_tcp, bind_unix, tcp_from_std, unix_from_std};
pub use peer::Peer;
pub use rustls::ServerConfig;
pub use tls::{TlsError, TlsSettings};

use crate::Api;
use connection::{Connections, Wire};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// Where requests come in.
pub enum Listener {
    /// A unix socket.
    Unix(UnixListener),
    /// A TCP port, in the clear.
    Tcp(TcpListener),
    /// A TCP port with TLS.
    Tls(TcpListener, Arc<rustls::ServerConfig>),
}

/// Limits of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How many at once; more wait in the kernel's queue until one ends.
    pub at_once: usize,
    /// How long a connection may stay without a whole request head, also between requests.
    pub idle: Duration,
    /// The longest request head, in bytes.
    pub head: usize,
    /// How long requests may still take after the end was asked for.
    pub grace: Duration,
}

impl Default for ConnectionLimits {
    /// 16,384 connections, or as many as half of the process's open files allow.
    fn default() -> Self {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
        Self {
            at_once: usize::try_from(files / 2).unwrap_or(usize::MAX).clamp(16, 16_384),
            idle: Duration::from_secs(120),
            head: 64 << 10,
            grace: Duration::from_secs(10),
        }
    }
}

/// Serves `api` on all listeners until `shutdown` is over; then takes no more connections, ends event streams, and
/// returns when the last request is answered or the time for that is up.
pub async fn serve(api: Api, listeners: Vec<Listener>, limits: ConnectionLimits, shutdown: impl Future<Output = ()>) {
    let (close, closing) = watch::channel(false);
    let connections = Connections { api: api.clone(), limits, closing };
    let room = Arc::new(Semaphore::new(limits.at_once));
    let mut doors = JoinSet::new();
    for listener in listeners {
        doors.spawn(accept(listener, connections.clone(), room.clone()));
    }
    drop(connections);
    shutdown.await;
    api.close_streams();
    close.send_replace(true);
    let mut open = JoinSet::new();
    while let Some(door) = doors.join_next().await {
        match door {
            Ok(mut left) => open.spawn(async move { while left.join_next().await.is_some() {} }),
            Err(broken) => {
                tracing::error!(%broken, "a listener broke down");
                continue;
            }
        };
    }
    let ended = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.grace, ended).await.is_err() {
        tracing::warn!("requests were cut off: they took longer than the time given to finish");
    }
    // What is left is dropped with its set, which ends it.
}

/// Takes connections until closing; gives back those still open.
async fn accept(listener: Listener, connections: Connections, room: Arc<Semaphore>) -> JoinSet<()> {
    let mut open = JoinSet::new();
    let mut closing = connections.closing.clone();
    loop {
        let next = async {
            let place = room.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            biased;
            () = async { drop(closing.wait_for(|closing| *closing).await) } => return open,
            (place, taken) = next => match (place, taken) {
                (Ok(place), Ok(wire)) => {
                    open.spawn(converse(connections.clone(), wire, place));
                }
                (_, Err(error)) => pause_after(&error).await,
                (Err(_), _) => return open,
            },
            // Only takes note of ended connections, so that their results do not gather.
            Some(_) = open.join_next(), if !open.is_empty() => {}
        }
    }
}

async fn converse(connections: Connections, wire: Wire, _place: OwnedSemaphorePermit) {
    connections.converse(wire).await;
}

/// A client that is gone again is nothing; without file descriptors or memory it would be no use to try at once.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
        return;
    }
    tracing::warn!(%error, "cannot take a connection");
    tokio::time::sleep(Duration::from_millis(50)).await;
}

impl Listener {
    async fn accept(&self) -> io::Result<Wire> {
        match self {
            Self::Unix(listener) => Ok(Wire::Unix(listener.accept().await?.0)),
            Self::Tcp(listener) => Ok(Wire::Tcp(listener.accept().await?.0)),
            Self::Tls(listener, config) => Ok(Wire::Tls(listener.accept().await?.0, config.clone())),
        }
    }
}
