//! Links, addresses, routes and sysctls against a real kernel.
#![allow(clippy::unwrap_used)]

mod world;

use ipnet::IpNet;
use pontoon_kernel::{BridgeSpec, Kernel, Kind, LinkGroup, LinkKind, Netns, Observed, Op, Route, RouteTarget, Sockets};
use pontoon_linux::Linux;
use pontoon_types::MacAddr;
use std::path::Path;
use world::{bridge, command, eventually, inside, name, veth, world};

const HOST: Netns = Netns::Host;

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

/// A bridge `br0`, and a namespace joined to it by `v0` and `eth0`.
fn joined(linux: &Linux, folder: &Path) -> Netns {
    bridge(linux, "br0");
    let ns = linux.create_netns(&folder.join("ns")).unwrap();
    linux.apply(&HOST, &[Op::CreateVeth(veth("v0", "br0", &ns, "eth0"))]).unwrap();
    ns
}

fn ours(observed: &Observed) -> Vec<(IpNet, RouteTarget)> {
    let ours = observed.routes.iter().filter(|route| route.protocol == Route::OURS);
    ours.map(|route| (route.destination, route.target.clone())).collect()
}

#[test]
fn a_bridge_is_made_down_in_our_group_and_accepts_no_router_advertisements() {
    world(|linux, _| {
        let mac = MacAddr([2, 0, 0, 0, 0, 1]);
        let spec = BridgeSpec { name: name("br0"), mac, mtu: Some(1400) };
        linux.apply(&HOST, &[Op::CreateBridge(spec.clone())]).unwrap();
        let link = linux.link(&HOST, &name("br0")).unwrap().unwrap();
        assert_eq!(link.kind, LinkKind::Bridge);
        assert_eq!((link.mac, link.mtu, link.up), (Some(mac), 1400, false));
        assert_eq!(link.group, LinkGroup::Live.number());
        assert_eq!(linux.sysctl(&HOST, "net/ipv6/conf/br0/accept_ra").unwrap().as_deref(), Some("0"));
        let failed = linux.apply(&HOST, &[Op::CreateBridge(spec)]).unwrap_err();
        assert_eq!((failed.done, failed.cause.kind), (0, Kind::Exists));
        assert_eq!(failed.cause.act, "create bridge br0");
    });
}

#[test]
fn a_pair_is_made_at_once_with_its_other_end_inside() {
    world(|linux, folder| {
        bridge(linux, "br0");
        let ns = linux.create_netns(&folder.join("ns")).unwrap();
        let spec = pontoon_kernel::VethSpec { mtu: Some(1420), ..veth("v0", "br0", &ns, "eth0") };
        linux.apply(&HOST, &[Op::CreateVeth(spec)]).unwrap();
        let bridge = linux.link(&HOST, &name("br0")).unwrap().unwrap();
        let here = linux.link(&HOST, &name("v0")).unwrap().unwrap();
        assert_eq!((here.kind, here.master, here.up), (LinkKind::Veth, Some(bridge.index), true));
        assert_eq!((here.mtu, here.group, here.isolated), (1420, LinkGroup::Live.number(), false));
        let there = linux.link(&ns, &name("eth0")).unwrap().unwrap();
        assert_eq!((there.mac, there.mtu, there.up), (Some(MacAddr([2, 0, 0, 0, 0, 9])), 1420, false));
        assert!(linux.link(&HOST, &name("eth0")).unwrap().is_none());
    });
}

#[test]
fn port_flags_are_set_before_the_port_is_up() {
    world(|linux, folder| {
        bridge(linux, "br0");
        let ns = linux.create_netns(&folder.join("ns")).unwrap();
        let file = folder.join("news");
        let mut monitor = std::process::Command::new("ip")
            .args(["-d", "monitor", "link"])
            .stdout(std::fs::File::create(&file).unwrap())
            .spawn()
            .unwrap();
        let told_of = |link: &str| std::fs::read_to_string(&file).unwrap().contains(link);
        eventually(|| {
            command("ip link add begin type bridge; ip link del begin");
            told_of("begin")
        });
        let spec = pontoon_kernel::VethSpec { isolated: true, hairpin: true, ..veth("v0", "br0", &ns, "eth0") };
        linux.apply(&HOST, &[Op::CreateVeth(spec)]).unwrap();
        let link = linux.link(&HOST, &name("v0")).unwrap().unwrap();
        assert!(link.up && link.isolated);
        assert!(command("ip -d link show v0").contains("hairpin on"));
        assert!(linux.link(&Netns::Host, &name("v0")).unwrap().unwrap().hairpin);
        linux.apply(&HOST, &[Op::SetHairpin(name("v0"), false)]).unwrap();
        assert!(command("ip -d link show v0").contains("hairpin off"));
        linux.apply(&HOST, &[Op::SetHairpin(name("v0"), true)]).unwrap();
        command("ip link add end type bridge");
        eventually(|| told_of("end"));
        monitor.kill().unwrap();
        monitor.wait().unwrap();
        // Each piece of news is one line about the link and indented ones about its kinds.
        let news = std::fs::read_to_string(&file).unwrap().replace("\n ", " ");
        let mut about_port = news.lines().filter(|line| line.contains("v0@") && line.contains("UP"));
        assert!(news.contains("isolated on"), "{news}");
        assert!(!about_port.any(|line| line.contains("isolated off")), "{news}");
    });
}

#[test]
fn a_pair_whose_names_are_taken_or_whose_bridge_is_missing_leaves_nothing() {
    world(|linux, folder| {
        let ns = joined(linux, folder);
        for (host, bridge, peer, kind) in [
            ("v0", "br0", "eth1", Kind::Exists),
            ("v1", "br0", "eth0", Kind::Exists),
            ("v1", "br9", "eth1", Kind::NotFound),
            ("v1", "lo", "eth1", Kind::NotSupported),
        ] {
            let before = (linux.observe(&HOST).unwrap(), linux.observe(&ns).unwrap());
            let failed = linux.apply(&HOST, &[Op::CreateVeth(veth(host, bridge, &ns, peer))]).unwrap_err();
            assert_eq!(failed.cause.kind, kind, "{host} {bridge} {peer}: {failed}");
            let after = (linux.observe(&HOST).unwrap(), linux.observe(&ns).unwrap());
            assert_eq!(before.0.links.len(), after.0.links.len(), "{host} {bridge} {peer}");
            assert_eq!(before.1.links.len(), after.1.links.len(), "{host} {bridge} {peer}");
        }
        let gone = Netns::At(folder.join("missing"));
        let failed = linux.apply(&HOST, &[Op::CreateVeth(veth("v1", "br0", &gone, "eth1"))]).unwrap_err();
        assert_eq!(failed.cause.kind, Kind::NotFound);
    });
}

#[test]
fn link_attributes_are_changed_one_by_one() {
    world(|linux, folder| {
        let ns = joined(linux, folder);
        let v0 = || name("v0");
        let eth0 = || name("eth0");
        let here = |op| linux.apply(&HOST, &[op]).unwrap();
        let look = || linux.link(&HOST, &v0()).unwrap().unwrap();
        here(Op::Down(v0()));
        assert!(!look().up);
        here(Op::SetMtu(v0(), 1300));
        here(Op::SetMac(v0(), MacAddr([2, 0, 0, 0, 0, 7])));
        here(Op::SetAlias(v0(), "pontoon: endpoint 1".into()));
        here(Op::SetGroup(v0(), LinkGroup::Retired));
        here(Op::SetIsolated(v0(), true));
        here(Op::Up(v0()));
        let link = look();
        assert_eq!((link.mtu, link.mac, link.up), (1300, Some(MacAddr([2, 0, 0, 0, 0, 7])), true));
        assert_eq!(link.alias.as_deref(), Some("pontoon: endpoint 1"));
        assert_eq!((link.group, link.isolated), (LinkGroup::Retired.number(), true));
        here(Op::SetIsolated(v0(), false));
        here(Op::SetAlias(v0(), String::new()));
        assert_eq!((look().isolated, look().alias), (false, None));
        bridge(linux, "br1");
        here(Op::SetMaster(v0(), name("br1")));
        assert_eq!(look().master, linux.link(&HOST, &name("br1")).unwrap().map(|link| link.index));
        linux.apply(&ns, &[Op::Up(eth0()), Op::Rename(eth0(), name("lan0")), Op::Up(name("lan0"))]).unwrap();
        assert!(linux.link(&ns, &name("lan0")).unwrap().unwrap().up);
        assert!(linux.link(&ns, &eth0()).unwrap().is_none());
    });
}

#[test]
fn operations_on_a_missing_link_are_not_found_unless_they_take_something_away() {
    world(|linux, _| {
        let x = || name("x");
        for op in [
            Op::Up(x()),
            Op::Down(x()),
            Op::SetMtu(x(), 1400),
            Op::SetMac(x(), MacAddr([2; 6])),
            Op::SetAlias(x(), "a".into()),
            Op::SetGroup(x(), LinkGroup::Live),
            Op::SetMaster(x(), name("lo")),
            Op::SetIsolated(x(), true),
            Op::Rename(x(), name("y")),
            Op::AddAddress(x(), net("10.0.0.1/24")),
            Op::SetRoute { destination: net("10.1.0.0/24"), target: RouteTarget::OnLink, link: Some(x()) },
            Op::SetSysctl("net/ipv6/conf/x/disable_ipv6".into(), "1".into()),
        ] {
            let failed = linux.apply(&HOST, std::slice::from_ref(&op)).unwrap_err();
            assert_eq!(failed.cause.kind, Kind::NotFound, "{op:?}: {failed}");
        }
        let gone = [Op::RemoveAddress(x(), net("10.0.0.1/24")), Op::Retire(x()), Op::RemoveRoute(net("10.1.0.0/24"))];
        linux.apply(&HOST, &gone).unwrap();
    });
}

#[test]
fn nothing_is_done_after_the_first_failure() {
    world(|linux, _| {
        bridge(linux, "br0");
        let spec = BridgeSpec { name: name("br0"), mac: MacAddr([2; 6]), mtu: None };
        let ops = [
            Op::AddAddress(name("br0"), net("10.0.0.1/24")),
            Op::CreateBridge(spec),
            Op::SetAlias(name("br0"), "not ours".into()),
        ];
        let failed = linux.apply(&HOST, &ops).unwrap_err();
        assert_eq!((failed.done, failed.cause.kind), (1, Kind::Exists));
        let observed = linux.observe(&HOST).unwrap();
        let link = observed.link(&name("br0")).unwrap();
        assert_eq!(link.alias, None);
        assert!(observed.addresses_of(link.index).any(|address| address.net == net("10.0.0.1/24")));
    });
}

#[test]
fn addresses_come_and_go_once_in_both_families_without_duplicate_detection() {
    world(|linux, folder| {
        let ns = joined(linux, folder);
        let eth0 = || name("eth0");
        let all = [net("10.0.0.2/24"), net("10.0.1.2/31"), net("fd00::2/64"), net("fe80::99/64")];
        let add: Vec<Op> = all.iter().map(|net| Op::AddAddress(eth0(), *net)).collect();
        linux.apply(&ns, &[vec![Op::Up(eth0())], add.clone(), add].concat()).unwrap();
        let observed = linux.observe(&ns).unwrap();
        let index = observed.link(&eth0()).unwrap().index;
        for net in all {
            let found: Vec<_> = observed.addresses_of(index).filter(|address| address.net == net).collect();
            assert_eq!(found.len(), 1, "{net}");
            assert_eq!(found[0].protocol, pontoon_kernel::Address::OURS, "{net} is marked as ours");
        }
        let shown = inside(&folder.join("ns"), "ip addr show dev eth0");
        assert!(shown.contains("inet 10.0.0.2/24 brd 10.0.0.255"), "{shown}");
        assert!(shown.contains("inet6 fd00::2/64 scope global nodad"), "{shown}");
        let other = linux.apply(&ns, &[Op::AddAddress(eth0(), net("fd00::2/80"))]).unwrap_err();
        assert_eq!(other.cause.kind, Kind::Exists);
        let remove: Vec<Op> = all.iter().map(|net| Op::RemoveAddress(eth0(), *net)).collect();
        linux.apply(&ns, &[remove.clone(), remove].concat()).unwrap();
        let observed = linux.observe(&ns).unwrap();
        assert!(!observed.addresses.iter().any(|address| all.contains(&address.net)));
    });
}

#[test]
fn routes_are_replaced_and_removed_and_only_ours() {
    world(|linux, folder| {
        let ns = joined(linux, folder);
        let eth0 = || name("eth0");
        let add = |text: &str| Op::AddAddress(eth0(), net(text));
        linux.apply(&ns, &[Op::Up(eth0()), add("10.0.0.2/24"), add("fd00::2/64")]).unwrap();
        let via = |destination: &str, gateway: &str, link| Op::SetRoute {
            destination: net(destination),
            target: RouteTarget::Via(gateway.parse().unwrap()),
            link,
        };
        linux.apply(&ns, &[via("0.0.0.0/0", "10.0.0.1", None), via("::/0", "fd00::1", Some(eth0()))]).unwrap();
        linux.apply(&ns, &[via("0.0.0.0/0", "10.0.0.3", Some(eth0())), via("::/0", "fd00::3", Some(eth0()))]).unwrap();
        let target = |text: &str| RouteTarget::Via(text.parse().unwrap());
        let found = ours(&linux.observe(&ns).unwrap());
        assert_eq!(found, [(net("0.0.0.0/0"), target("10.0.0.3")), (net("::/0"), target("fd00::3"))]);
        // From a gateway to none: IPv6 would keep both.
        let on_link =
            |text: &str| Op::SetRoute { destination: net(text), target: RouteTarget::OnLink, link: Some(eth0()) };
        linux.apply(&ns, &[on_link("0.0.0.0/0"), on_link("::/0")]).unwrap();
        let found = ours(&linux.observe(&ns).unwrap());
        assert_eq!(found, [(net("0.0.0.0/0"), RouteTarget::OnLink), (net("::/0"), RouteTarget::OnLink)]);
        linux.apply(&ns, &[via("::/0", "fd00::1", None)]).unwrap();
        assert_eq!(ours(&linux.observe(&ns).unwrap())[1..], [(net("::/0"), target("fd00::1"))]);
        inside(&folder.join("ns"), "ip route add 10.7.0.0/24 via 10.0.0.1");
        inside(&folder.join("ns"), "ip -6 route add fd07::/64 via fd00::1");
        let remove = ["0.0.0.0/0", "::/0", "10.7.0.0/24", "fd07::/64"].map(|text| Op::RemoveRoute(net(text)));
        linux.apply(&ns, &[&remove[..], &remove[..]].concat()).unwrap();
        let routes = linux.routes(&ns).unwrap();
        assert!(routes.iter().all(|route| route.protocol != Route::OURS));
        for foreign in ["10.7.0.0/24", "fd07::/64", "10.0.0.0/24", "fd00::/64"] {
            assert!(routes.iter().any(|route| route.destination == net(foreign)), "{foreign}");
        }
        let unreachable = linux.apply(&ns, &[via("10.9.0.0/24", "192.0.2.1", None)]).unwrap_err();
        assert_eq!(unreachable.cause.act, "add route to 10.9.0.0/24 via 192.0.2.1");
        assert!(unreachable.cause.cause.starts_with("network is unreachable"), "{}", unreachable.cause.cause);
    });
}

#[test]
fn the_kernels_own_words_are_part_of_the_cause() {
    world(|linux, _| {
        bridge(linux, "br0");
        let failed = linux.apply(&HOST, &[Op::SetMtu(name("br0"), 10)]).unwrap_err();
        assert_eq!(failed.cause.kind, Kind::Invalid);
        assert_eq!(failed.cause.cause, "invalid argument: mtu less than device minimum");
    });
}

#[test]
fn sysctls_are_of_the_namespace_and_not_written_twice() {
    world(|linux, folder| {
        let ns = linux.create_netns(&folder.join("ns")).unwrap();
        let key = "net/ipv4/ip_unprivileged_port_start";
        linux.apply(&ns, &[Op::SetSysctl(key.into(), "99".into())]).unwrap();
        assert_eq!(linux.sysctl(&ns, key).unwrap().as_deref(), Some("99"));
        assert_eq!(linux.sysctl(&HOST, key).unwrap().as_deref(), Some("1024"));
        assert_eq!(linux.sysctl(&HOST, "net/ipv4/no_such_thing").unwrap(), None);
    });
}

#[test]
fn where_settings_are_read_only_what_is_right_already_is_no_trouble_and_links_are_made() {
    world(|linux, folder| {
        let key = "net/ipv4/ip_unprivileged_port_start";
        let ns = linux.create_netns(&folder.join("ns")).unwrap();
        linux.apply(&ns, &[Op::SetSysctl(key.into(), "99".into())]).unwrap();
        let files = "/proc/sys";
        nix::mount::mount(Some(files), files, None::<&str>, nix::mount::MsFlags::MS_BIND, None::<&str>).unwrap();
        let read_only = nix::mount::MsFlags::MS_BIND | nix::mount::MsFlags::MS_REMOUNT | nix::mount::MsFlags::MS_RDONLY;
        nix::mount::mount(None::<&str>, files, None::<&str>, read_only, None::<&str>).unwrap();
        let linux = &pontoon_linux::Linux::new().unwrap();
        linux.apply(&ns, &[Op::SetSysctl(key.into(), "99".into())]).unwrap();
        let failed = linux.apply(&ns, &[Op::SetSysctl(key.into(), "98".into())]).unwrap_err();
        assert_eq!(failed.cause.kind, Kind::Denied);
        bridge(linux, "br0");
        linux.apply(&HOST, &[Op::CreateVeth(veth("v0", "br0", &ns, "eth0"))]).unwrap();
        assert!(linux.link(&HOST, &name("v0")).unwrap().unwrap().up);
        linux.apply(&ns, &[Op::Up(name("eth0"))]).unwrap();
        assert!(!command("ip -6 address show v0").contains("inet6"));
    });
}

#[test]
fn a_setting_that_cannot_be_read_is_written() {
    world(|linux, _| {
        assert_eq!(linux.sysctl(&HOST, "net/ipv4/route/flush").unwrap_err().kind, Kind::Denied);
        linux.apply(&HOST, &[Op::SetSysctl("net/ipv4/route/flush".into(), "1".into())]).unwrap();
        let failed = linux.apply(&HOST, &[Op::SetSysctl("net/ipv4/no_such_thing".into(), "1".into())]).unwrap_err();
        assert_eq!(failed.cause.kind, Kind::NotFound);
    });
}

#[test]
fn a_bridge_port_has_no_part_in_ipv6_of_the_host() {
    world(|linux, folder| {
        let ns = joined(linux, folder);
        linux.apply(&ns, &[Op::Up(name("eth0"))]).unwrap();
        assert_eq!(linux.sysctl(&HOST, "net/ipv6/conf/v0/disable_ipv6").unwrap().as_deref(), Some("1"));
        let routes = command("ip -6 route show table all");
        assert!(!routes.contains("dev v0"), "{routes}");
        assert!(!command("ip -6 address show v0").contains("inet6"));
    });
}

#[test]
fn packets_are_counted_at_both_ends_of_a_pair_the_other_way_round() {
    world(|linux, folder| {
        let ns = joined(linux, folder);
        linux.apply(&HOST, &[Op::AddAddress(name("br0"), net("10.9.0.1/24")), Op::Up(name("br0"))]).unwrap();
        linux.apply(&ns, &[Op::AddAddress(name("eth0"), net("10.9.0.2/24")), Op::Up(name("eth0"))]).unwrap();
        linux.settle(&HOST, &name("v0")).unwrap();
        let at = |ns: &Netns, link: &str| {
            linux.counters(ns).unwrap().into_iter().find(|(found, _)| *found == name(link)).unwrap().1
        };
        let before = at(&ns, "eth0");
        let socket = linux.udp(&ns, "10.9.0.2:0".parse().unwrap()).unwrap();
        for _ in 0..10 {
            socket.send_to(&[0; 100], "10.9.0.1:9").unwrap();
        }
        eventually(|| at(&ns, "eth0").tx_packets >= before.tx_packets + 10);
        let (inside, outside) = (at(&ns, "eth0"), at(&HOST, "v0"));
        assert!(inside.tx_bytes >= before.tx_bytes + 1000, "{inside:?}");
        assert!(outside.rx_packets >= 10 && inside.rx_packets >= 1, "{outside:?} {inside:?}");
    });
}

#[test]
fn a_retired_link_is_cut_off_at_once_and_its_name_is_free() {
    world(|linux, folder| {
        let ns = joined(linux, folder);
        let op = Op::AddAddress(name("br0"), net("10.0.0.1/24"));
        linux.apply(&HOST, &[op, Op::AddAddress(name("br0"), net("fd00::1/64"))]).unwrap();
        let before = linux.link(&HOST, &name("v0")).unwrap().unwrap();
        linux.apply(&HOST, &[Op::Retire(name("v0")), Op::Retire(name("br0"))]).unwrap();
        let observed = linux.observe(&HOST).unwrap();
        let retired = observed.links.iter().find(|link| link.index == before.index).unwrap();
        assert_eq!((retired.group, retired.up, retired.master), (LinkGroup::Retired.number(), false, None));
        assert!(observed.link(&name("v0")).is_none() && observed.link(&name("br0")).is_none());
        let lo = observed.link(&name("lo")).unwrap().index;
        assert!(observed.addresses.iter().all(|address| address.link == lo), "{:?}", observed.addresses);
        linux.apply(&ns, &[Op::Retire(name("eth0"))]).unwrap();
        // Both names, here and inside, can be taken again before anything is reaped.
        bridge(linux, "br0");
        linux.apply(&HOST, &[Op::CreateVeth(veth("v0", "br0", &ns, "eth0"))]).unwrap();
        assert!(linux.reap(&HOST).unwrap());
        assert!(!linux.reap(&HOST).unwrap());
        assert!(linux.reap_bridge(&HOST).unwrap());
        assert!(!linux.reap_bridge(&HOST).unwrap());
        let left = linux.observe(&HOST).unwrap();
        assert!(left.link(&name("v0")).is_some() && left.link(&name("br0")).is_some());
        assert_eq!(left.links.len(), 3);
        // The pair's other end went with it.
        assert_eq!(linux.observe(&ns).unwrap().links.len(), 2);
    });
}

#[test]
fn a_retired_name_that_somebody_took_costs_another_try() {
    world(|linux, _| {
        bridge(linux, "br0");
        let index = linux.link(&HOST, &name("br0")).unwrap().unwrap().index.0;
        command(&format!("ip link add pon-{index:x}.0 type bridge"));
        linux.apply(&HOST, &[Op::Retire(name("br0"))]).unwrap();
        assert!(linux.link(&HOST, &name(&format!("pon-{index:x}.1"))).unwrap().is_some());
        assert!(linux.reap_bridge(&HOST).unwrap());
        assert!(linux.link(&HOST, &name(&format!("pon-{index:x}.0"))).unwrap().is_some());
    });
}

#[test]
fn foreign_links_with_names_or_kinds_we_do_not_know_do_no_harm() {
    world(|linux, _| {
        command(
            "ip link add 'a%b' type bridge; ip link add 'é' type bridge; ip link add vx type vxlan id 7 dstport 4789",
        );
        let observed = linux.observe(&HOST).unwrap();
        let names: Vec<_> = observed.links.iter().map(|link| link.name.to_string()).collect();
        assert_eq!(names, ["lo", "vx"]);
        assert_eq!(observed.links[0].kind, LinkKind::Loopback);
        assert_eq!(observed.links[1].kind, LinkKind::Other("vxlan".into()));
    });
}

#[test]
fn a_settled_link_carries_the_very_first_packet() {
    world(|linux, folder| {
        let ns = joined(linux, folder);
        let eth0 = || name("eth0");
        linux.apply(&ns, &[Op::AddAddress(eth0(), net("10.0.0.2/24")), Op::Up(eth0())]).unwrap();
        linux.settle(&ns, &eth0()).unwrap();
        linux.settle(&HOST, &name("v0")).unwrap();
        linux.settle(&HOST, &name("no-such-link")).unwrap();
        let state = |line: &str| line.contains("state UP");
        assert!(state(&command("ip link show v0")));
        assert!(state(&inside(&folder.join("ns"), "ip link show eth0")));
    });
}

#[test]
fn fifty_links_are_observed_whole() {
    world(|linux, _| {
        for number in 0..50 {
            bridge(linux, &format!("br{number}"));
            let address = Op::AddAddress(name(&format!("br{number}")), net(&format!("10.0.{number}.1/24")));
            linux.apply(&HOST, &[address]).unwrap();
        }
        let observed = linux.observe(&HOST).unwrap();
        assert_eq!(observed.links.len(), 51);
        assert_eq!(observed.addresses.iter().filter(|address| address.net.addr().is_ipv4()).count(), 51);
        assert_eq!(observed.routes.iter().filter(|route| route.destination.addr().is_ipv4()).count(), 50);
    });
}
