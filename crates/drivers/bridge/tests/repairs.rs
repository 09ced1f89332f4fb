//! Whatever another hand does to what is ours on the host, a repair puts it right, and the next one has nothing to do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod common;

use common::*;
use pontoon_kernel::{Kernel, LinkGroup, Netns, Op};
use pontoon_types::{LinkName, SandboxSpec};
use proptest::prelude::*;
use std::str::FromStr;

/// What somebody does to the `n`th of our links, addresses or elements.
#[derive(Clone, Debug)]
enum Damage {
    Delete(usize),
    Down(usize),
    Rename(usize),
    Move(usize, usize),
    Isolate(usize, bool),
    Ungroup(usize),
    Mtu(usize),
    Address(usize),
    Sysctl(usize),
    Element(usize),
    Flush,
}

fn damage() -> impl Strategy<Value = Damage> {
    let any = 0usize..64;
    prop_oneof![
        any.clone().prop_map(Damage::Delete),
        any.clone().prop_map(Damage::Down),
        any.clone().prop_map(Damage::Rename),
        (any.clone(), any.clone()).prop_map(|(a, b)| Damage::Move(a, b)),
        (any.clone(), prop::bool::ANY).prop_map(|(a, b)| Damage::Isolate(a, b)),
        any.clone().prop_map(Damage::Ungroup),
        any.clone().prop_map(Damage::Mtu),
        any.clone().prop_map(Damage::Address),
        any.clone().prop_map(Damage::Sysctl),
        any.prop_map(Damage::Element),
        Just(Damage::Flush),
    ]
}

fn furnished() -> World {
    let world = World::new();
    world.make_network("a");
    let options = [("com.docker.network.bridge.enable_icc", "false"), ("com.docker.network.driver.mtu", "1400")];
    world.core.create_network(with(dual("apart"), &options)).unwrap();
    world.core.create_network(pontoon_types::NetworkSpec { internal: true, ..dual("inner") }).unwrap();
    let spec = sandbox("s", &["a", "apart", "bridge"]);
    world.core.create_sandbox(SandboxSpec { ports: vec![port("8080:80/tcp"), port("53/udp")], ..spec }).unwrap();
    world.make_sandbox("t", &["apart", "inner"]);
    world
}

fn pick<T: Clone>(all: &[T], n: usize) -> Option<T> {
    all.get(n % all.len().max(1)).cloned()
}

fn hurt(world: &World, damage: &Damage) {
    let host = world.host.observe(&Netns::Host).unwrap();
    let ours: Vec<_> = host.links.iter().filter(|link| link.group == LinkGroup::Live.number()).cloned().collect();
    let link = |n: usize| pick(&ours, n);
    let alter = |op: Op| {
        // What the kernel refuses to anybody is refused to them too.
        let _ = world.host.alter(&Netns::Host, &[op]);
    };
    match damage {
        Damage::Delete(n) => {
            link(*n).into_iter().for_each(|link| world.host.delete_link(&Netns::Host, &link.name).unwrap())
        }
        Damage::Down(n) => link(*n).into_iter().for_each(|link| alter(Op::Down(link.name))),
        Damage::Rename(n) => {
            let free = LinkName::new(format!("theirs{n}")).unwrap();
            if let Some(link) = link(*n) {
                alter(Op::Rename(link.name, free));
            }
        }
        Damage::Move(a, b) => {
            let bridges: Vec<_> =
                ours.iter().filter(|link| link.kind == pontoon_kernel::LinkKind::Bridge).cloned().collect();
            let ports: Vec<_> = ours.iter().filter(|link| link.master.is_some()).cloned().collect();
            if let (Some(port), Some(bridge)) = (pick(&ports, *a), pick(&bridges, *b)) {
                alter(Op::SetMaster(port.name, bridge.name));
            }
        }
        Damage::Isolate(n, on) => link(*n).into_iter().for_each(|link| alter(Op::SetIsolated(link.name, *on))),
        // The mark for links that wait to be deleted: they may go at any moment.
        Damage::Ungroup(n) => link(*n).into_iter().for_each(|link| alter(Op::SetGroup(link.name, LinkGroup::Retired))),
        Damage::Mtu(n) => link(*n).into_iter().for_each(|link| alter(Op::SetMtu(link.name, 1300))),
        Damage::Address(n) => {
            let own = |index| ours.iter().find(|link| link.index == index);
            let all: Vec<_> = host.addresses.iter().filter_map(|a| Some((own(a.link)?.name.clone(), a.net))).collect();
            if let Some((link, net)) = pick(&all, *n) {
                alter(Op::RemoveAddress(link, net));
            }
        }
        Damage::Sysctl(n) => link(*n).into_iter().for_each(|link| {
            alter(Op::SetSysctl(format!("net/ipv6/conf/{}/disable_ipv6", link.name), "1".into()));
            alter(Op::SetSysctl(format!("net/ipv4/conf/{}/route_localnet", link.name), "0".into()));
        }),
        Damage::Element(n) => {
            let tables = world.host.snapshot().namespaces.into_values().next().unwrap().tables;
            let elements: Vec<_> = tables.iter().flat_map(|table| table.elements()).collect();
            if let Some(element) = pick(&elements, *n) {
                world.host.alter_rules(&Netns::Host, &pontoon_ruleset::remove(vec![element])).unwrap();
            }
        }
        Damage::Flush => world.host.flush_rules(&Netns::Host).unwrap(),
    }
}

/// Links that keep a name in a sandbox may have to be deleted first; with that news another look is taken.
fn repaired(world: &World) {
    for _ in 0..4 {
        world.core.repair().unwrap();
        world.quiet();
    }
    let writes = world.host.writes().len();
    let again = world.core.repair().unwrap();
    assert_eq!((again.writes, again.failures), (0, Vec::new()));
    assert_eq!(world.host.writes().len(), writes, "a look writes nothing");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn any_damage_is_put_right_and_then_there_is_nothing_to_do(damages in prop::collection::vec(damage(), 1..8)) {
        let world = furnished();
        damages.iter().for_each(|damage| hurt(&world, damage));
        repaired(&world);
        world.audit();
        let world = world.restart();
        prop_assert_eq!(world.host.writes(), Vec::new());
        world.audit();
    }

    #[test]
    fn any_damage_while_the_daemon_was_away_is_put_right(damages in prop::collection::vec(damage(), 1..8)) {
        let world = furnished();
        damages.iter().for_each(|damage| hurt(&world, damage));
        let world = world.restart();
        repaired(&world);
        world.audit();
    }
}

/// Waits for something that another thread brings about; fails the test when it does not happen.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed().as_secs() < 30, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Ends the watching thread however the test ends.
struct Stop<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

#[test]
fn a_running_daemon_notices_by_itself_and_tells() {
    let world = furnished();
    world.host.start_process(42, 7);
    let namespace = pontoon_types::NamespaceSource::Pid(42);
    world.core.create_sandbox(SandboxSpec { namespace, ..sandbox("theirs", &["a"]) }).unwrap();
    let (_, mut news) = world.core.events().subscribe();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stops = Stop(&stop);
        world.host.flush_rules(&Netns::Host).unwrap();
        scope.spawn(|| world.core.watch(&stop).unwrap());
        until("the rules come back", || world.core.repairs() > 0);
        world.host.delete_link(&Netns::Host, &LinkName::of_network(&world.network("a").record.id)).unwrap();
        until("the bridge comes back", || world.core.repairs() > 1);
        world.host.end_process(42);
        until("the sandbox goes", || world.core.sandbox("theirs").is_err());
    });
    let mut told = Vec::new();
    while let Ok(event) = news.try_recv() {
        told.push(event.action.clone());
    }
    assert_eq!(told.iter().filter(|action| *action == "repair").count() as u64, world.core.repairs());
    assert!(told.contains(&"destroy".to_owned()), "{told:?}");
    world.quiet();
    world.audit();
}

#[test]
fn a_loss_inside_a_sandbox_is_noticed_put_right_and_told() {
    let world = furnished();
    let eth0 = LinkName::new("eth0").unwrap();
    let record = world.core.sandbox("s").unwrap().record;
    let (ns, address) = (Netns::At(record.netns_path.clone().unwrap()), record.endpoints[0].ipv4.unwrap());
    let before = world.picture();
    let (_, mut news) = world.core.events().subscribe();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stops = Stop(&stop);
        // Nobody listened yet: found by the look that comes with listening.
        world.host.flush_rules(&ns).unwrap();
        scope.spawn(|| world.core.watch(&stop).unwrap());
        until("the way to the resolver comes back", || world.core.repairs() == 1);
        let default = pontoon_types::IpNet::from_str("0.0.0.0/0").unwrap();
        let losses = [vec![Op::RemoveAddress(eth0, address)], vec![Op::RemoveRoute(default)]];
        for (count, ops) in (2..).zip(losses) {
            world.host.alter(&ns, &ops).unwrap();
            until("what was taken away comes back", || world.core.repairs() == count);
        }
        world.host.flush_rules(&ns).unwrap();
        until("the way to the resolver comes back again", || world.core.repairs() == 4);
    });
    assert_same(&world.picture(), &before, "after the repairs");
    let mut told = Vec::new();
    while let Ok(event) = news.try_recv() {
        told.extend(event.attributes.get("sandbox").cloned());
    }
    assert_eq!(told, ["s"; 4]);
    world.audit();
}

#[test]
fn ports_of_bridges_follow_the_hosts_filtering_of_bridged_packets() {
    let world = furnished();
    let switch = |value: &str| {
        let key = "net/bridge/bridge-nf-call-iptables".to_owned();
        world.host.alter(&Netns::Host, &[Op::SetSysctl(key, value.into())]).unwrap();
        repaired(&world);
        let record = world.core.sandbox("s").unwrap().record;
        let port = record.endpoints[0].host_link.clone().unwrap();
        world.host.link(&Netns::Host, &port).unwrap().unwrap().hairpin
    };
    assert!(switch("1"), "a sandbox reaches itself through its published port");
    assert!(!switch("0"));
    world.audit();
}

#[test]
fn requests_work_on_a_table_that_another_hand_was_in() {
    let world = furnished();
    world.host.flush_rules(&Netns::Host).unwrap();
    world.make_network("new");
    world.host.flush_rules(&Netns::Host).unwrap();
    world.core.set_ports("s", vec![port("81:80/tcp")]).unwrap();
    world.host.flush_rules(&Netns::Host).unwrap();
    world.core.remove_sandbox("s").unwrap();
    world.host.flush_rules(&Netns::Host).unwrap();
    world.core.remove_network("new").unwrap();
    repaired(&world);
    world.audit();
}

#[test]
fn a_bridge_that_was_deleted_is_no_reason_to_fail() {
    let world = furnished();
    let name = LinkName::of_network(&world.network("inner").record.id);
    world.host.delete_link(&Netns::Host, &name).unwrap();
    world.core.disconnect("inner", "t", false).unwrap();
    world.core.remove_network("inner").unwrap();
    world.quiet();
    repaired(&world);
    world.audit();
}
