//! Noticing that somebody else changed what is ours, and putting it right: the same plan as at start.
//!
//! A change is first only compared; requests are held back for the repair itself, which looks again.

use crate::controller::Controller;
use crate::driver::{Driver, Repaired, Wanted};
use crate::sandbox::gateway::Gateways;
use crate::sandbox::live::Sandbox;
use crate::sandbox::{interface, routes};
use crate::{Error, Result};
use pontoon_kernel::{Change, Changes, Netns, NetnsOwner};
use pontoon_types::{EndpointId, EventSubject, Keeper, LinkName};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often a stop is looked for, and owners of adopted namespaces when the kernel tells nothing.
const TICK: Duration = Duration::from_secs(1);
/// Changes come in bursts: this long without one is the end of a burst.
const LULL: Duration = Duration::from_millis(50);
/// So long without a request is a moment to look.
const CALM: Duration = Duration::from_millis(60);
/// A host that is busy all the time is looked at after this long all the same.
const BUSY: Duration = Duration::from_secs(1);
/// Sandboxes are looked into this often at most.
const PAUSE: Duration = Duration::from_millis(500);
/// A burst is looked at after this long at the latest.
const BURST: Duration = Duration::from_millis(400);

impl Controller {
    /// Follows the kernel's news until `stop`, and repairs. Blocks; run it on a thread of its own.
    pub fn watch(&self, stop: &AtomicBool) -> Result<()> {
        let mut changes = self.kernel().watch().map_err(Error::kernel("listen for changes of the kernel"))?;
        let mut followed = Vec::new();
        let mut resolv_conf = self.resolv_conf_stamp();
        // What happened between the start and now nobody told.
        let mut look = true;
        let (mut losses, mut looked_inside) = (BTreeSet::new(), None::<Instant>);
        while !stop.load(Ordering::SeqCst) {
            let owners = self.owners();
            if owners != followed {
                changes.follow(&owners).map_err(Error::kernel("follow adopted namespaces"))?;
                followed = owners;
            }
            let news = burst(changes.as_mut(), stop).map_err(Error::kernel("listen for changes of the kernel"))?;
            look |= news.host;
            losses.extend(news.inside);
            self.forget_gone();
            let stamp = self.resolv_conf_stamp();
            if stamp != resolv_conf {
                resolv_conf = stamp;
                self.follow_resolv_conf();
            }
            if look {
                let looked = self.repair_if_needed();
                // A look that failed is taken again.
                look = looked.is_err();
                if let Err(error) = looked {
                    tracing::warn!(%error, "could not compare the kernel with what is wanted");
                }
            }
            // A sandbox that undoes what is put right there costs no more than a look in each pause.
            if looked_inside.is_none_or(|last| last.elapsed() >= PAUSE) {
                std::mem::take(&mut losses).iter().for_each(|link| self.mend_behind(link));
                if looked_inside.is_none() {
                    self.mend_all_names();
                }
                looked_inside = Some(Instant::now());
            }
        }
        Ok(())
    }

    fn owners(&self) -> Vec<NetnsOwner> {
        let of = |sandbox: &Arc<Sandbox>| {
            let record = sandbox.shown();
            let keeper = record.spec.keeper.map(|Keeper { pid, start }| NetnsOwner::Process { pid, start });
            record.owner.clone().into_iter().chain(keeper)
        };
        self.sandboxes_in_memory().iter().flat_map(of).collect()
    }

    /// Removes sandboxes whose namespace is no longer what it was: no ghost endpoints.
    pub fn forget_gone(&self) {
        for sandbox in self.sandboxes_in_memory() {
            let record = sandbox.shown();
            if self.is_alive(&record) {
                continue;
            }
            let Ok(_open) = self.accepting() else { return };
            match self.remove_found_sandbox(&sandbox) {
                Ok(()) => {
                    tracing::info!(sandbox = %record.id.short(), name = record.name, "the namespace has gone, and its sandbox with it");
                }
                // A request was faster.
                Err(Error::NoSandbox(_)) => {}
                Err(error) => {
                    tracing::warn!(sandbox = %record.id.short(), %error, "while removing a sandbox whose namespace has gone");
                }
            }
        }
    }

    /// Repairs if anything differs. Returns whether something did.
    pub fn repair_if_needed(&self) -> Result<bool> {
        // Requests under way look like differences, and looking costs them time: wait for a moment without any.
        let begun = Instant::now();
        while !self.stays_quiet() && begun.elapsed() < BUSY {}
        if !self.any_differs()? {
            return Ok(false);
        }
        Ok(self.repair()?.writes > 0)
    }

    /// Whether no request was under way for a while.
    fn stays_quiet(&self) -> bool {
        let before = self.quiet();
        std::thread::sleep(CALM);
        before.is_some() && self.quiet() == before
    }

    fn any_differs(&self) -> Result<bool> {
        for driver in self.drivers() {
            if driver.differs(&self.wanted_of(driver.as_ref()))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes the kernel as wanted, with no request under way, and tells the world what was done.
    pub fn repair(&self) -> Result<Repaired> {
        let mut all = self.restore_kernel()?;
        if all.writes > 0 {
            self.mend_all(&mut all);
            tracing::info!(writes = all.writes, links = all.relinked.len(), "put right what somebody else had changed");
            self.count_repair(&[("writes", &all.writes.to_string())]);
            self.mend_all_names();
        }
        for failure in &all.failures {
            tracing::warn!(failure, "could not repair");
        }
        Ok(all)
    }

    /// Counts a repair, and tells the world of it.
    pub(crate) fn count_repair(&self, attributes: &[(&str, &str)]) {
        self.repairs.fetch_add(1, Ordering::Relaxed);
        self.events().publish(EventSubject::Daemon, "repair", String::new(), attributes);
    }

    /// Makes the kernel as wanted, with no request under way.
    pub(crate) fn restore_kernel(&self) -> Result<Repaired> {
        let _alone = self.alone();
        let mut all = Repaired::default();
        for driver in self.drivers() {
            let repaired = driver.restore(&self.wanted_of(driver.as_ref()))?;
            all.writes += repaired.writes;
            all.failures.extend(repaired.failures);
            for endpoint in repaired.relinked {
                all.failures.extend(self.reconfigure(endpoint).err().map(|error| error.to_string()));
                all.relinked.push(endpoint);
            }
        }
        Ok(all)
    }

    /// Looks into every sandbox and puts it right, one after another while requests go on.
    pub(crate) fn mend_all(&self, all: &mut Repaired) {
        for sandbox in self.sandboxes_in_memory() {
            let Ok(live) = sandbox.turn() else { continue };
            match self.mend(&live.record) {
                Ok(writes) => all.writes += writes,
                Err(error) => all.failures.push(error.to_string()),
            }
        }
    }

    /// Everything that is wanted of a driver.
    pub(crate) fn wanted_of(&self, driver: &dyn Driver) -> Wanted {
        let mut wanted = Wanted::default();
        for network in self.networks_in_memory() {
            let usable = network.broken.is_none() && !network.record.config_only;
            if usable && network.record.driver == driver.name() {
                wanted.networks.push(network.record.clone());
            }
        }
        let known: HashSet<_> = wanted.networks.iter().map(|network| network.id).collect();
        for sandbox in self.sandboxes_in_memory() {
            let record = sandbox.shown();
            let ours = |network| known.contains(&network);
            let endpoints: Vec<_> = record.endpoints.iter().filter(|endpoint| ours(endpoint.network)).collect();
            if !endpoints.is_empty() {
                wanted.mappings.extend(record.mappings.iter().cloned());
            }
            wanted.endpoints.extend(endpoints.into_iter().map(|endpoint| (endpoint.clone(), record.ns())));
        }
        wanted
    }

    /// Configures the inner end of a pair that was made again.
    fn reconfigure(&self, id: EndpointId) -> Result<()> {
        for sandbox in self.sandboxes_in_memory() {
            let record = sandbox.shown();
            let Some(endpoint) = record.endpoints.iter().find(|endpoint| endpoint.id == id) else { continue };
            let Some(link) = &endpoint.link else { continue };
            let mut ops = interface::configure(endpoint, link, record.has_ipv6, true);
            let gateways = Gateways::of(&record.endpoints);
            if gateways.v4 == Some(id) || gateways.v6 == Some(id) {
                ops.extend(routes::change(Gateways::default(), &record.endpoints));
            }
            let act = format!("configure {link} again");
            self.kernel().apply(&record.ns(), &ops).map_err(|failed| Error::Kernel { act, cause: failed.cause })?;
            if let Some(host) = &endpoint.host_link {
                self.kernel().settle(&Netns::Host, host).map_err(Error::kernel(format!("bring {host} up")))?;
            }
        }
        Ok(())
    }
}

/// What a burst of changes was about.
#[derive(Default)]
struct News {
    /// Something on the host that plans depend on.
    host: bool,
    /// Losses in the namespaces behind these links.
    inside: BTreeSet<LinkName>,
}

impl News {
    fn note(&mut self, change: Change) {
        match change {
            Change::Inside(link) => drop(self.inside.insert(link)),
            Change::Namespaces => {}
            Change::Links | Change::Rules | Change::Lost => self.host = true,
        }
    }
}

/// Waits for a burst of changes to end; at most a tick when there is none.
fn burst(changes: &mut dyn Changes, stop: &AtomicBool) -> pontoon_kernel::Result<News> {
    let mut news = News::default();
    let Some(first) = changes.next(TICK)? else { return Ok(news) };
    news.note(first);
    let start = Instant::now();
    while start.elapsed() < BURST && !stop.load(Ordering::SeqCst) {
        match changes.next(LULL)? {
            Some(change) => news.note(change),
            None => break,
        }
    }
    Ok(news)
}
