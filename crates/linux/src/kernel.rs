//! [`Linux`] as a [`Kernel`]: which module does what.

use crate::errno::failed;
use crate::host::{Linux, not_the_host};
use crate::netns::{self, NamespaceFile, Process};
use crate::{announce, apply, conntrack, nft, observe, retire, sysctl, watch};
use pontoon_kernel::nft::{Observed as Table, TableId, Transaction};
use pontoon_kernel::{
    Changes, Counters, Error, Failed, FlowFilter, FlowKey, Kernel, Kind, Link, Netns, NetnsId, NetnsOwner, Observed,
    Op, Result, Route,
};
use pontoon_types::LinkName;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

impl Kernel for Linux {
    fn observe(&self, ns: &Netns) -> Result<Observed> {
        self.with_route(ns, observe::observe)
    }

    fn link(&self, ns: &Netns, name: &LinkName) -> Result<Option<Link>> {
        self.with_route(ns, |socket| observe::link(socket, name))
    }

    fn counters(&self, ns: &Netns) -> Result<Vec<(LinkName, Counters)>> {
        self.with_route(ns, observe::counters)
    }

    fn routes(&self, ns: &Netns) -> Result<Vec<Route>> {
        self.with_route(ns, observe::all_routes)
    }

    fn settle(&self, ns: &Netns, name: &LinkName) -> Result<()> {
        self.with_route(ns, |socket| observe::settle(socket, name))
    }

    fn apply(&self, ns: &Netns, ops: &[Op]) -> std::result::Result<(), Failed> {
        apply::apply(self, ns, ops)
    }

    fn announce(&self, ns: &Netns, link: &LinkName, address: IpAddr) -> Result<()> {
        self.with_route(ns, |socket| announce::announce(socket, link, address, &self.closer))
    }

    fn reap(&self, ns: &Netns) -> Result<bool> {
        self.with_route(ns, retire::reap)
    }

    fn reap_bridge(&self, ns: &Netns) -> Result<bool> {
        self.with_route(ns, retire::reap_bridge)
    }

    fn sysctl(&self, ns: &Netns, key: &str) -> Result<Option<String>> {
        self.within(ns, || sysctl::read(&self.settings_of(ns)?, key))?
    }

    fn table(&self, ns: &Netns, id: &TableId) -> Result<Option<Table>> {
        nft::table(self, ns, id)
    }

    fn commit(&self, ns: &Netns, transaction: &Transaction) -> Result<()> {
        nft::commit(self, ns, transaction)
    }

    fn tracks_flows(&self) -> bool {
        self.tracked_flows().map_or(true, |tracked| tracked != Some(0))
    }

    /// Where the kernel chooses by itself (6.8 and later), how many is told by its own count before and after, which
    /// flows that come or go meanwhile blur.
    fn forget_flows(&self, filters: &[FlowFilter]) -> Result<usize> {
        let before = if filters.is_empty() { Some(0) } else { self.tracked_flows()? };
        if before == Some(0) {
            return Ok(0);
        }
        let hit = self.within(&Netns::Host, || conntrack::hits(filters, before))?;
        let filters = hit.as_deref().unwrap_or(filters);
        if filters.is_empty() {
            return Ok(0);
        }
        match self.with_host_netfilter(|socket| conntrack::forget(socket, filters))? {
            Some(forgotten) => Ok(forgotten),
            None => Ok(before.zip(self.tracked_flows()?).map_or(0, |(before, after)| before.saturating_sub(after))),
        }
    }

    fn original_destination(&self, reply: &FlowKey) -> Result<Option<SocketAddr>> {
        self.with_host_netfilter(|socket| conntrack::original_destination(socket, reply))
    }

    fn create_netns(&self, path: &Path) -> Result<Netns> {
        netns::create(path)?;
        Ok(Netns::At(path.to_owned()))
    }

    fn adopt_netns(&self, owner: &NetnsOwner, path: &Path) -> Result<Netns> {
        let namespace = self.open_owned(owner)?;
        netns::adopt(&namespace, path)?;
        Ok(Netns::At(path.to_owned()))
    }

    fn release_netns(&self, path: &Path) -> Result<()> {
        netns::release(path)
    }

    fn netns_id(&self, path: &Path) -> Result<Option<NetnsId>> {
        netns::id_at(path).map_err(|error| failed(format!("look at {}", path.display()), &error))
    }

    fn owner_id(&self, owner: &NetnsOwner) -> Result<Option<NetnsId>> {
        netns::owner_id(owner).map_err(|error| failed("look up the owner of a network namespace", &error))
    }

    fn watch(&self) -> Result<Box<dyn Changes>> {
        let watch = self.within(&Netns::Host, || watch::Watch::open(self))?;
        Ok(Box::new(watch.map_err(|error| failed("listen for changes in the kernel", &error))?))
    }

    fn process_start(&self, pid: u32) -> Result<Option<u64>> {
        Process { pid, start: 0 }.started().map_err(|error| failed(format!("look up process {pid}"), &error))
    }
}

impl Linux {
    /// How many flows the host tracks; `None` when it cannot be told.
    fn tracked_flows(&self) -> Result<Option<usize>> {
        self.within(&Netns::Host, || Ok(conntrack::tracked(&self.settings_of(&Netns::Host)?)))?
    }

    /// Opens the namespace of `owner`, which must not be the host's.
    fn open_owned(&self, owner: &NetnsOwner) -> Result<NamespaceFile> {
        let (path, act) = match owner {
            NetnsOwner::Path(path) => (path.clone(), format!("adopt network namespace {}", path.display())),
            NetnsOwner::Process { pid, .. } => {
                (PathBuf::from(format!("/proc/{pid}/ns/net")), format!("adopt network namespace of process {pid}"))
            }
        };
        let namespace = NamespaceFile::open(&path).map_err(|error| Error::new(error.kind, act.clone(), error.cause))?;
        let id = namespace.id().map_err(|error| failed(act.clone(), &error))?;
        if id == self.host_id {
            return Err(not_the_host(act));
        }
        // Looked at after opening: a number that changed hands in between does not slip through.
        if let NetnsOwner::Process { pid, start } = *owner {
            let process = Process { pid, start };
            if !process.is_there().map_err(|error| failed(act.clone(), &error))? {
                return Err(Error::new(Kind::NotFound, act, "no such process"));
            }
        }
        Ok(namespace)
    }
}
