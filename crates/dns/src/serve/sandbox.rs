//! One sandbox that is served: its two sockets and what it sees.

use crate::Terms;
use crate::answer::Transport;
use crate::forward::ServerSet;
use arc_swap::ArcSwap;
use nix::sys::socket::{setsockopt, sockopt};
use pontoon_cnm::{DnsPorts, SandboxNames};
use pontoon_kernel::{Error, Kind, Netns, Result, Sockets};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tokio::sync::watch;

/// Where the resolver is in every sandbox.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);

/// Room for queries that wait to be received.
const WAITING_BYTES: usize = 1 << 20;

/// What a sandbox sees. Replaced as a whole.
pub(crate) struct View {
    pub(crate) names: Arc<SandboxNames>,
    pub(crate) servers: Arc<ServerSet>,
    pub(crate) ndots_set: bool,
}

impl View {
    pub(crate) fn terms(&self, transport: Transport) -> Terms {
        Terms { transport, ndots_set: self.ndots_set }
    }
}

/// A sandbox that is served.
pub(crate) struct Sandbox {
    pub(crate) ns: Netns,
    pub(crate) udp: UdpSocket,
    pub(crate) tcp: TcpListener,
    pub(crate) ports: DnsPorts,
    pub(crate) view: ArcSwap<View>,
    /// Queries on their way outside.
    pub(crate) on_their_way: AtomicUsize,
    /// Open connections.
    pub(crate) connections: AtomicUsize,
    closed: watch::Sender<bool>,
}

impl Sandbox {
    /// Opens its sockets, on the wanted ports where they are free.
    pub(crate) fn open(sockets: &dyn Sockets, ns: &Netns, view: View, wanted: Option<DnsPorts>) -> Result<Self> {
        let udp = open(wanted.map(|ports| ports.udp), |address| sockets.udp(ns, address))?;
        // Bursts wait there while the thread is elsewhere; the kernel gives as much as it may, and memory only in use.
        if let Err(error) = setsockopt(&udp, sockopt::RcvBuf, &WAITING_BYTES) {
            tracing::debug!(%error, "the resolver's socket keeps the usual room");
        }
        let tcp = open(wanted.map(|ports| ports.tcp), |address| sockets.tcp_listener(ns, address))?;
        let failed = |cause: io::Error| Error::new(Kind::Other, "ask for the resolver's port", cause.to_string());
        let ports =
            DnsPorts { udp: udp.local_addr().map_err(failed)?.port(), tcp: tcp.local_addr().map_err(failed)?.port() };
        let (on_their_way, connections) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (view, closed) = (ArcSwap::from_pointee(view), watch::Sender::new(false));
        Ok(Self { ns: ns.clone(), udp, tcp, ports, view, on_their_way, connections, closed })
    }

    /// Ends everything that is done for it: nothing may hold its namespace any longer.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Returns when the sandbox has been closed.
    pub(crate) async fn closed(&self) {
        // The sender lives in `self`: waiting can only end because of the value.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }
}

/// Opens a socket on the wanted port, or on one that the kernel chooses when that is taken.
fn open<T>(wanted: Option<u16>, open: impl Fn(SocketAddr) -> Result<T>) -> Result<T> {
    match wanted.map(|port| open(SocketAddr::from((ADDRESS, port)))) {
        Some(Err(error)) if error.kind == Kind::Busy => {}
        Some(opened) => return opened,
        None => {}
    }
    open(SocketAddr::from((ADDRESS, 0)))
}
