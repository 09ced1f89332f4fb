//! Failures on demand, and the list of writes.

use super::*;
use crate::Kind;
use crate::fake::Write;
use crate::nft::{Table, TableFamily, TableId, Transaction};
use crate::{Reservation, Result, Sockets};
use pontoon_types::{PortRange, Protocol};

fn table() -> Table {
    Table::new(TableId::new(TableFamily::Inet, "t"))
}

/// One of each sort; what it leaves when it is through.
fn scenario(host: &FakeHost) -> Result<()> {
    let sandbox = host.create_netns(&at("a"))?;
    host.apply(&Netns::Host, &[bridge("br0"), Op::Up(name("br0"))]).map_err(|failed| failed.cause)?;
    host.commit(&Netns::Host, &Transaction::create(&table()))?;
    let ports = PortRange::single(80);
    host.reserve(&Reservation { protocol: Protocol::Tcp, address: "::".parse().unwrap(), ports })?;
    host.udp(&sandbox, "127.0.0.11:53".parse().unwrap())?;
    host.observe(&sandbox)?;
    Ok(())
}

#[test]
fn every_operation_of_a_scenario_can_be_made_to_fail() {
    let whole = FakeHost::new();
    scenario(&whole).unwrap();
    let count = whole.operations();
    assert_eq!(count, 7);
    for nth in 1..=count {
        let host = FakeHost::new();
        host.fail_on(nth, Kind::Exhausted);
        assert_eq!(scenario(&host).unwrap_err().kind, Kind::Exhausted, "{nth}");
        assert_eq!(host.operations(), nth);
        assert!(!host.is_failure_pending());
    }
    let host = FakeHost::new();
    host.fail_on(count + 1, Kind::Other);
    scenario(&host).unwrap();
    assert!(host.is_failure_pending());
    host.cancel_failure();
    host.observe(&Netns::Host).unwrap();
}

#[test]
fn an_operation_that_fails_on_demand_does_nothing() {
    let host = FakeHost::new();
    let before = host.snapshot();
    host.fail_on(1, Kind::Denied);
    assert_eq!(host.apply(&Netns::Host, &[bridge("br0")]).unwrap_err().done, 0);
    assert_eq!((host.snapshot(), host.writes()), (before, vec![]));
}

#[test]
fn questions_and_sysctls_that_have_their_value_are_not_writes() {
    let host = FakeHost::new();
    host.observe(&Netns::Host).unwrap();
    host.link(&Netns::Host, &name("eth0")).unwrap();
    host.table(&Netns::Host, &table().id).unwrap();
    host.commit(&Netns::Host, &Transaction::new(table().id)).unwrap();
    host.forget_flows(&[]).unwrap();
    host.reap(&Netns::Host).unwrap();
    host.apply(&Netns::Host, &[Op::SetSysctl("net/ipv4/ip_forward".into(), "1".into())]).unwrap();
    host.alter(&Netns::Host, &[bridge("br0")]).unwrap();
    assert_eq!(host.writes(), []);
}

#[test]
fn writes_are_listed_in_order() {
    let host = FakeHost::new();
    scenario(&host).unwrap();
    let writes = host.writes();
    assert_eq!(writes.len(), 4);
    assert_eq!(writes[0], Write::CreateNetns(at("a")));
    assert_eq!(writes[1], Write::Op(Netns::Host, bridge("br0")));
    assert_eq!(writes[3], Write::Commit(Netns::Host, Transaction::create(&table())));
    host.forget_writes();
    assert_eq!(host.writes(), []);
}

#[test]
fn reaping_fails_only_when_told_so_and_is_never_counted() {
    let host = FakeHost::new();
    host.alter(&Netns::Host, &[bridge("br0"), Op::Retire(name("br0"))]).unwrap();
    host.fail_on(1, Kind::Other);
    host.fail_reaps(Some(Kind::Busy));
    assert_eq!(host.reap(&Netns::Host).unwrap_err().kind, Kind::Busy);
    assert_eq!(host.reap_bridge(&Netns::Host).unwrap_err().kind, Kind::Busy);
    host.fail_reaps(None);
    assert!(host.reap_bridge(&Netns::Host).unwrap());
    assert_eq!((host.operations(), host.is_failure_pending()), (0, true));
    assert_eq!(host.writes(), [Write::Reap(Netns::Host, 1)]);
}

#[test]
fn rules_are_part_of_the_host_and_their_generation_is_not() {
    let host = FakeHost::new();
    let before = host.snapshot();
    host.commit(&Netns::Host, &Transaction::create(&table())).unwrap();
    assert_ne!(host.snapshot(), before);
    host.flush_rules(&Netns::Host).unwrap();
    assert_eq!(host.snapshot(), before);
    host.alter_rules(&Netns::Host, &Transaction::create(&table())).unwrap();
    assert!(host.table(&Netns::Host, &table().id).unwrap().is_some());
}

#[test]
fn after_power_loss_the_host_is_as_in_the_beginning() {
    let host = FakeHost::new();
    let held = scenario(&host);
    let ports = PortRange::single(81);
    let kept = host.reserve(&Reservation { protocol: Protocol::Udp, address: "::".parse().unwrap(), ports }).unwrap();
    host.reboot();
    assert_eq!(host.snapshot(), FakeHost::new().snapshot());
    drop((held, kept));
    scenario(&host).unwrap();
}
