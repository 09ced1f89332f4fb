//! The forwarder as its owner sees it: opened, started, told what is published, stopped.

use crate::counters::{Counters, Tally};
use crate::originals::Originals;
use crate::table::Table;
use crate::{Error, Limits, Result, tcp, udp};
use pontoon_kernel::{Netns, Sockets};
use pontoon_types::{PortMapping, Protocol};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Where the forwarder listens, on every IPv6 address of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    /// For TCP.
    pub tcp: u16,
    /// For UDP.
    pub udp: u16,
}

/// The open sockets of a forwarder that is not started yet. Connections wait meanwhile.
#[derive(Debug)]
pub struct Listening {
    tcp: TcpListener,
    udp: UdpSocket,
    ports: Ports,
}

impl Listening {
    /// Opens the sockets. A restarted daemon asks for the ports it had, which rules in the kernel lead to; a port that
    /// somebody else has taken meanwhile is replaced by one of the kernel's choice, as when none is asked for.
    pub fn open(sockets: &dyn Sockets, wanted: Option<Ports>) -> Result<Self> {
        let any = |port| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        let (tcp, tcp_port) = open("TCP", wanted.map(|ports| ports.tcp), |port| {
            let listener = sockets.tcp_listener(&Netns::Host, any(port))?;
            Ok((listener.local_addr(), listener))
        })?;
        let (udp, udp_port) = open("UDP", wanted.map(|ports| ports.udp), |port| {
            let socket = sockets.udp(&Netns::Host, any(port))?;
            Ok((socket.local_addr(), socket))
        })?;
        Ok(Self { tcp, udp, ports: Ports { tcp: tcp_port, udp: udp_port } })
    }

    /// Where it listens.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Starts to carry flows, on the runtime of the calling thread. Nothing is published yet.
    pub fn start(self, originals: Arc<dyn Originals>, limits: Limits) -> Result<Forwarder> {
        let runtime = tokio::runtime::Handle::try_current().map_err(Error::NoRuntime)?;
        let (table, stop) = (watch::Sender::new(Table::default()), watch::Sender::new(false));
        let tally = Arc::new(Tally::default());
        let shared = Shared { table: table.subscribe(), originals, tally: tally.clone(), limits };
        let mut tasks = JoinSet::new();
        let connections = tcp::Listener::new(self.tcp, shared.clone()).map_err(|e| Error::Prepare("TCP", e))?;
        let flows = udp::Front::new(self.udp, self.ports.udp, shared).map_err(|e| Error::Prepare("UDP", e))?;
        tasks.spawn_on(connections.serve(stop.subscribe()), &runtime);
        tasks.spawn_on(flows.serve(stop.subscribe()), &runtime);
        Ok(Forwarder { ports: self.ports, table, tally, stop, tasks: Mutex::new(tasks) })
    }
}

/// Opens a socket on the wanted port, or on any if that fails; tells its port.
fn open<T>(
    what: &'static str,
    wanted: Option<u16>,
    open: impl Fn(u16) -> pontoon_kernel::Result<(std::io::Result<SocketAddr>, T)>,
) -> Result<(T, u16)> {
    let first = wanted.filter(|port| *port != 0).and_then(|port| {
        open(port)
            .inspect_err(|error| tracing::warn!(%error, "the forwarder's {what} port is taken; choosing another"))
            .ok()
    });
    let (address, socket) = first.map_or_else(|| open(0), Ok).map_err(|cause| Error::Open(what, cause))?;
    Ok((socket, address.map_err(|cause| Error::Prepare(what, cause))?.port()))
}

/// What every flow needs.
#[derive(Clone)]
pub(crate) struct Shared {
    pub table: watch::Receiver<Table>,
    pub originals: Arc<dyn Originals>,
    pub tally: Arc<Tally>,
    pub limits: Limits,
}

impl Shared {
    /// Where packets to `destination` go now.
    pub fn target(&self, protocol: Protocol, destination: SocketAddr) -> Option<SocketAddr> {
        self.table.borrow().target(protocol, destination)
    }

    /// Waits until packets to `destination` no longer go to `target`, or until the forwarder itself is gone.
    pub async fn until_withdrawn(&self, protocol: Protocol, destination: SocketAddr, target: SocketAddr) {
        let moved = |table: &Table| table.target(protocol, destination) != Some(target);
        // An error says that the forwarder was dropped: nothing is published any more.
        let _ = self.table.clone().wait_for(moved).await;
    }
}

/// A forwarder at work. Dropping it ends all flows at once.
#[derive(Debug)]
pub struct Forwarder {
    ports: Ports,
    table: watch::Sender<Table>,
    tally: Arc<Tally>,
    stop: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
}

impl Forwarder {
    /// Where it listens.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Carries `add` from now on and no longer `remove`; flows of what is removed end. Mappings that no IPv6 client can
    /// use are not meant for the forwarder and ignored, as are those removed that were not there.
    pub fn change(&self, add: &[PortMapping], remove: &[PortMapping]) {
        self.table.send_if_modified(|table| {
            let removed = remove.iter().filter(|mapping| table.remove(mapping)).count();
            let added = add.iter().filter(|mapping| table.insert(mapping)).count();
            removed + added > 0
        });
    }

    /// Carries exactly these; flows of all others end.
    pub fn replace(&self, all: &[PortMapping]) {
        let new: Table = all.iter().collect();
        self.table.send_if_modified(|table| {
            let differs = *table != new;
            *table = new;
            differs
        });
    }

    /// Carries this mapping from now on.
    pub fn set(&self, mapping: &PortMapping) {
        self.change(std::slice::from_ref(mapping), &[]);
    }

    /// Carries this mapping no longer; its flows end.
    pub fn remove(&self, mapping: &PortMapping) {
        self.change(&[], std::slice::from_ref(mapping));
    }

    /// What it has done so far.
    pub fn counters(&self) -> Counters {
        self.tally.read()
    }

    /// Takes no new flow, waits at most `grace` for TCP connections to end by themselves, and ends the rest.
    pub async fn stop(&self, grace: Duration) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        self.stop.send_replace(true);
        let ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, ended).await.is_err() {
            tasks.shutdown().await;
        }
    }
}
