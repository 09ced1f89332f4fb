//! Making the host as wanted, whatever happened to it: at start, after a foreign hand, and never more writes than
//! there are differences. And the opposite: taking everything of ours away.

use crate::driver::Bridge;
use crate::plan::{Plan, Seen};
use crate::settings::BridgeSettings;
use crate::wanted::{WantedBridge, WantedPort};
use crate::{forwarding, plan, wanted};
use pontoon_cnm::{Driver, Error, NetworkRecord, Repaired, Result, Wanted};
use pontoon_kernel::{LinkGroup, Netns, Op};
use pontoon_types::NetworkId;
use std::collections::HashMap;
use std::sync::Arc;

impl Bridge {
    pub(crate) fn restore_all(&self, wanted: &Wanted) -> Result<Repaired> {
        let mut repaired = Repaired::default();
        let networks: HashMap<NetworkId, &Arc<NetworkRecord>> =
            wanted.networks.iter().map(|network| (network.id, network)).collect();
        self.register(wanted, &mut repaired);
        // Rules before links, as when a network is made.
        repaired.writes += self.rules.restore(&wanted.networks, &wanted.mappings)?;
        let (bridges, ports) = self.links(wanted, &networks, &mut repaired);
        let seen = self.see(&bridges)?;
        let plan = plan::plan(&bridges, &ports, &seen);
        self.carry_out(&plan, &seen, &mut repaired);
        // Left by a daemon that ended before it could delete them.
        let (links, bridges) = seen.retired();
        self.reaper.retired(links, bridges);
        self.rejoin(wanted, &networks, &plan, &mut repaired);
        Ok(repaired)
    }

    /// Whether [`Bridge::restore_all`] would write anything.
    pub(crate) fn any_difference(&self, wanted: &Wanted) -> Result<bool> {
        if !self.rules.plan(&wanted.networks, &wanted.mappings)?.is_empty() {
            return Ok(true);
        }
        let networks = wanted.networks.iter().map(|network| (network.id, network)).collect();
        let (bridges, ports) = self.links(wanted, &networks, &mut Repaired::default());
        let plan = plan::plan(&bridges, &ports, &self.see(&bridges)?);
        Ok(!plan.ops.is_empty() || !plan.missing.is_empty())
    }

    /// Enters the networks into the book of bridges, so that new ones cannot clash with them.
    fn register(&self, wanted: &Wanted, repaired: &mut Repaired) {
        for network in &wanted.networks {
            let link = BridgeSettings::of(network).map(|settings| settings.link(network.id));
            if let Err(error) = link.and_then(|link| self.taken().enter(network, link)) {
                repaired.failures.push(error.to_string());
            }
        }
    }

    fn links(
        &self,
        wanted: &Wanted,
        networks: &HashMap<NetworkId, &Arc<NetworkRecord>>,
        repaired: &mut Repaired,
    ) -> (Vec<WantedBridge>, Vec<WantedPort>) {
        let mut bridges = Vec::new();
        for network in &wanted.networks {
            match self.wanted_bridge(network) {
                Ok(bridge) => bridges.push(bridge),
                Err(error) => repaired.failures.push(error.to_string()),
            }
        }
        // Where it cannot be told, the ports stay as they are.
        let hooks = forwarding::bridged_packets_are_translated(self.kernel.as_ref());
        let hooks = hooks.inspect_err(|error| repaired.failures.push(error.to_string())).unwrap_or_default();
        let port = |endpoint: &pontoon_cnm::EndpointRecord| {
            let network: &&Arc<NetworkRecord> = networks.get(&endpoint.network)?;
            wanted::port(network, endpoint, hooks).ok().flatten()
        };
        let ports = wanted.endpoints.iter().filter_map(|(endpoint, _)| port(endpoint)).collect();
        (bridges, ports)
    }

    pub(crate) fn see(&self, bridges: &[WantedBridge]) -> Result<Seen> {
        let observed = self.kernel.observe(&Netns::Host).map_err(Error::kernel("observe the host"))?;
        let mut sysctls = HashMap::new();
        for (key, _) in bridges.iter().flat_map(|bridge| &bridge.sysctls) {
            let value = self.kernel.sysctl(&Netns::Host, key).map_err(Error::kernel(format!("read sysctl {key}")))?;
            sysctls.insert(key.clone(), value);
        }
        Ok(Seen::new(observed, sysctls))
    }

    /// Applies what can be applied: a failing operation is told and the rest goes on.
    fn carry_out(&self, plan: &Plan, seen: &Seen, repaired: &mut Repaired) {
        for link in &plan.obstacles {
            repaired.failures.push(format!("existing interface {link} is not a bridge"));
        }
        let mut rest = plan.ops.as_slice();
        while !rest.is_empty() {
            match self.kernel.apply(&Netns::Host, rest) {
                Ok(()) => {
                    repaired.writes += rest.len();
                    break;
                }
                Err(failed) => {
                    repaired.writes += failed.done;
                    repaired.failures.push(failed.to_string());
                    rest = rest.get(failed.done + 1..).unwrap_or_default();
                }
            }
        }
        let (links, bridges) = seen.retired_by(&plan.ops);
        self.reaper.retired(links, bridges);
    }

    /// Makes pairs again that are gone; the core then configures their inner ends.
    fn rejoin(
        &self,
        wanted: &Wanted,
        networks: &HashMap<NetworkId, &Arc<NetworkRecord>>,
        plan: &Plan,
        repaired: &mut Repaired,
    ) {
        for (endpoint, ns) in wanted.endpoints.iter().filter(|(endpoint, _)| plan.missing.contains(&endpoint.id)) {
            let Some(network) = networks.get(&endpoint.network) else { continue };
            match self.join(network, endpoint, ns) {
                Ok(_) => {
                    repaired.writes += 1;
                    repaired.relinked.push(endpoint.id);
                }
                Err(error) => repaired.failures.push(error.to_string()),
            }
        }
    }

    /// Deletes everything retired, now.
    fn reap_all(&self) -> Result<()> {
        let act = "delete links";
        self.kernel.reap(&Netns::Host).map_err(Error::kernel(act))?;
        while self.kernel.reap_bridge(&Netns::Host).map_err(Error::kernel(act))? {}
        Ok(())
    }

    pub(crate) fn remove_all(&self) -> Result<()> {
        let observed = self.kernel.observe(&Netns::Host).map_err(Error::kernel("observe the host"))?;
        let ours = observed.links.into_iter().filter(|link| link.group == LinkGroup::Live.number());
        let ops: Vec<Op> = ours.map(|link| Op::Retire(link.name)).collect();
        let links = self.kernel.apply(&Netns::Host, &ops);
        let reaped = self.reap_all();
        let rules = self.rules.remove_all();
        links.map_err(|failed| Error::Kernel { act: "remove links".into(), cause: failed.cause })?;
        reaped?;
        rules
    }
}
