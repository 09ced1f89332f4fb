//! What Pontoon asks of Linux, in Pontoon's own types: links, addresses, routes, namespaces, nf_tables, sockets.
//!
//! Owns: the [`Kernel`] trait, the values it takes and returns, and the fake host beside them ([`fake`]).
//! Must never call the operating system: `crates/linux` is the one real implementation.
//!
//! All calls block for the time the kernel needs (microseconds to a few milliseconds). Callers that live in an
//! async runtime run them on its blocking pool. Every call names the namespace it means; none changes the
//! namespace of the calling thread.

mod error;
pub mod fake;
mod flow;
mod link;
mod netns;
pub mod nft;
mod op;
mod socket;
mod watch;

pub use error::{Error, Kind, Result};
pub use flow::{FlowFilter, FlowKey};
pub use link::{Address, Counters, Link, LinkIndex, LinkKind, Neighbour, Observed, Route, RouteTarget};
pub use netns::{Netns, NetnsId, NetnsOwner};
pub use op::{BridgeSpec, Failed, LinkGroup, Op, VethSpec};
pub use socket::{Reservation, ReservedPorts, Sockets};
pub use watch::{Change, Changes};

use std::path::Path;

/// The host's networking, as Pontoon may use it.
pub trait Kernel: Sockets + Send + Sync + 'static {
    /// Everything in `ns` that plans are compared with: links, addresses, routes.
    fn observe(&self, ns: &Netns) -> Result<Observed>;

    /// One link by name, with its index; `None` when there is none.
    fn link(&self, ns: &Netns, name: &pontoon_types::LinkName) -> Result<Option<Link>>;

    /// What went through each link of `ns`.
    fn counters(&self, ns: &Netns) -> Result<Vec<(pontoon_types::LinkName, Counters)>>;

    /// The unicast routes of the main table in `ns`: the part of [`Kernel::observe`] that address allocation needs.
    fn routes(&self, ns: &Netns) -> Result<Vec<Route>> {
        Ok(self.observe(ns)?.routes)
    }

    /// Waits until the kernel has done its deferred work after a carrier change of `link`, so that the next packet
    /// through it is not dropped by a queue that is not active yet. A missing link is no error.
    fn settle(&self, _ns: &Netns, _link: &pontoon_types::LinkName) -> Result<()> {
        Ok(())
    }

    /// Applies `ops` in order in `ns`, as few round trips as possible, and stops at the first that fails.
    ///
    /// What was done before the failure stays done; the caller undoes it. An empty list does nothing.
    fn apply(&self, ns: &Netns, ops: &[Op]) -> std::result::Result<(), Failed>;

    /// Says on `link` once that `address` is there (unsolicited ARP or Neighbour Advertisement). Changes nothing here.
    fn announce(&self, ns: &Netns, link: &pontoon_types::LinkName, address: std::net::IpAddr) -> Result<()>;

    /// Deletes every link of the group [`LinkGroup::Retired`] in `ns` in one go (one RCU wait for all).
    /// Tells whether there were any. Slow by nature (tens of milliseconds): never on a request's path.
    fn reap(&self, ns: &Netns) -> Result<bool>;

    /// Deletes one bridge of the group [`LinkGroup::RetiredBridge`] in `ns`; tells whether there was one. As slow as
    /// [`Kernel::reap`] for each: for so long no link on the whole machine can be changed.
    fn reap_bridge(&self, ns: &Netns) -> Result<bool>;

    /// A sysctl's value without its newline, e.g. `net/ipv4/ip_forward`; `None` when the file does not exist.
    fn sysctl(&self, ns: &Netns, key: &str) -> Result<Option<String>>;

    /// Our nf_tables table in `ns` as the kernel has it; `None` when it is not there.
    fn table(&self, ns: &Netns, id: &nft::TableId) -> Result<Option<nft::Observed>>;

    /// Commits `transaction` in `ns`: all of it or nothing, in one batch.
    fn commit(&self, ns: &Netns, transaction: &nft::Transaction) -> Result<()>;

    /// Whether the host namespace has any tracked connection at all. When in doubt: yes.
    fn tracks_flows(&self) -> bool {
        true
    }

    /// Deletes the tracked connections in the host namespace that match any of `filters`; returns how many.
    fn forget_flows(&self, filters: &[FlowFilter]) -> Result<usize>;

    /// The original destination of a tracked connection in the host namespace, found by its reply direction;
    /// `None` when it is not tracked. (What `SO_ORIGINAL_DST` is for TCP, for UDP.)
    fn original_destination(&self, reply: &FlowKey) -> Result<Option<std::net::SocketAddr>>;

    /// Makes a namespace with loopback up, kept by a bind mount at `path`. The file must not exist.
    fn create_netns(&self, path: &Path) -> Result<Netns>;

    /// Keeps an existing namespace by a bind mount at `path`. The host's own namespace is refused.
    fn adopt_netns(&self, owner: &NetnsOwner, path: &Path) -> Result<Netns>;

    /// Unmounts and removes the file of a namespace. A missing file is no error: the namespace is gone then.
    fn release_netns(&self, path: &Path) -> Result<()>;

    /// Which namespace is mounted at `path`; `None` when nothing is.
    fn netns_id(&self, path: &Path) -> Result<Option<NetnsId>>;

    /// Which namespace `owner` (a path, a process) has now; `None` when it has gone.
    fn owner_id(&self, owner: &NetnsOwner) -> Result<Option<NetnsId>>;

    /// When a process started, for [`NetnsOwner::Process`]; `None` when there is no such process.
    fn process_start(&self, pid: u32) -> Result<Option<u64>>;

    /// Starts listening for changes in the host namespace (links, addresses, nf_tables), for losses inside the
    /// namespaces at the other ends of our links and, as far as the kernel tells, for owners of adopted namespaces that go. Bursts may be merged; a lost message is [`Change::Lost`].
    fn watch(&self) -> Result<Box<dyn Changes>>;
}
