//! The difference between the links that are wanted and those that are there, as operations. Pure.
//!
//! Applying a plan makes the next one empty. Links that are not marked as ours are never removed.

use crate::wanted::{WantedBridge, WantedPort};
use pontoon_kernel::{Address, BridgeSpec, Link, LinkGroup, LinkIndex, LinkKind, Observed, Op};
use pontoon_types::{EndpointId, IpNet, LinkName};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What was seen on the host.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    links: HashMap<LinkName, Link>,
    addresses: BTreeMap<LinkIndex, BTreeMap<IpNet, u8>>,
    sysctls: HashMap<String, Option<String>>,
}

impl Seen {
    /// From an observation and the sysctls that matter, as far as they were read.
    pub fn new(observed: Observed, sysctls: HashMap<String, Option<String>>) -> Self {
        let mut addresses: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for address in observed.addresses {
            addresses.entry(address.link).or_default().insert(address.net, address.protocol);
        }
        let links = observed.links.into_iter().map(|link| (link.name.clone(), link)).collect();
        Self { links, addresses, sysctls }
    }

    /// The link of that name.
    pub fn link(&self, name: &LinkName) -> Option<&Link> {
        self.links.get(name)
    }

    /// The value of a sysctl that was read and exists.
    pub fn sysctl(&self, key: &str) -> Option<&str> {
        self.sysctls.get(key)?.as_deref()
    }

    /// Whether `link` has that address from us. One that it had from somebody else before it was wanted here is theirs.
    pub fn is_ours(&self, link: LinkIndex, net: &IpNet) -> bool {
        self.addresses.get(&link).and_then(|there| there.get(net)) == Some(&Address::OURS)
    }

    /// How many retired links wait to be deleted, and how many bridges.
    pub fn retired(&self) -> (usize, usize) {
        let of = |group: LinkGroup| self.links.values().filter(|link| link.group == group.number()).count();
        (of(LinkGroup::Retired), of(LinkGroup::RetiredBridge))
    }

    /// How many of the links that `ops` retire are none, and how many are bridges.
    pub fn retired_by(&self, ops: &[Op]) -> (usize, usize) {
        let retired = ops.iter().filter_map(|op| match op {
            Op::Retire(name) => self.link(name),
            _ => None,
        });
        let (bridges, links): (Vec<&Link>, Vec<&Link>) = retired.partition(|link| link.kind == LinkKind::Bridge);
        (links.len(), bridges.len())
    }
}

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Operations in the host's namespace.
    pub ops: Vec<Op>,
    /// Endpoints whose pair is gone and must be made again.
    pub missing: Vec<EndpointId>,
    /// Links that stand in the way: wanted as a bridge, but something else.
    pub obstacles: Vec<LinkName>,
}

/// What a bridge that is there lacks. Nothing if it is not there, or is no bridge.
pub fn amend(bridge: &WantedBridge, seen: &Seen) -> Vec<Op> {
    let mut plan = Plan::default();
    if seen.link(&bridge.name).is_some() {
        plan_bridge(bridge, seen, &mut plan);
    }
    plan.ops
}

/// Compares.
pub fn plan(bridges: &[WantedBridge], ports: &[WantedPort], seen: &Seen) -> Plan {
    let mut plan = Plan::default();
    bridges.iter().for_each(|bridge| plan_bridge(bridge, seen, &mut plan));
    ports.iter().for_each(|port| plan_port(port, seen, &mut plan));
    plan_strays(bridges, ports, seen, &mut plan);
    plan
}

/// Operations that make a bridge where there is none. Up comes last: everything that protects it is in place by then.
pub fn make(bridge: &WantedBridge) -> Vec<Op> {
    let spec = BridgeSpec { name: bridge.name.clone(), mac: bridge.mac, mtu: bridge.mtu };
    let mut ops = vec![Op::CreateBridge(spec)];
    ops.extend(bridge.sysctls.iter().map(|(key, value)| Op::SetSysctl(key.clone(), value.clone())));
    if bridge.addresses.iter().any(|address| address.addr().is_ipv6()) {
        // Nobody else has this link's address. While the kernel makes sure of that it cannot ask for neighbours, and
        // nothing would reach a sandbox over IPv6 in the network's first two seconds.
        ops.push(Op::SetSysctl(format!("net/ipv6/conf/{}/accept_dad", bridge.name), "0".to_owned()));
    }
    ops.extend(bridge.addresses.iter().map(|address| Op::AddAddress(bridge.name.clone(), *address)));
    ops.push(Op::Up(bridge.name.clone()));
    ops
}

fn plan_bridge(bridge: &WantedBridge, seen: &Seen, plan: &mut Plan) {
    let Some(link) = seen.link(&bridge.name) else { return plan.ops.extend(make(bridge)) };
    if link.kind != LinkKind::Bridge {
        return plan.obstacles.push(bridge.name.clone());
    }
    keep_from_reaping(link, plan);
    if let Some(mtu) = bridge.mtu.filter(|mtu| *mtu != link.mtu) {
        plan.ops.push(Op::SetMtu(bridge.name.clone(), mtu));
    }
    for (key, value) in &bridge.sysctls {
        // A bridge that the user made keeps its IPv6, though the network has none.
        if link.group != LinkGroup::Live.number() && value == "1" && key.ends_with("/disable_ipv6") {
            continue;
        }
        // Keys that were not read, or do not exist on this kernel, are left alone.
        if seen.sysctls.get(key).is_some_and(|is| is.as_ref().is_some_and(|is| is != value)) {
            plan.ops.push(Op::SetSysctl(key.clone(), value.clone()));
        }
    }
    let there = seen.addresses.get(&link.index);
    for address in &bridge.addresses {
        if !there.is_some_and(|there| there.contains_key(address)) {
            plan.ops.push(Op::AddAddress(bridge.name.clone(), *address));
        }
    }
    if !link.up {
        plan.ops.push(Op::Up(bridge.name.clone()));
    }
}

fn plan_port(port: &WantedPort, seen: &Seen, plan: &mut Plan) {
    let Some(link) = seen.link(&port.name) else { return plan.missing.push(port.endpoint) };
    keep_from_reaping(link, plan);
    let master = seen.link(&port.bridge).map(|bridge| bridge.index);
    let elsewhere = master.is_none() || link.master != master;
    // A bridge that is to be made anew takes the port first; a port that changes bridges loses its flags.
    if elsewhere || link.isolated != port.isolated {
        plan.ops.push(Op::SetMaster(port.name.clone(), port.bridge.clone()));
    }
    if link.isolated != port.isolated || elsewhere && port.isolated {
        plan.ops.push(Op::SetIsolated(port.name.clone(), port.isolated));
    }
    if link.hairpin != port.hairpin || elsewhere && port.hairpin {
        plan.ops.push(Op::SetHairpin(port.name.clone(), port.hairpin));
    }
    if let Some(mtu) = port.mtu.filter(|mtu| *mtu != link.mtu) {
        plan.ops.push(Op::SetMtu(port.name.clone(), mtu));
    }
    if !link.up {
        plan.ops.push(Op::Up(port.name.clone()));
    }
}

/// A wanted link that somebody marked as retired would be deleted with the next ones.
fn keep_from_reaping(link: &Link, plan: &mut Plan) {
    if LinkGroup::is_retired(link.group) {
        plan.ops.push(Op::SetGroup(link.name.clone(), LinkGroup::Live));
    }
}

/// Links that are marked as ours and that nobody wants: left by a crash.
fn plan_strays(bridges: &[WantedBridge], ports: &[WantedPort], seen: &Seen, plan: &mut Plan) {
    let wanted: BTreeSet<&LinkName> =
        bridges.iter().map(|bridge| &bridge.name).chain(ports.iter().map(|port| &port.name)).collect();
    let stray = |link: &&Link| link.group == LinkGroup::Live.number() && !wanted.contains(&link.name);
    let mut strays: Vec<_> = seen.links.values().filter(stray).map(|link| link.name.clone()).collect();
    strays.sort();
    plan.ops.extend(strays.into_iter().map(Op::Retire));
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_types::MacAddr;

    fn link(index: u32, name: &str, kind: LinkKind, master: Option<u32>) -> Link {
        Link {
            index: LinkIndex(index),
            name: name.parse().unwrap(),
            kind,
            mac: None,
            mtu: 1500,
            up: true,
            master: master.map(LinkIndex),
            isolated: false,
            hairpin: false,
            group: LinkGroup::Live.number(),
            alias: None,
        }
    }

    fn wanted() -> (Vec<WantedBridge>, Vec<WantedPort>) {
        let bridge = WantedBridge {
            name: "br-a".parse().unwrap(),
            mac: MacAddr::random(),
            mtu: None,
            addresses: vec!["10.1.0.1/24".parse().unwrap()],
            sysctls: vec![("net/ipv4/conf/br-a/route_localnet".into(), "1".into())],
        };
        let port = WantedPort {
            endpoint: EndpointId::random(),
            name: "veth1".parse().unwrap(),
            bridge: "br-a".parse().unwrap(),
            isolated: false,
            hairpin: false,
            mtu: None,
        };
        (vec![bridge], vec![port])
    }

    fn seen(links: Vec<Link>, addresses: &[(u32, &str)], route_localnet: &str) -> Seen {
        let address =
            |(link, net): &(u32, &str)| Address { link: LinkIndex(*link), net: net.parse().unwrap(), protocol: 0 };
        let addresses = addresses.iter().map(address).collect();
        let sysctls = [("net/ipv4/conf/br-a/route_localnet".to_owned(), Some(route_localnet.to_owned()))].into();
        Seen::new(Observed { links, addresses, routes: Vec::new() }, sysctls)
    }

    #[test]
    fn nothing_is_done_when_everything_is_as_wanted() {
        let (bridges, ports) = wanted();
        let links = vec![link(2, "br-a", LinkKind::Bridge, None), link(3, "veth1", LinkKind::Veth, Some(2))];
        assert_eq!(plan(&bridges, &ports, &seen(links, &[(2, "10.1.0.1/24")], "1")), Plan::default());
    }

    #[test]
    fn each_damage_has_its_repair() {
        let (bridges, ports) = wanted();
        let br = || link(2, "br-a", LinkKind::Bridge, None);
        let veth = |master| link(3, "veth1", LinkKind::Veth, master);
        let down = |mut link: Link| {
            link.up = false;
            link
        };
        let name = |text: &str| text.parse::<LinkName>().unwrap();
        let address = [(2, "10.1.0.1/24")];
        let cases = [
            (seen(vec![br(), veth(Some(2))], &[], "1"), Op::AddAddress(name("br-a"), "10.1.0.1/24".parse().unwrap())),
            (seen(vec![down(br()), veth(Some(2))], &address, "1"), Op::Up(name("br-a"))),
            (seen(vec![br(), veth(None)], &address, "1"), Op::SetMaster(name("veth1"), name("br-a"))),
            (seen(vec![br(), down(veth(Some(2)))], &address, "1"), Op::Up(name("veth1"))),
            (
                seen(vec![br(), veth(Some(2))], &address, "0"),
                Op::SetSysctl("net/ipv4/conf/br-a/route_localnet".into(), "1".into()),
            ),
            (
                seen(vec![br(), veth(Some(2)), link(9, "br-old", LinkKind::Bridge, None)], &address, "1"),
                Op::Retire(name("br-old")),
            ),
        ];
        for (seen, wanted) in cases {
            assert_eq!(plan(&bridges, &ports, &seen).ops, vec![wanted]);
        }
    }

    #[test]
    fn a_port_follows_its_network_and_its_host() {
        let (bridges, mut ports) = wanted();
        ports[0].hairpin = true;
        ports[0].mtu = Some(1400);
        let links = |port| vec![link(2, "br-a", LinkKind::Bridge, None), port];
        let name: LinkName = "veth1".parse().unwrap();
        let there = seen(links(link(3, "veth1", LinkKind::Veth, Some(2))), &[(2, "10.1.0.1/24")], "1");
        let wanted = [Op::SetHairpin(name.clone(), true), Op::SetMtu(name.clone(), 1400)];
        assert_eq!(plan(&bridges, &ports, &there).ops, wanted);
        let mut right = link(3, "veth1", LinkKind::Veth, Some(2));
        (right.hairpin, right.mtu) = (true, 1400);
        let there = seen(links(right.clone()), &[(2, "10.1.0.1/24")], "1");
        assert_eq!(plan(&bridges, &ports, &there).ops, []);
        right.master = None;
        let there = seen(links(right), &[(2, "10.1.0.1/24")], "1");
        let ops = plan(&bridges, &ports, &there).ops;
        assert!(matches!(ops.as_slice(), [Op::SetMaster(..), Op::SetHairpin(_, true)]), "{ops:?}");
    }

    #[test]
    fn a_new_bridge_with_ipv6_can_ask_for_neighbours_at_once() {
        let (mut bridges, _) = wanted();
        let accept_dad = |ops: &[Op]| {
            ops.iter()
                .position(|op| matches!(op, Op::SetSysctl(key, value) if key.ends_with("/accept_dad") && value == "0"))
        };
        assert_eq!(accept_dad(&make(&bridges[0])), None);
        bridges[0].addresses.push("fd00::1/64".parse().unwrap());
        let ops = make(&bridges[0]);
        let up = ops.iter().position(|op| matches!(op, Op::Up(_)));
        assert!(accept_dad(&ops).is_some_and(|at| Some(at) < up), "{ops:?}");
    }

    #[test]
    fn a_deleted_bridge_is_made_again_and_takes_its_ports() {
        let (bridges, ports) = wanted();
        let plan = plan(&bridges, &ports, &seen(vec![link(3, "veth1", LinkKind::Veth, None)], &[], "1"));
        assert!(matches!(plan.ops.first(), Some(Op::CreateBridge(_))));
        assert!(matches!(plan.ops.last(), Some(Op::SetMaster(..))));
    }

    #[test]
    fn foreign_links_are_left_alone_and_told_when_in_the_way() {
        let (bridges, ports) = wanted();
        let mut foreign = link(2, "br-a", LinkKind::Other("macvlan".into()), None);
        foreign.group = 0;
        let mut other = link(7, "docker0", LinkKind::Bridge, None);
        other.group = 0;
        let plan =
            plan(&bridges, &ports, &seen(vec![foreign, other, link(3, "veth1", LinkKind::Veth, Some(2))], &[], "1"));
        assert_eq!(plan.obstacles, vec!["br-a".parse().unwrap()]);
        assert!(!plan.ops.iter().any(|op| matches!(op, Op::Retire(_))));
    }
}
