//! One client's flow: where it leads, when it was last used, and its answers on their way back.

use crate::counters::add;
use crate::datagram::{self, LARGEST, Path};
use crate::forwarder::Shared;
use pontoon_kernel::FlowKey;
use pontoon_types::Protocol;
use std::cell::RefCell;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::UdpSocket;
use tokio::time::{Duration, Instant};

/// Answers carried in one go before anything else gets its turn.
const BATCH: usize = 64;

thread_local! {
    /// One buffer for each thread, not for each flow: idle flows cost no memory.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; LARGEST]);
}

/// A flow that is over: idle for too long, or no longer published.
pub(super) struct Ended;

/// A flow with its own socket to the sandbox.
pub(super) struct Flow {
    path: Path,
    original: SocketAddr,
    target: SocketAddr,
    backend: UdpSocket,
    begun: Instant,
    /// Milliseconds from the beginning to the last datagram.
    used: AtomicU64,
}

/// Finds out where a client's datagrams were sent to and connects to the sandbox behind it. `None` when there is none.
pub(super) async fn find(path: Path, port: u16, shared: Shared) -> Option<Flow> {
    let answers = FlowKey {
        protocol: Protocol::Udp,
        source: SocketAddr::from((path.local, port)),
        destination: SocketAddr::from((*path.client.ip(), path.client.port())),
    };
    let originals = shared.originals.clone();
    let looked_up = tokio::task::spawn_blocking(move || originals.udp(&answers)).await.ok()?;
    let original = looked_up
        .inspect_err(|error| tracing::debug!(%error, client = %path.client, "look up a redirected flow"))
        .ok()??;
    let target = shared.target(Protocol::Udp, original)?;
    let backend = connect(target).await;
    let backend = backend.inspect_err(|error| {
        tracing::debug!(%error, %target, "connect a redirected flow");
        shared.tally.fail();
    });
    Some(Flow { path, original, target, backend: backend.ok()?, begun: Instant::now(), used: AtomicU64::new(0) })
}

async fn connect(target: SocketAddr) -> io::Result<UdpSocket> {
    let any = match target {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    // The daemon's threads are in the host's namespace, where the sandbox is reached.
    let socket = UdpSocket::bind(any).await?;
    socket.connect(target).await?;
    // The runtime must have seen once that it is writable; until then it says that it is not.
    socket.writable().await?;
    Ok(socket)
}

impl Flow {
    /// The socket to the sandbox.
    pub fn backend(&self) -> &UdpSocket {
        &self.backend
    }

    /// A datagram went one way or the other.
    pub fn touch(&self) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.used.fetch_max(now, Ordering::Relaxed);
    }

    fn over_at(&self, idle: Duration) -> Instant {
        self.begun + Duration::from_millis(self.used.load(Ordering::Relaxed)) + idle
    }

    /// Carries answers back until the flow is idle for too long or no longer published.
    pub async fn answer(&self, front: &UdpSocket, shared: &Shared) -> Ended {
        let _open = shared.tally.open_udp();
        tokio::select! {
            () = self.answer_until_idle(front, shared) => {}
            () = shared.until_withdrawn(Protocol::Udp, self.original, self.target) => {}
        }
        Ended
    }

    async fn answer_until_idle(&self, front: &UdpSocket, shared: &Shared) {
        loop {
            let over = self.over_at(shared.limits.udp_idle);
            match tokio::time::timeout_at(over, self.backend.readable()).await {
                Ok(Ok(())) => BUFFER.with_borrow_mut(|buffer| self.answer_batch(front, shared, buffer)),
                Ok(Err(_)) => return,
                Err(_) if self.over_at(shared.limits.udp_idle) <= Instant::now() => return,
                Err(_) => {}
            }
        }
    }

    fn answer_batch(&self, front: &UdpSocket, shared: &Shared, buffer: &mut [u8]) {
        for _ in 0..BATCH {
            let length = match self.backend.try_recv(buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Refused or unreachable at the moment: the service may come up yet.
                Err(_) => continue,
            };
            self.touch();
            let bytes = buffer.get(..length).unwrap_or_default();
            match datagram::answer(front, bytes, &self.path) {
                Ok(()) => add(&shared.tally.bytes_out, length as u64),
                Err(error) => tracing::trace!(%error, client = %self.path.client, "send an answer to a client"),
            }
        }
    }
}
