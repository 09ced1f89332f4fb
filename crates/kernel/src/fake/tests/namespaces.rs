//! Namespaces: who keeps them, and what goes with them.

use super::*;
use crate::{Change, Kind, NetnsOwner};
use std::time::Duration;

#[test]
fn a_released_namespace_takes_its_links_and_their_other_ends_along() {
    let host = FakeHost::new();
    host.apply(&Netns::Host, &[bridge("br0")]).unwrap();
    let before = host.snapshot();
    let sandbox = host.create_netns(&at("a")).unwrap();
    assert_eq!(host.create_netns(&at("a")).unwrap_err().kind, Kind::Exists);
    host.apply(&Netns::Host, &[Op::CreateVeth(veth("veth0", "br0", &sandbox))]).unwrap();
    host.release_netns(&at("a")).unwrap();
    host.release_netns(&at("a")).unwrap();
    assert_eq!(host.snapshot(), before);
    assert_eq!(host.observe(&sandbox).unwrap_err().kind, Kind::NotFound);
    assert_eq!(host.netns_id(&at("a")).unwrap(), None);
}

#[test]
fn a_new_namespace_has_its_loopback_up_and_is_never_an_old_one() {
    let host = FakeHost::new();
    let sandbox = host.create_netns(&at("a")).unwrap();
    assert!(link(&host, &sandbox, "lo").unwrap().up);
    assert_eq!(addresses(&host, &sandbox, "lo"), ["127.0.0.1/8", "::1/128"]);
    let first = host.netns_id(&at("a")).unwrap();
    host.release_netns(&at("a")).unwrap();
    host.create_netns(&at("a")).unwrap();
    assert_ne!(host.netns_id(&at("a")).unwrap(), first);
}

#[test]
fn an_adopted_namespace_outlives_its_owner_while_we_keep_it() {
    let host = FakeHost::new();
    let id = host.start_process(42, 7);
    let owner = NetnsOwner::Process { pid: 42, start: 7 };
    let sandbox = host.adopt_netns(&owner, &at("a")).unwrap();
    assert_eq!((host.owner_id(&owner).unwrap(), host.netns_id(&at("a")).unwrap()), (Some(id), Some(id)));
    host.end_process(42);
    assert_eq!(host.owner_id(&owner).unwrap(), None);
    assert!(host.observe(&sandbox).is_ok());
    host.release_netns(&at("a")).unwrap();
    assert_eq!(host.snapshot(), FakeHost::new().snapshot());
}

#[test]
fn a_process_with_an_old_number_is_another_owner() {
    let host = FakeHost::new();
    host.start_process(42, 7);
    host.start_process(42, 8);
    assert_eq!((host.process_start(42).unwrap(), host.process_start(43).unwrap()), (Some(8), None));
    for (start, there) in [(7, false), (8, true), (0, true)] {
        let owner = NetnsOwner::Process { pid: 42, start };
        assert_eq!(host.owner_id(&owner).unwrap().is_some(), there, "{start}");
        assert_eq!(host.adopt_netns(&owner, &at(&start.to_string())).is_ok(), there, "{start}");
    }
}

#[test]
fn namespaces_are_found_by_path_also_below_proc() {
    let host = FakeHost::new();
    let named = host.add_netns(&at("named")).unwrap();
    let of_process = host.start_process(42, 7);
    let by_path = |text: &str| host.owner_id(&NetnsOwner::Path(text.into())).unwrap();
    assert_eq!(by_path("/run/test/named"), Some(named));
    assert_eq!(by_path("/proc/42/ns/net"), Some(of_process));
    assert_eq!(by_path("/proc/43/ns/net"), None);
    host.remove_netns(&at("named"));
    assert_eq!(by_path("/run/test/named"), None);
}

#[test]
fn the_host_itself_cannot_be_adopted() {
    let host = FakeHost::new();
    host.start_process_in_host(1, 1);
    let owner = NetnsOwner::Process { pid: 1, start: 1 };
    assert_eq!(host.adopt_netns(&owner, &at("a")).unwrap_err().kind, Kind::Invalid);
    assert_eq!(host.adopt_netns(&NetnsOwner::Path(at("no")), &at("a")).unwrap_err().kind, Kind::NotFound);
    host.add_netns(&at("b")).unwrap();
    host.add_netns(&at("taken")).unwrap();
    let owner = NetnsOwner::Path(at("b"));
    assert_eq!(host.adopt_netns(&owner, &at("taken")).unwrap_err().kind, Kind::Exists);
}

#[test]
fn watchers_are_told_once_of_a_burst() {
    let (host, sandbox) = joined();
    let mut watch = host.watch().unwrap();
    let mut next = || watch.next(Duration::ZERO).unwrap();
    host.apply(&sandbox, &[Op::Up(name("eth0"))]).unwrap();
    assert_eq!(next(), None, "only the host's own namespace is watched");
    host.alter(&Netns::Host, &[Op::Down(name("br0")), Op::Up(name("br0"))]).unwrap();
    host.flush_rules(&Netns::Host).unwrap();
    host.end_process(42);
    host.tell(&Change::Lost);
    host.delete_link(&Netns::Host, &name("br0")).unwrap();
    let told: Vec<_> = std::iter::from_fn(&mut next).collect();
    assert_eq!(told, [Change::Links, Change::Rules, Change::Namespaces, Change::Lost]);
}

#[test]
fn a_watcher_that_waits_is_woken() {
    let host = FakeHost::new();
    let mut watch = host.watch().unwrap();
    let waiting = std::thread::spawn(move || watch.next(Duration::from_secs(60)).unwrap());
    host.flush_rules(&Netns::Host).unwrap();
    assert_eq!(waiting.join().unwrap(), Some(Change::Rules));
}
