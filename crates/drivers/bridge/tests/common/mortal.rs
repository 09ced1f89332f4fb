//! A kernel under a daemon that can be killed at any operation: it panics there, and every time afterwards.

use pontoon_kernel::fake::FakeHost;
use pontoon_kernel::nft::{Observed as Table, TableId, Transaction};
use pontoon_kernel::{
    Changes, Counters, Failed, FlowFilter, FlowKey, Kernel, Link, Netns, NetnsId, NetnsOwner, Observed, Op,
    Reservation, ReservedPorts, Result, Sockets,
};
use pontoon_types::LinkName;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How many operations are left before the end.
#[derive(Debug)]
pub struct Life(AtomicI64);

impl Default for Life {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MAX / 2))
    }
}

impl Life {
    /// The daemon dies instead of doing the operation after `count` more.
    pub fn end_after(&self, count: usize) {
        self.0.store(i64::try_from(count).unwrap(), Ordering::SeqCst);
    }

    pub fn is_over(&self) -> bool {
        self.0.load(Ordering::SeqCst) < 0
    }

    /// One operation.
    pub fn tick(&self) {
        if self.0.fetch_sub(1, Ordering::SeqCst) <= 0 {
            std::panic::resume_unwind(Box::new("killed"));
        }
    }
}

pub struct Mortal {
    pub host: FakeHost,
    pub life: std::sync::Arc<Life>,
    /// Without it, addresses are given back at once and not when another thread has found the time.
    pub tracks_flows: bool,
}

impl Mortal {
    fn alive(&self) -> &FakeHost {
        self.life.tick();
        &self.host
    }
}

impl Sockets for Mortal {
    fn udp(&self, ns: &Netns, address: SocketAddr) -> Result<UdpSocket> {
        self.alive().udp(ns, address)
    }

    fn tcp_listener(&self, ns: &Netns, address: SocketAddr) -> Result<TcpListener> {
        self.alive().tcp_listener(ns, address)
    }

    fn tcp_connect(&self, ns: &Netns, address: SocketAddr, timeout: Duration) -> Result<TcpStream> {
        self.alive().tcp_connect(ns, address, timeout)
    }

    fn tcp_original_destination(&self, stream: &TcpStream) -> Result<SocketAddr> {
        self.alive().tcp_original_destination(stream)
    }

    fn reserve(&self, reservation: &Reservation) -> Result<Box<dyn ReservedPorts>> {
        self.alive().reserve(reservation)
    }

    fn reserve_all(&self, reservations: &[Reservation]) -> Result<Vec<Box<dyn ReservedPorts>>> {
        self.alive().reserve_all(reservations)
    }
}

impl Kernel for Mortal {
    fn observe(&self, ns: &Netns) -> Result<Observed> {
        self.alive().observe(ns)
    }

    fn link(&self, ns: &Netns, name: &LinkName) -> Result<Option<Link>> {
        self.alive().link(ns, name)
    }

    fn counters(&self, ns: &Netns) -> Result<Vec<(LinkName, Counters)>> {
        self.alive().counters(ns)
    }

    fn apply(&self, ns: &Netns, ops: &[Op]) -> std::result::Result<(), Failed> {
        for (done, op) in ops.iter().enumerate() {
            self.alive().apply(ns, std::slice::from_ref(op)).map_err(|failed| Failed { done, ..failed })?;
        }
        Ok(())
    }

    fn reap(&self, ns: &Netns) -> pontoon_kernel::Result<bool> {
        // On a thread of its own, which has no say in when the daemon dies.
        if self.life.is_over() { Ok(false) } else { self.host.reap(ns) }
    }

    fn reap_bridge(&self, ns: &Netns) -> pontoon_kernel::Result<bool> {
        // As reaping.
        if self.life.is_over() { Ok(false) } else { self.host.reap_bridge(ns) }
    }

    fn announce(&self, ns: &Netns, link: &LinkName, address: std::net::IpAddr) -> Result<()> {
        // As reaping.
        if self.life.is_over() { Ok(()) } else { self.host.announce(ns, link, address) }
    }

    fn sysctl(&self, ns: &Netns, key: &str) -> Result<Option<String>> {
        self.alive().sysctl(ns, key)
    }

    fn table(&self, ns: &Netns, id: &TableId) -> Result<Option<Table>> {
        self.alive().table(ns, id)
    }

    fn commit(&self, ns: &Netns, transaction: &Transaction) -> Result<()> {
        self.alive().commit(ns, transaction)
    }

    fn forget_flows(&self, filters: &[FlowFilter]) -> Result<usize> {
        // As reaping.
        if self.life.is_over() { Ok(0) } else { self.host.forget_flows(filters) }
    }

    fn tracks_flows(&self) -> bool {
        self.tracks_flows
    }

    fn original_destination(&self, reply: &FlowKey) -> Result<Option<SocketAddr>> {
        self.alive().original_destination(reply)
    }

    fn create_netns(&self, path: &Path) -> Result<Netns> {
        self.alive().create_netns(path)
    }

    fn adopt_netns(&self, owner: &NetnsOwner, path: &Path) -> Result<Netns> {
        self.alive().adopt_netns(owner, path)
    }

    fn release_netns(&self, path: &Path) -> Result<()> {
        self.alive().release_netns(path)
    }

    fn netns_id(&self, path: &Path) -> Result<Option<NetnsId>> {
        self.alive().netns_id(path)
    }

    fn owner_id(&self, owner: &NetnsOwner) -> Result<Option<NetnsId>> {
        self.alive().owner_id(owner)
    }

    fn process_start(&self, pid: u32) -> Result<Option<u64>> {
        self.alive().process_start(pid)
    }

    fn watch(&self) -> Result<Box<dyn Changes>> {
        self.alive().watch()
    }
}
