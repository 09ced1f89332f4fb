//! What is looked at inside a sandbox at a start and a repair: routes, which tell of links and addresses too, since a
//! link that is down or lost its address has none. One question for each sandbox where all is well.

use super::gateway::Gateways;
use super::record::{EndpointRecord, SandboxRecord};
use super::{interface, routes};
use crate::controller::Controller;
use crate::{Error, Result};
use pontoon_kernel::{Observed, Op, Route, RouteTarget};
use pontoon_types::{Family, IpNet, LinkName};

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
        let ops = plan(record, &self.kernel().observe(&record.ns()).map_err(failed())?);
        let act = format!("put sandbox {} right", record.name);
        self.kernel().apply(&record.ns(), &ops).map_err(|failed| Error::Kernel { act, cause: failed.cause })?;
        Ok(ops.len())
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

/// Whether a link that is there is down or has lost an address. One that is not there is the driver's.
fn lacks(endpoint: &EndpointRecord, name: &LinkName, observed: &Observed) -> bool {
    let Some(link) = observed.link(name) else { return false };
    let mut wanted = [endpoint.ipv4, endpoint.ipv6].into_iter().flatten();
    !link.up || wanted.any(|net| !observed.addresses_of(link.index).any(|there| there.net == net))
}
