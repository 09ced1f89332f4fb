//! The driver itself: each call of the core as one transaction of rules and one batch of link operations.

use crate::conflicts::Taken;
use crate::reaper::Reaper;
use crate::rules::{Forward, Rules};
use crate::settings::{BridgeSettings, GatewayMode};
use crate::wanted::WantedBridge;
use crate::{forwarding, plan, wanted};
use pontoon_cnm::{Driver, EndpointRecord, Error, Joined, LinkPlan, NetworkRecord, Repaired, Result, Traits, Wanted};
use pontoon_kernel::{Kernel, Link, LinkGroup, LinkKind, Netns, Op, VethSpec};
use pontoon_types::{ErrorKind, Family, LinkName, NetworkSpec, Options, PortMapping};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Settings of the driver as a whole.
pub struct BridgeOptions {
    /// Refuse networks that need forwarding while the host has it off.
    pub check_forwarding: bool,
    /// Who carries what the kernel cannot.
    pub forward: Arc<dyn Forward>,
}

/// The bridge driver.
pub struct Bridge {
    pub(crate) kernel: Arc<dyn Kernel>,
    pub(crate) rules: Rules,
    pub(crate) reaper: Reaper,
    check_forwarding: bool,
    host_has_ipv6: bool,
    taken: Mutex<Taken>,
}

impl Bridge {
    /// A driver over this kernel. Writes nothing yet.
    pub fn new(kernel: Arc<dyn Kernel>, options: BridgeOptions) -> Result<Self> {
        let act = "look for IPv6 on the host";
        let ipv6 = kernel.sysctl(&Netns::Host, "net/ipv6/conf/all/disable_ipv6").map_err(Error::kernel(act))?;
        let reaper = Reaper::start(kernel.clone());
        Ok(Self {
            rules: Rules::new(kernel.clone(), options.forward),
            reaper: reaper.map_err(|cause| Error::File { act: "start the reaper".into(), cause })?,
            kernel,
            check_forwarding: options.check_forwarding,
            host_has_ipv6: ipv6.is_some(),
            taken: Mutex::default(),
        })
    }

    pub(crate) fn wanted_bridge(&self, network: &NetworkRecord) -> Result<WantedBridge> {
        wanted::bridge(network, self.host_has_ipv6)
    }

    pub(crate) fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self, network: &NetworkRecord) -> Result<()> {
        let bridge = self.wanted_bridge(network)?;
        let found = self.kernel.link(&Netns::Host, &bridge.name);
        let found = found.map_err(Error::kernel(format!("look for link {}", bridge.name)))?;
        let act = format!("create bridge {}", bridge.name);
        let Some(link) = found else {
            let made = self.apply(&Netns::Host, &plan::make(&bridge), &act);
            return made.inspect_err(|_| self.unmake_partial(&bridge.name));
        };
        if link.kind != LinkKind::Bridge {
            let text = format!("existing interface {} is not a bridge", bridge.name);
            return Err(Error::driver(ErrorKind::System, text));
        }
        // A bridge that the user made is used as it is, and stays when the network goes.
        let (ops, undo) = self.adoption(&bridge, &link)?;
        self.apply(&Netns::Host, &ops, &act).inspect_err(|_| self.go_back(&undo))
    }

    /// What makes a bridge that is there already as wanted, and what takes that back.
    fn adoption(&self, bridge: &WantedBridge, link: &Link) -> Result<(Vec<Op>, Vec<Op>)> {
        let seen = self.see(std::slice::from_ref(bridge))?;
        let ops = plan::amend(bridge, &seen);
        let undo = ops.iter().filter_map(|op| match op {
            Op::AddAddress(name, address) => Some(Op::RemoveAddress(name.clone(), *address)),
            Op::SetSysctl(key, _) => Some(Op::SetSysctl(key.clone(), seen.sysctl(key)?.to_owned())),
            Op::SetMtu(name, _) => Some(Op::SetMtu(name.clone(), link.mtu)),
            Op::Up(name) => Some(Op::Down(name.clone())),
            _ => None,
        });
        let undo = undo.collect();
        Ok((ops, undo))
    }

    /// Makes a user's bridge as wanted again.
    fn finish(&self, bridge: &WantedBridge) {
        match self.see(std::slice::from_ref(bridge)) {
            Ok(seen) => self.go_back(&plan::amend(bridge, &seen)),
            Err(error) => tracing::warn!(%error, "while keeping a network"),
        }
    }

    /// Takes away what there is of a bridge that could not be made whole.
    fn unmake_partial(&self, name: &LinkName) {
        self.go_back(&[Op::Retire(name.clone())]);
        self.reaper.retired(0, 1);
    }

    fn go_back(&self, undo: &[Op]) {
        for op in undo {
            if let Err(failed) = self.kernel.apply(&Netns::Host, std::slice::from_ref(op)) {
                tracing::warn!(error = %failed, "while undoing");
            }
        }
    }

    fn apply(&self, ns: &Netns, ops: &[Op], act: &str) -> Result<()> {
        self.reaper.touch();
        self.kernel.apply(ns, ops).map_err(|failed| Error::Kernel { act: act.into(), cause: failed.cause })
    }

    /// Takes the link away if it is ours; a bridge that the user made only loses the addresses that we gave it and its
    /// weaker check of loopback addresses.
    fn unmake(&self, network: &NetworkRecord) -> Result<()> {
        let bridge = self.wanted_bridge(network)?;
        let found = self.kernel.link(&Netns::Host, &bridge.name).map_err(Error::kernel("look for the bridge"))?;
        let act = format!("remove bridge {}", bridge.name);
        match found {
            Some(link) if link.group == LinkGroup::Live.number() => {
                self.apply(&Netns::Host, &[Op::Retire(bridge.name)], &act)?;
                self.reaper.retired(0, 1);
                Ok(())
            }
            Some(link) if link.kind == LinkKind::Bridge => {
                let weaker = bridge.sysctls.iter().filter(|(key, _)| key.ends_with("/route_localnet"));
                let mut ops: Vec<Op> = weaker.map(|(key, _)| Op::SetSysctl(key.clone(), "0".into())).collect();
                let seen = self.see(std::slice::from_ref(&bridge))?;
                let ours = bridge.addresses.iter().filter(|address| seen.is_ours(link.index, address));
                ops.extend(ours.map(|address| Op::RemoveAddress(bridge.name.clone(), *address)));
                self.apply(&Netns::Host, &ops, &act).inspect_err(|_| self.finish(&bridge))
            }
            _ => Ok(()),
        }
    }
}

impl Driver for Bridge {
    fn name(&self) -> &'static str {
        "bridge"
    }

    fn check(&self, spec: &NetworkSpec) -> Result<Traits> {
        let settings = BridgeSettings::read(&spec.options, spec.internal)?;
        let (v4, v6) = (spec.enable_ipv4.unwrap_or(true), spec.enable_ipv6.unwrap_or(false));
        if !v4 && !v6 {
            return Err(Error::NoFamily);
        }
        for family in Family::BOTH {
            let of_family = |subnet: &&pontoon_types::IpNet| Family::of_net(subnet) == family;
            if spec.ipam.pools.iter().filter_map(|pool| pool.subnet.as_ref()).filter(of_family).count() > 1 {
                let text = "bridge driver doesn't support multiple subnets";
                return Err(Error::driver(ErrorKind::Forbidden, text));
            }
        }
        check_subnets(spec, v6)?;
        check_gateways(spec)?;
        let (gateway_v4, gateway_v6) = (settings.reserves_gateway(Family::V4), settings.reserves_gateway(Family::V6));
        Ok(Traits { uses_ipam: true, gateway_v4, gateway_v6 })
    }

    fn can_use(&self, network: &NetworkRecord) -> Result<()> {
        BridgeSettings::of(network).map(drop)
    }

    fn create_network(&self, network: &NetworkRecord) -> Result<()> {
        if self.check_forwarding && !network.predefined {
            forwarding::check(self.kernel.as_ref(), network)?;
        }
        let link = BridgeSettings::of(network)?.link(network.id);
        self.taken().enter(network, link)?;
        // Rules first: from the moment the bridge is up, they hold.
        let made = self.rules.add_network(network).and_then(|()| {
            self.make(network).inspect_err(|_| {
                if let Err(error) = self.rules.remove_network(network) {
                    tracing::warn!(network = %network.id.short(), %error, "while undoing a failed network");
                }
            })
        });
        made.inspect_err(|_| self.taken().exit(network.id))
    }

    fn remove_network(&self, network: &NetworkRecord) -> Result<()> {
        // Nobody is in it any more, so nothing is exposed between the two; and either can be taken back.
        self.rules.remove_network(network)?;
        if let Err(error) = self.unmake(network) {
            if let Err(undo) = self.rules.add_network(network) {
                tracing::warn!(network = %network.id.short(), error = %undo, "while keeping a network");
            }
            return Err(error);
        }
        self.taken().exit(network.id);
        Ok(())
    }

    fn link_plan(&self, network: &NetworkRecord, endpoint: &Options) -> Result<LinkPlan> {
        let fixed = endpoint.get("com.docker.network.endpoint.ifname").filter(|name| !name.is_empty());
        let fixed = fixed.map(|name| LinkName::new(name.as_str())).transpose();
        let fixed = fixed.map_err(|error| Error::driver(ErrorKind::Invalid, error.to_string()))?;
        Ok(LinkPlan { fixed, prefix: BridgeSettings::of(network)?.prefix })
    }

    fn join(&self, network: &NetworkRecord, endpoint: &EndpointRecord, ns: &Netns) -> Result<Joined> {
        let settings = BridgeSettings::of(network)?;
        if let (Some(host), Some(peer), Some(mac)) = (&endpoint.host_link, &endpoint.link, endpoint.mac) {
            let veth = VethSpec {
                host: host.clone(),
                bridge: settings.link(network.id),
                isolated: !settings.icc,
                hairpin: !settings.internal && forwarding::bridged_packets_are_translated(self.kernel.as_ref())?,
                peer_ns: ns.clone(),
                peer: peer.clone(),
                peer_mac: mac,
                mtu: settings.mtu,
            };
            self.apply(&Netns::Host, &[Op::CreateVeth(veth)], &format!("connect {host} with {peer} in the sandbox"))?;
        }
        Ok(Joined {
            gateway_v4: gateway(network, &settings, Family::V4),
            gateway_v6: gateway(network, &settings, Family::V6),
        })
    }

    fn leave(&self, _: &NetworkRecord, endpoint: &EndpointRecord, ns: &Netns) -> Result<()> {
        let (Some(host), Some(link)) = (&endpoint.host_link, &endpoint.link) else { return Ok(()) };
        // The host's end first: once it is cut off the endpoint has left, and before that nothing has happened.
        self.apply(&Netns::Host, &[Op::Retire(host.clone())], &format!("remove {host}"))?;
        self.reaper.retired(1, 0);
        // So that its name and addresses are free at once. A namespace that has gone took its end along.
        match self.kernel.apply(ns, &[Op::Retire(link.clone())]) {
            Err(failed) if !failed.cause.is_not_found() => {
                tracing::warn!(%link, error = %failed, "deleting a pair at once");
                // Slow, and sure: both ends go, and the name is free.
                self.kernel.reap(&Netns::Host).map_err(Error::kernel(format!("delete {link}")))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn binding_address(&self, network: &NetworkRecord) -> Option<IpAddr> {
        BridgeSettings::of(network).ok()?.binding
    }

    fn publishes(&self, network: &NetworkRecord, family: Family) -> bool {
        !network.internal && BridgeSettings::of(network).is_ok_and(|settings| settings.mode(family) == GatewayMode::Nat)
    }

    fn publish(&self, add: &[PortMapping], remove: &[PortMapping]) -> Result<()> {
        self.rules.publish(add, remove)
    }

    fn restore(&self, wanted: &Wanted) -> Result<Repaired> {
        self.restore_all(wanted)
    }

    fn differs(&self, wanted: &Wanted) -> Result<bool> {
        self.any_difference(wanted)
    }

    fn cleanup(&self) -> Result<()> {
        self.remove_all()
    }
}

/// The next hop that endpoints of a family use: an auxiliary `DefaultGateway…` address, else the bridge.
fn gateway(network: &NetworkRecord, settings: &BridgeSettings, family: Family) -> Option<IpAddr> {
    if network.internal || settings.mode(family) == GatewayMode::Isolated {
        return None;
    }
    let pool = network.pool(family)?;
    let key = if family == Family::V4 { "DefaultGatewayIPv4" } else { "DefaultGatewayIPv6" };
    pool.aux_addresses.get(key).copied().or(pool.gateway)
}

/// IPv6 subnets must be unicast, and either fe80::/64 itself or apart from it.
fn check_subnets(spec: &NetworkSpec, ipv6: bool) -> Result<()> {
    let link_local = pontoon_types::Ipv6Net::new_assert(std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 64);
    for subnet in spec.ipam.pools.iter().filter_map(|pool| pool.subnet).filter(|_| ipv6) {
        let pontoon_types::IpNet::V6(v6) = subnet else { continue };
        let invalid = |text: String| Err(Error::driver(ErrorKind::Invalid, text));
        if v6.addr().is_multicast() {
            return invalid(format!("multicast subnet '{v6}' is not allowed"));
        }
        let sized = !v6.network().is_unspecified();
        if sized && v6 != link_local && (v6.contains(&link_local) || link_local.contains(&v6)) {
            return invalid(format!("'{v6}' clashes with the Link-Local prefix 'fe80::/64'"));
        }
    }
    Ok(())
}

/// Gateways given as auxiliary addresses.
fn check_gateways(spec: &NetworkSpec) -> Result<()> {
    for pool in &spec.ipam.pools {
        for (key, address) in &pool.aux_addresses {
            if !matches!(key.as_str(), "DefaultGatewayIPv4" | "DefaultGatewayIPv6") {
                continue;
            }
            if spec.internal && key == "DefaultGatewayIPv4" {
                let text = "no gateway can be set on an internal bridge network";
                return Err(Error::driver(ErrorKind::Invalid, text));
            }
            if pool.subnet.is_some_and(|subnet| !subnet.contains(address)) {
                return Err(Error::driver(ErrorKind::Invalid, "default gateway ip must be part of the network"));
            }
        }
    }
    Ok(())
}
