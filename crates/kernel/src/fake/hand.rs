//! What other programs and people do to the host: not counted, not written down, never made to fail.

use super::host::{FakeHost, Inner};
use super::model::{Flow, Process};
use crate::nft::Transaction;
use crate::{Change, Failed, Kind, LinkKind, Netns, NetnsId, Op, Reservation, Result};
use pontoon_types::LinkName;
use std::net::SocketAddr;
use std::path::Path;

impl Inner {
    /// Tells of a change in `ns`: of one elsewhere than on the host, by the link that leads there.
    fn tell_of(&mut self, ns: &Netns, change: &Change) {
        match ns {
            Netns::Host => self.watchers.tell(change),
            Netns::At(_) => {
                if let Some(link) = self.model.link_into(ns) {
                    self.watchers.tell(&Change::Inside(link));
                }
            }
        }
    }
}

impl FakeHost {
    /// Somebody does `ops`, in order, and stops at the first that fails. Links made so carry our mark: use
    /// [`FakeHost::add_link`] for those that do not.
    pub fn alter(&self, ns: &Netns, ops: &[Op]) -> std::result::Result<(), Failed> {
        let mut inner = self.lock();
        for (done, op) in ops.iter().enumerate() {
            inner.model.perform(ns, op).map_err(|cause| Failed { done, cause })?;
        }
        inner.tell_of(ns, &Change::Links);
        Ok(())
    }

    /// Somebody makes a link of `kind`, which is down. `Exists` when there is one of that name.
    pub fn add_link(&self, ns: &Netns, name: &LinkName, kind: LinkKind) -> Result<()> {
        let mut inner = self.lock();
        let namespace = inner.model.namespace_mut(ns)?;
        if namespace.index(name).is_some() {
            return Err(super::fault::refused(Kind::Exists, format!("create link {name}")));
        }
        namespace.add_device(name.clone(), kind);
        inner.watchers.tell(&Change::Links);
        Ok(())
    }

    /// Somebody runs `ip address add`. There already is no error.
    pub fn give_address(&self, ns: &Netns, link: &LinkName, net: ipnet::IpNet) -> Result<()> {
        let mut inner = self.lock();
        inner.model.namespace_mut(ns)?.add_address(link, net, 0)?;
        inner.watchers.tell(&Change::Links);
        Ok(())
    }

    /// Somebody runs `ip link delete`: the other end of a pair goes too, ports of a bridge become free.
    /// `NotFound` when there is no such link.
    pub fn delete_link(&self, ns: &Netns, name: &LinkName) -> Result<()> {
        let mut inner = self.lock();
        let id = inner.model.id(ns)?;
        let missing = || super::fault::refused(Kind::NotFound, format!("delete link {name}"));
        let index = inner.model.namespace(ns)?.index(name).ok_or_else(missing)?;
        inner.model.delete_link(id, index);
        inner.watchers.tell(&Change::Links);
        Ok(())
    }

    /// Somebody runs `nft flush ruleset`.
    pub fn flush_rules(&self, ns: &Netns) -> Result<()> {
        let mut inner = self.lock();
        inner.model.namespace_mut(ns)?.tables.flush();
        inner.tell_of(ns, &Change::Rules);
        Ok(())
    }

    /// Somebody commits rules, to our table or to one of their own.
    pub fn alter_rules(&self, ns: &Netns, transaction: &Transaction) -> Result<()> {
        let mut inner = self.lock();
        inner.model.commit(ns, transaction)?;
        inner.watchers.tell(&Change::Rules);
        Ok(())
    }

    /// Another program holds ports of the host.
    pub fn occupy(&self, reservation: Reservation) {
        self.lock().model.ports.occupy(reservation);
    }

    /// The other program lets go of them.
    pub fn vacate(&self, reservation: &Reservation) {
        self.lock().model.ports.vacate(reservation);
    }

    /// A connection is being tracked.
    pub fn track(&self, flow: Flow) {
        self.lock().model.flows.push(flow);
    }

    /// A TCP client is redirected: what it connected to first is `destination`
    /// ([`crate::Sockets::tcp_original_destination`]).
    pub fn redirect(&self, client: SocketAddr, destination: SocketAddr) {
        self.lock().claims.redirect(client, destination);
    }

    /// A process begins in a new namespace of its own, whose loopback is down. One that had the number is gone.
    pub fn start_process(&self, pid: u32, start: u64) -> NetnsId {
        let mut inner = self.lock();
        inner.model.end_process(pid);
        let netns = inner.model.new_namespace();
        inner.model.processes.insert(pid, Process { start, netns });
        netns
    }

    /// A process begins in the host's own namespace. One that had the number is gone.
    pub fn start_process_in_host(&self, pid: u32, start: u64) {
        let mut inner = self.lock();
        inner.model.end_process(pid);
        inner.model.processes.insert(pid, Process { start, netns: super::model::HOST });
    }

    /// A process ends; its namespace goes with it unless something else keeps it.
    pub fn end_process(&self, pid: u32) {
        let mut inner = self.lock();
        inner.model.end_process(pid);
        inner.watchers.tell(&Change::Namespaces);
    }

    /// Somebody runs `ip netns add`: a new namespace kept at `path`, loopback down. `Exists` when the path is taken.
    pub fn add_netns(&self, path: &Path) -> Result<NetnsId> {
        let mut inner = self.lock();
        let id = inner.model.new_namespace();
        if let Err(error) = inner.model.mount(path, id) {
            inner.model.namespaces.remove(&id);
            return Err(error);
        }
        Ok(id)
    }

    /// Somebody unmounts and removes a namespace file, theirs or ours; a missing one is no error.
    pub fn remove_netns(&self, path: &Path) {
        let mut inner = self.lock();
        inner.model.unmount(path);
        inner.watchers.tell(&Change::Namespaces);
    }

    /// The kernel tells watchers something; [`Change::Lost`] is told in no other way than by this and a reboot.
    pub fn tell(&self, change: &Change) {
        self.lock().watchers.tell(change);
    }
}
