//! The fake host as a [`Kernel`].

use super::apply::describe;
use super::fault::{Write, refused};
use super::host::FakeHost;
use super::model::{HOST, Model};
use crate::nft::{Observed as Table, TableId, Transaction};
use crate::{
    Change, Changes, Counters, Error, Failed, FlowFilter, FlowKey, Kernel, Kind, Link, LinkGroup, Netns, NetnsId,
    NetnsOwner, Observed, Op, Result,
};
use pontoon_types::LinkName;
use std::net::SocketAddr;
use std::path::Path;

impl Model {
    /// Commits rules in a namespace.
    pub(super) fn commit(&mut self, ns: &Netns, transaction: &Transaction) -> Result<()> {
        let namespace = self.namespace_mut(ns)?;
        namespace.tables.commit(transaction)?;
        namespace.table_ids.insert(transaction.table.clone());
        Ok(())
    }
}

impl Kernel for FakeHost {
    fn observe(&self, ns: &Netns) -> Result<Observed> {
        let mut inner = self.lock();
        inner.faults.pass(|| "list links".into())?;
        let namespace = inner.model.namespace(ns)?;
        let links = namespace.devices.values().map(|device| device.link.clone()).collect();
        Ok(Observed { links, addresses: namespace.addresses.clone(), routes: namespace.routes() })
    }

    fn link(&self, ns: &Netns, name: &LinkName) -> Result<Option<Link>> {
        let mut inner = self.lock();
        inner.faults.pass(|| format!("look up {name}"))?;
        Ok(inner.model.namespace(ns)?.device(name).map(|device| device.link.clone()))
    }

    /// Nothing ever goes through the links of a model.
    fn counters(&self, ns: &Netns) -> Result<Vec<(LinkName, Counters)>> {
        let mut inner = self.lock();
        inner.faults.pass(|| "count packets".into())?;
        let devices = inner.model.namespace(ns)?.devices.values();
        Ok(devices.map(|device| (device.link.name.clone(), Counters::default())).collect())
    }

    fn apply(&self, ns: &Netns, ops: &[Op]) -> std::result::Result<(), Failed> {
        let mut inner = self.lock();
        for (done, op) in ops.iter().enumerate() {
            let passed = inner.faults.pass(|| describe(op));
            let same = matches!(op, Op::SetSysctl(key, value) if inner.model.has_sysctl(ns, key, value));
            if passed.is_ok() && same {
                continue;
            }
            passed.and_then(|()| inner.model.perform(ns, op)).map_err(|cause| Failed { done, cause })?;
            inner.faults.note(Write::Op(ns.clone(), op.clone()));
            if *ns == Netns::Host {
                inner.watchers.tell(&Change::Links);
            }
        }
        Ok(())
    }

    fn reap(&self, ns: &Netns) -> Result<bool> {
        self.reap_some(ns, LinkGroup::Retired, usize::MAX)
    }

    fn reap_bridge(&self, ns: &Netns) -> Result<bool> {
        self.reap_some(ns, LinkGroup::RetiredBridge, 1)
    }

    fn announce(&self, ns: &Netns, link: &LinkName, address: std::net::IpAddr) -> Result<()> {
        let mut inner = self.lock();
        let act = || format!("announce {address} on {link}");
        let namespace = inner.model.namespace(ns)?;
        namespace.index(link).ok_or_else(|| refused(Kind::NotFound, act()))?;
        inner.announced.push((ns.clone(), link.clone(), address));
        Ok(())
    }

    fn sysctl(&self, ns: &Netns, key: &str) -> Result<Option<String>> {
        let mut inner = self.lock();
        inner.faults.pass(|| format!("read sysctl {key}"))?;
        Ok(inner.model.namespace(ns)?.sysctl(key))
    }

    fn table(&self, ns: &Netns, id: &TableId) -> Result<Option<Table>> {
        let mut inner = self.lock();
        inner.faults.pass(|| format!("read table {id}"))?;
        Ok(inner.model.namespace(ns)?.tables.observe(id))
    }

    fn commit(&self, ns: &Netns, transaction: &Transaction) -> Result<()> {
        let mut inner = self.lock();
        inner.faults.pass(|| format!("commit rules to table {}", transaction.table))?;
        inner.model.commit(ns, transaction)?;
        if !transaction.is_empty() {
            inner.faults.note(Write::Commit(ns.clone(), transaction.clone()));
            if *ns == Netns::Host {
                inner.watchers.tell(&Change::Rules);
            }
        }
        Ok(())
    }

    fn tracks_flows(&self) -> bool {
        !self.lock().model.flows.is_empty()
    }

    fn forget_flows(&self, filters: &[FlowFilter]) -> Result<usize> {
        let mut inner = self.lock();
        inner.faults.pass(|| "forget tracked connections".into())?;
        let count = inner.model.forget_flows(filters);
        if count > 0 {
            inner.faults.note(Write::ForgetFlows(count));
        }
        Ok(count)
    }

    fn original_destination(&self, reply: &FlowKey) -> Result<Option<SocketAddr>> {
        let mut inner = self.lock();
        inner.faults.pass(|| "look up a tracked connection".into())?;
        Ok(inner.model.original_destination(reply))
    }

    fn create_netns(&self, path: &Path) -> Result<Netns> {
        let mut inner = self.lock();
        let act = || format!("create network namespace {}", path.display());
        inner.faults.pass(act)?;
        if inner.model.files.contains_key(path) {
            return Err(refused(Kind::Exists, act()));
        }
        let id = inner.model.new_namespace();
        inner.model.mount(path, id)?;
        let ns = Netns::At(path.to_owned());
        if let Ok(lo) = LinkName::new("lo") {
            inner.model.perform(&ns, &Op::Up(lo))?;
        }
        inner.faults.note(Write::CreateNetns(path.to_owned()));
        Ok(ns)
    }

    fn adopt_netns(&self, owner: &NetnsOwner, path: &Path) -> Result<Netns> {
        let mut inner = self.lock();
        let act = || match owner {
            NetnsOwner::Path(path) => format!("adopt network namespace {}", path.display()),
            NetnsOwner::Process { pid, .. } => format!("adopt network namespace of process {pid}"),
        };
        inner.faults.pass(act)?;
        let id = inner.model.owner_id(owner);
        let id = id.ok_or_else(|| Error::new(Kind::NotFound, act(), "no such file or directory"))?;
        if id == HOST {
            return Err(Error::new(Kind::Invalid, act(), "it is the host's own network namespace"));
        }
        inner.model.mount(path, id)?;
        inner.faults.note(Write::AdoptNetns(path.to_owned()));
        Ok(Netns::At(path.to_owned()))
    }

    fn release_netns(&self, path: &Path) -> Result<()> {
        let mut inner = self.lock();
        inner.faults.pass(|| format!("release network namespace {}", path.display()))?;
        inner.model.unmount(path);
        inner.faults.note(Write::ReleaseNetns(path.to_owned()));
        inner.watchers.tell(&Change::Namespaces);
        Ok(())
    }

    fn netns_id(&self, path: &Path) -> Result<Option<NetnsId>> {
        let mut inner = self.lock();
        inner.faults.pass(|| format!("look at {}", path.display()))?;
        Ok(inner.model.files.get(path).copied())
    }

    fn owner_id(&self, owner: &NetnsOwner) -> Result<Option<NetnsId>> {
        let mut inner = self.lock();
        inner.faults.pass(|| "look up the owner of a network namespace".into())?;
        Ok(inner.model.owner_id(owner))
    }

    fn process_start(&self, pid: u32) -> Result<Option<u64>> {
        let mut inner = self.lock();
        inner.faults.pass(|| format!("look up process {pid}"))?;
        Ok(inner.model.processes.get(&pid).map(|process| process.start))
    }

    fn watch(&self) -> Result<Box<dyn Changes>> {
        let mut inner = self.lock();
        inner.faults.pass(|| "listen for changes in the kernel".into())?;
        Ok(inner.watchers.listen())
    }
}

impl FakeHost {
    fn reap_some(&self, ns: &Netns, group: LinkGroup, most: usize) -> Result<bool> {
        let mut inner = self.lock();
        inner.faults.pass_reap()?;
        let count = inner.model.reap(ns, group, most)?;
        if count > 0 {
            inner.faults.note(Write::Reap(ns.clone(), count));
            inner.watchers.tell(&Change::Links);
        }
        Ok(count > 0)
    }
}

impl Model {
    fn has_sysctl(&self, ns: &Netns, key: &str, value: &str) -> bool {
        self.namespace(ns).is_ok_and(|namespace| {
            let now = namespace.sysctl(key);
            now.is_some_and(|now| now.split_ascii_whitespace().eq(value.split_ascii_whitespace()))
        })
    }
}
