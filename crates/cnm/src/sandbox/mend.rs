//! What is looked at inside a sandbox. At a start only routes, which tell of links and addresses too, since a link that
//! is down or lost its address has none: one question for each sandbox where all is well. Later, when the kernel tells of
//! a loss inside, everything that is ours there, the way to the resolver included.

use super::gateway::Gateways;
use super::live::{Live, Sandbox};
use super::record::{EndpointRecord, SandboxRecord};
use super::{interface, routes};
use crate::controller::Controller;
use crate::{Error, Result};
use pontoon_kernel::{Observed, Op, Route, RouteTarget};
use pontoon_types::{Family, IpNet, LinkName};
use std::sync::Arc;

impl Controller {
    /// Puts addresses and default routes in a sandbox right, as far as its links are there; tells how many writes it
    /// took.
    pub(crate) fn mend(&self, record: &SandboxRecord) -> Result<usize> {
        if record.netns_path.is_none() || record.endpoints.iter().all(|endpoint| endpoint.link.is_none()) {
            return Ok(0);
        }
        let failed = || Error::kernel(format!("look into sandbox {}", record.name));
        let found = self.kernel().routes(&record.ns()).map_err(failed())?;
        if is_whole(record, &found) {
            return Ok(0);
        }
        self.mend_links(record)
    }

    fn mend_links(&self, record: &SandboxRecord) -> Result<usize> {
        let failed = Error::kernel(format!("look into sandbox {}", record.name));
        let ops = plan(record, &self.kernel().observe(&record.ns()).map_err(failed)?);
        let act = format!("put sandbox {} right", record.name);
        self.kernel().apply(&record.ns(), &ops).map_err(|failed| Error::Kernel { act, cause: failed.cause })?;
        Ok(ops.len())
    }

    /// Puts the way to the resolver right; tells how many writes it took.
    pub(crate) fn mend_names(&self, live: &Live) -> Result<usize> {
        let Some(ports) = live.record.dns.filter(|_| live.resolving) else { return Ok(0) };
        let wanted = pontoon_ruleset::dns_table(ports.udp, ports.tcp);
        let failed =
            |act: &str| Error::kernel(format!("{act} the way to the resolver of sandbox {}", live.record.name));
        let observed = self.kernel().table(&live.ns(), &wanted.id).map_err(failed("look for"))?;
        let transaction = pontoon_ruleset::plan(&wanted, observed.as_ref());
        if !transaction.is_empty() {
            self.kernel().commit(&live.ns(), &transaction).map_err(failed("put back"))?;
        }
        Ok(transaction.changes.len())
    }

    /// Looks at everything of ours in the sandbox at the other end of `link`, of which something may have gone.
    pub(crate) fn mend_behind(&self, link: &LinkName) {
        let is_there = |sandbox: &Arc<Sandbox>| {
            sandbox.shown().endpoints.iter().any(|endpoint| endpoint.host_link.as_ref() == Some(link))
        };
        // One that is just being made, or leaves, is right when its request is through.
        let Some(sandbox) = self.sandboxes_in_memory().into_iter().find(is_there) else { return };
        let Ok(_open) = self.accepting() else { return };
        let Ok(live) = sandbox.turn() else { return };
        let writes = self.mend_links(&live.record).and_then(|links| Ok(links + self.mend_names(&live)?));
        drop(live);
        match writes {
            Ok(writes) => self.tell_of_mending(&sandbox, writes),
            Err(error) => tracing::warn!(sandbox = %sandbox.id.short(), %error, "could not put a sandbox right"),
        }
    }

    /// What happened inside while the daemon was away is not told by the kernel, and at a start there was no time to look
    /// for the way to the resolver.
    pub(crate) fn mend_all_names(&self) {
        for sandbox in self.sandboxes_in_memory() {
            let Ok(_open) = self.accepting() else { return };
            let Ok(live) = sandbox.turn() else { continue };
            let writes = self.mend_names(&live);
            drop(live);
            match writes {
                Ok(writes) => self.tell_of_mending(&sandbox, writes),
                Err(error) => tracing::warn!(sandbox = %sandbox.id.short(), %error, "could not look into a sandbox"),
            }
        }
    }

    fn tell_of_mending(&self, sandbox: &Sandbox, writes: usize) {
        if writes > 0 {
            let name = sandbox.name();
            tracing::info!(sandbox = %sandbox.id.short(), name, writes, "put right what somebody had taken away inside");
            self.count_repair(&[("writes", &writes.to_string()), ("sandbox", &name)]);
        }
    }
}

fn is_whole(record: &SandboxRecord, found: &[Route]) -> bool {
    let connected = |net: IpNet| {
        let host = net.prefix_len() == net.max_prefix_len();
        host || found.iter().any(|route| route.destination == net.trunc() && route.target == RouteTarget::OnLink)
    };
    let addresses = record.endpoints.iter().flat_map(|endpoint| [endpoint.ipv4, endpoint.ipv6]).flatten();
    addresses.into_iter().all(connected)
        && Family::BOTH.iter().all(|family| default_route(record, found, *family).is_none())
}

/// What to do about the default route of a family; nothing when it is as wanted.
fn default_route(record: &SandboxRecord, found: &[Route], family: Family) -> Option<Op> {
    let destination = routes::everything(family);
    let mut ours = found.iter().filter(|route| route.destination == destination && route.protocol == Route::OURS);
    let chosen = Gateways::of(&record.endpoints).get(family);
    let chosen = record.endpoints.iter().find(|endpoint| Some(endpoint.id) == chosen);
    match chosen.and_then(|endpoint| Some((endpoint.gateway(family)?, endpoint.link.clone()?))) {
        Some((gateway, link)) => {
            let target = RouteTarget::Via(gateway);
            let there = ours.any(|route| route.target == target);
            (!there).then_some(Op::SetRoute { destination, target, link: Some(link) })
        }
        None => ours.next().map(|_| Op::RemoveRoute(destination)),
    }
}

fn plan(record: &SandboxRecord, observed: &Observed) -> Vec<Op> {
    let mut ops = Vec::new();
    for endpoint in &record.endpoints {
        if let Some(link) = &endpoint.link
            && lacks(endpoint, link, observed)
        {
            ops.extend(interface::configure(endpoint, link, record.has_ipv6, true));
        }
    }
    ops.extend(record.endpoints.iter().flat_map(|endpoint| connected(endpoint, observed)));
    // A link that comes up again has lost its routes, so both are looked at as they will be then.
    let missing = |family| default_route(record, if ops.is_empty() { &observed.routes } else { &[] }, family);
    let routes: Vec<Op> = Family::BOTH.into_iter().filter_map(missing).collect();
    let present = |op: &Op| match op {
        Op::SetRoute { link: Some(link), .. } => observed.link(link).is_some(),
        _ => true,
    };
    ops.extend(routes.into_iter().filter(present));
    ops
}

/// The routes to the endpoint's own subnets that went while their addresses stayed.
fn connected(endpoint: &EndpointRecord, observed: &Observed) -> Vec<Op> {
    let Some((link, found)) = endpoint.link.as_ref().and_then(|name| Some((name, observed.link(name)?))) else {
        return Vec::new();
    };
    if lacks(endpoint, link, observed) {
        return Vec::new();
    }
    let nets =
        [endpoint.ipv4, endpoint.ipv6].into_iter().flatten().filter(|net| net.prefix_len() < net.max_prefix_len());
    let there = |net: &IpNet| {
        let leads = |route: &&Route| route.link == Some(found.index) && route.target == RouteTarget::OnLink;
        observed.routes.iter().filter(leads).any(|route| route.destination == net.trunc())
    };
    let missing = nets.filter(|net| !there(net));
    let set =
        |net: IpNet| Op::SetRoute { destination: net.trunc(), target: RouteTarget::OnLink, link: Some(link.clone()) };
    missing.map(set).collect()
}

/// Whether a link that is there is down or has lost an address. One that is not there is the driver's.
fn lacks(endpoint: &EndpointRecord, name: &LinkName, observed: &Observed) -> bool {
    let Some(link) = observed.link(name) else { return false };
    let mut wanted = [endpoint.ipv4, endpoint.ipv6].into_iter().flatten();
    !link.up || wanted.any(|net| !observed.addresses_of(link.index).any(|there| there.net == net))
}
