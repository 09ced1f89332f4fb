//! Links: who dies with whom, and what the kernel refuses.

use super::*;
use crate::{Kind, LinkGroup, LinkKind};

#[test]
fn a_pair_is_made_in_one_step_with_one_end_in_the_bridge_and_the_other_in_the_sandbox() {
    let (host, sandbox) = joined();
    let outer = link(&host, &Netns::Host, "veth0").unwrap();
    let inner = link(&host, &sandbox, "eth0").unwrap();
    assert_eq!(outer.master, Some(link(&host, &Netns::Host, "br0").unwrap().index));
    assert_eq!((outer.up, inner.up), (true, false));
    assert_eq!((outer.group, inner.group), (LinkGroup::Live.number(), 0));
    assert_eq!((outer.kind, inner.kind, inner.mac), (LinkKind::Veth, LinkKind::Veth, Some(MAC)));
}

#[test]
fn both_ends_of_a_pair_go_together() {
    let (host, sandbox) = joined();
    host.delete_link(&sandbox, &name("eth0")).unwrap();
    assert_eq!(link(&host, &Netns::Host, "veth0"), None);
    let (host, sandbox) = joined();
    host.delete_link(&Netns::Host, &name("veth0")).unwrap();
    assert_eq!(link(&host, &sandbox, "eth0"), None);
}

#[test]
fn deleting_a_bridge_frees_its_ports() {
    let (host, _) = joined();
    host.apply(&Netns::Host, &[Op::SetIsolated(name("veth0"), true)]).unwrap();
    host.delete_link(&Netns::Host, &name("br0")).unwrap();
    let port = link(&host, &Netns::Host, "veth0").unwrap();
    assert_eq!((port.master, port.isolated, port.up), (None, false, true));
}

#[test]
fn a_retired_link_frees_its_name_at_once_and_goes_when_reaped() {
    let (host, sandbox) = joined();
    let before = host.snapshot();
    host.apply(&sandbox, &[Op::Up(name("eth0")), Op::AddAddress(name("eth0"), net("10.0.0.2/24"))]).unwrap();
    host.apply(&sandbox, &[Op::Retire(name("eth0"))]).unwrap();
    host.apply(&Netns::Host, &[Op::Retire(name("veth0")), Op::Retire(name("veth0"))]).unwrap();
    assert_eq!((link(&host, &Netns::Host, "veth0"), link(&host, &sandbox, "eth0")), (None, None));
    assert_eq!(host.observe(&sandbox).unwrap().addresses.len(), 2, "only those of the loopback are left");
    host.apply(&Netns::Host, &[Op::CreateVeth(veth("veth0", "br0", &sandbox))]).unwrap();
    assert_eq!(host.retired(), 2);
    assert!(host.reap(&Netns::Host).unwrap());
    assert_eq!((host.retired(), host.reap(&Netns::Host).unwrap()), (0, false));
    assert_eq!(host.snapshot().namespaces.len(), before.namespaces.len());
}

#[test]
fn a_retired_bridge_keeps_its_ports_until_it_is_reaped() {
    let (host, _) = joined();
    host.apply(&Netns::Host, &[Op::Retire(name("br0"))]).unwrap();
    assert!(link(&host, &Netns::Host, "veth0").unwrap().master.is_some());
    assert!(!host.reap(&Netns::Host).unwrap(), "bridges go one by one");
    assert!(host.reap_bridge(&Netns::Host).unwrap());
    assert!(!host.reap_bridge(&Netns::Host).unwrap());
    assert_eq!(link(&host, &Netns::Host, "veth0").unwrap().master, None);
}

#[test]
fn a_port_that_changes_bridges_is_not_isolated_any_more() {
    let (host, _) = joined();
    let isolate = Op::SetIsolated(name("veth0"), true);
    let move_to = |bridge| Op::SetMaster(name("veth0"), name(bridge));
    host.apply(&Netns::Host, &[isolate, move_to("br0"), bridge("br1")]).unwrap();
    assert!(link(&host, &Netns::Host, "veth0").unwrap().isolated);
    host.apply(&Netns::Host, &[move_to("br1")]).unwrap();
    assert!(!link(&host, &Netns::Host, "veth0").unwrap().isolated);
}

#[test]
fn refusals_are_those_of_the_kernel_and_change_nothing() {
    let (host, sandbox) = joined();
    let nowhere = Netns::At(at("nowhere"));
    let with_mtu = VethSpec { mtu: Some(10), peer: name("eth1"), ..veth("veth1", "br0", &sandbox) };
    let cases = [
        (bridge("br0"), Kind::Exists),
        (Op::CreateVeth(veth("veth0", "br0", &sandbox)), Kind::Exists),
        (Op::CreateVeth(veth("veth1", "br0", &sandbox)), Kind::Exists),
        (Op::CreateVeth(veth("veth1", "br9", &sandbox)), Kind::NotFound),
        (Op::CreateVeth(veth("veth1", "eth0", &sandbox)), Kind::NotSupported),
        (Op::CreateVeth(veth("veth1", "br0", &nowhere)), Kind::NotFound),
        (Op::CreateVeth(with_mtu), Kind::Invalid),
        (Op::Up(name("no")), Kind::NotFound),
        (Op::SetMtu(name("no"), 1500), Kind::NotFound),
        (Op::SetMtu(name("br0"), 0), Kind::Invalid),
        (Op::SetMac(name("br0"), MacAddr([1; 6])), Kind::NotAvailable),
        (Op::SetMaster(name("no"), name("br0")), Kind::NotFound),
        (Op::SetMaster(name("veth0"), name("eth0")), Kind::NotSupported),
        (Op::SetIsolated(name("br0"), true), Kind::NotSupported),
        (Op::Rename(name("veth0"), name("br0")), Kind::Exists),
        (Op::AddAddress(name("no"), net("10.0.0.1/24")), Kind::NotFound),
        (Op::AddAddress(name("br0"), net("224.0.0.1/24")), Kind::Invalid),
        (Op::SetSysctl("net/ipv4/conf/no/rp_filter".into(), "1".into()), Kind::NotFound),
        (Op::SetSysctl("net/ipv4/conf/br0/nonsense".into(), "1".into()), Kind::NotFound),
    ];
    let before = host.snapshot();
    for (op, kind) in cases {
        let failed = host.apply(&Netns::Host, std::slice::from_ref(&op)).unwrap_err();
        assert_eq!((failed.done, failed.cause.kind), (0, kind), "{op:?}");
    }
    assert_eq!(host.snapshot(), before);
}

#[test]
fn what_is_missing_already_is_removed_without_error() {
    let host = FakeHost::new();
    let before = host.snapshot();
    let ops = [
        Op::Retire(name("no")),
        Op::RemoveAddress(name("no"), net("10.0.0.1/24")),
        Op::RemoveAddress(name("eth0"), net("10.0.0.1/24")),
        Op::RemoveRoute(net("10.0.0.0/24")),
    ];
    host.apply(&Netns::Host, &ops).unwrap();
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_list_of_operations_stops_at_the_first_that_fails() {
    let host = FakeHost::new();
    let ops = [bridge("br0"), Op::Up(name("no")), bridge("br1")];
    assert_eq!(host.apply(&Netns::Host, &ops).unwrap_err().done, 1);
    assert!(link(&host, &Netns::Host, "br0").is_some());
    assert!(link(&host, &Netns::Host, "br1").is_none());
    host.apply(&Netns::At(at("nowhere")), &[]).unwrap();
}
