//! The whole host of the model: namespaces and who holds them, ports, flows.
//!
//! Owns the life of namespaces and of pairs that span two of them. Must know nothing of locks, logs or failures.

use super::device::Device;
use super::fault::refused;
use super::namespace::Namespace;
use super::port::Ports;
use crate::{FlowFilter, FlowKey, Kind, LinkIndex, Netns, NetnsId, NetnsOwner, Result};
use pontoon_types::Protocol;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// The host's own namespace. A namespace file system has one device; numbers of namespaces begin high.
pub(super) const HOST: NetnsId = NetnsId { dev: 4, ino: 0xf000_0000 };

/// A tracked connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// As the one who began it sees it: where its packets come from, and where it sent them.
    pub original: FlowKey,
    /// How answers come: from whom they really come, and to whom they go.
    pub reply: FlowKey,
}

/// A process with a namespace of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub start: u64,
    pub netns: NetnsId,
}

/// Everything there is.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub namespaces: BTreeMap<NetnsId, Namespace>,
    pub files: BTreeMap<PathBuf, NetnsId>,
    pub processes: BTreeMap<u32, Process>,
    pub ports: Ports,
    pub flows: Vec<Flow>,
    has_ipv6: bool,
    last_ino: u64,
}

impl Model {
    /// A host with its own namespace and nothing else.
    pub fn new(has_ipv6: bool) -> Self {
        Self {
            namespaces: BTreeMap::from([(HOST, Namespace::new(has_ipv6))]),
            files: BTreeMap::new(),
            processes: BTreeMap::new(),
            ports: Ports::default(),
            flows: Vec::new(),
            has_ipv6,
            last_ino: HOST.ino,
        }
    }

    /// Whether the kernel has IPv6.
    pub fn has_ipv6(&self) -> bool {
        self.has_ipv6
    }

    /// Which namespace `ns` means.
    pub fn id(&self, ns: &Netns) -> Result<NetnsId> {
        match ns {
            Netns::Host => Ok(HOST),
            Netns::At(path) => self.files.get(path).copied().ok_or_else(|| missing(path)),
        }
    }

    /// The namespace that `ns` means.
    pub fn namespace(&self, ns: &Netns) -> Result<&Namespace> {
        let id = self.id(ns)?;
        self.namespaces.get(&id).ok_or_else(|| refused(Kind::NotFound, "enter a network namespace"))
    }

    /// The namespace that `ns` means, to be changed.
    pub fn namespace_mut(&mut self, ns: &Netns) -> Result<&mut Namespace> {
        let id = self.id(ns)?;
        self.namespaces.get_mut(&id).ok_or_else(|| refused(Kind::NotFound, "enter a network namespace"))
    }

    /// A new namespace that nobody holds yet; its loopback is down.
    pub fn new_namespace(&mut self) -> NetnsId {
        self.last_ino += 1;
        let id = NetnsId { dev: HOST.dev, ino: self.last_ino };
        self.namespaces.insert(id, Namespace::new(self.has_ipv6));
        id
    }

    /// Keeps a namespace at `path`, which must be free.
    pub fn mount(&mut self, path: &Path, id: NetnsId) -> Result<()> {
        if self.files.contains_key(path) {
            return Err(refused(Kind::Exists, format!("keep network namespace at {}", path.display())));
        }
        self.files.insert(path.to_owned(), id);
        Ok(())
    }

    /// Lets go of the namespace at `path`; a missing file is no error.
    pub fn unmount(&mut self, path: &Path) {
        if let Some(id) = self.files.remove(path) {
            self.bury(id);
        }
    }

    /// Ends a process; a missing one is no error.
    pub fn end_process(&mut self, pid: u32) {
        if let Some(process) = self.processes.remove(&pid) {
            self.bury(process.netns);
        }
    }

    /// Takes a namespace away if nobody holds it any longer, with everything in it.
    fn bury(&mut self, id: NetnsId) {
        let by_process = self.processes.values().any(|process| process.netns == id);
        if id == HOST || by_process || self.files.values().any(|held| *held == id) {
            return;
        }
        let indexes: Vec<_> = self.namespaces.get(&id).into_iter().flat_map(|ns| ns.devices.keys().copied()).collect();
        indexes.into_iter().for_each(|index| self.delete_link(id, index));
        self.namespaces.remove(&id);
    }

    /// Deletes a link, and the other end of a pair with it. A missing link is no error.
    pub fn delete_link(&mut self, id: NetnsId, index: LinkIndex) {
        let mut remove = |id, index| -> Option<Device> { self.namespaces.get_mut(&id)?.remove_device(index) };
        let removed = remove(id, index);
        if let Some((peer_ns, peer)) = removed.and_then(|device| device.peer) {
            remove(peer_ns, peer);
            self.refresh(peer_ns);
        }
        self.refresh(id);
    }

    /// A link of the host whose other end is in `ns`.
    pub fn link_into(&self, ns: &Netns) -> Option<pontoon_types::LinkName> {
        let id = self.id(ns).ok()?;
        let mut devices = self.namespaces.get(&HOST)?.devices.values();
        let link = devices.find(|device| device.peer.is_some_and(|(peer, _)| peer == id))?;
        Some(link.link.name.clone())
    }

    /// Which namespace `owner` has now.
    pub fn owner_id(&self, owner: &NetnsOwner) -> Option<NetnsId> {
        match owner {
            NetnsOwner::Path(path) => self.files.get(path).copied().or_else(|| self.namespace_in_proc(path)),
            NetnsOwner::Process { pid, start } => {
                let process = self.processes.get(pid)?;
                (*start == 0 || process.start == *start).then_some(process.netns)
            }
        }
    }

    /// What `/proc/PID/ns/net` is.
    fn namespace_in_proc(&self, path: &Path) -> Option<NetnsId> {
        let pid = path.strip_prefix("/proc").ok()?.to_str()?.strip_suffix("/ns/net")?.parse().ok()?;
        self.processes.get(&pid).map(|process| process.netns)
    }

    /// Forgets the flows that match any of `filters`; tells how many.
    pub fn forget_flows(&mut self, filters: &[FlowFilter]) -> usize {
        let before = self.flows.len();
        self.flows.retain(|flow| !filters.iter().any(|filter| matches(filter, flow)));
        before - self.flows.len()
    }

    /// The original destination of the flow whose answers come as `reply`.
    pub fn original_destination(&self, reply: &FlowKey) -> Option<SocketAddr> {
        self.flows.iter().find(|flow| flow.reply == *reply).map(|flow| flow.original.destination)
    }
}

fn missing(path: &Path) -> crate::Error {
    crate::Error::new(Kind::NotFound, format!("open network namespace {}", path.display()), "no such file or directory")
}

fn matches(filter: &FlowFilter, flow: &Flow) -> bool {
    match filter {
        FlowFilter::Address(address) => [flow.original, flow.reply]
            .iter()
            .any(|key| key.source.ip() == *address || key.destination.ip() == *address),
        FlowFilter::HostPort { protocol, address, ports } => {
            let to = flow.original.destination;
            is_of(flow, *protocol) && ports.contains(to.port()) && covers(*address, to.ip())
        }
    }
}

fn is_of(flow: &Flow, protocol: Protocol) -> bool {
    flow.original.protocol == protocol
}

/// Whether `address` is the other, or unspecified and of its family.
pub(super) fn covers(address: IpAddr, other: IpAddr) -> bool {
    address == other || (address.is_unspecified() && address.is_ipv4() == other.is_ipv4())
}
