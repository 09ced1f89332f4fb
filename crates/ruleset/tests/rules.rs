//! The rule set as readable text, reviewed in `tests/snapshots`, and what single networks and ports add to it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

use pontoon_kernel::nft::Element;
use pontoon_ruleset::{
    BridgeKind, BridgeRules, Error, ForwarderPorts, add, bridge_elements, dns_table, mapping_elements, static_table,
    wanted,
};
use pontoon_types::{ErrorKind, Kind, PortMapping, Protocol};

const FORWARDER: ForwarderPorts = ForwarderPorts { tcp: 47001, udp: 47002 };

fn bridge(name: &str, kind: BridgeKind) -> BridgeRules {
    BridgeRules { name: name.parse().unwrap(), kind, icc: true, masquerade4: true, masquerade6: true }
}

fn mapping(protocol: Protocol, host_ip: &str, host: &str, container_ip: &str, container_start: u16) -> PortMapping {
    PortMapping {
        protocol,
        host_ip: host_ip.parse().unwrap(),
        host: host.parse().unwrap(),
        container_ip: container_ip.parse().unwrap(),
        container_start,
    }
}

fn text(elements: &[Element]) -> String {
    elements.iter().map(|element| format!("{} {{ {element} }}\n", element.set)).collect()
}

#[test]
fn the_static_table_is_the_reviewed_one() {
    insta::assert_snapshot!(static_table(FORWARDER));
}

#[test]
fn the_table_of_a_sandbox_is_the_reviewed_one() {
    insta::assert_snapshot!(dns_table(40001, 40002));
}

#[test]
fn networks_are_the_reviewed_elements() {
    let networks = [
        ("nat", bridge("br-nat", BridgeKind::Nat)),
        ("nat, icc off", BridgeRules { icc: false, ..bridge("br-quiet", BridgeKind::Nat) }),
        ("nat, masquerade for IPv6 only", BridgeRules { masquerade4: false, ..bridge("br-plain", BridgeKind::Nat) }),
        ("internal", bridge("br-internal", BridgeKind::Internal)),
        ("isolated", bridge("br-isolated", BridgeKind::Isolated)),
    ];
    let texts = networks.map(|(name, bridge)| format!("# {name}\n{}", text(&bridge_elements(&bridge))));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn mappings_are_the_reviewed_elements() {
    use Protocol::{Sctp, Tcp, Udp};
    let mappings = [
        ("one port", mapping(Tcp, "0.0.0.0", "8080", "172.18.0.2", 80)),
        ("one port of one address", mapping(Udp, "192.0.2.1", "53", "172.18.0.2", 53)),
        ("one port of the loopback", mapping(Sctp, "127.0.0.1", "9", "172.18.0.2", 9)),
        ("a range that keeps its numbers", mapping(Tcp, "0.0.0.0", "20000-29999", "172.18.0.2", 20000)),
        ("the same of one address", mapping(Tcp, "192.0.2.1", "20000-29999", "172.18.0.2", 20000)),
        ("a range that shifts them", mapping(Tcp, "0.0.0.0", "8000-8002", "172.18.0.2", 80)),
        ("one port, IPv6", mapping(Tcp, "::", "8080", "fd00::2", 80)),
        ("one port of one address, IPv6", mapping(Tcp, "2001:db8::1", "8080", "fd00::2", 80)),
        ("one port of the loopback, IPv6", mapping(Tcp, "::1", "8080", "fd00::2", 80)),
        ("a range that keeps its numbers, IPv6", mapping(Udp, "::", "20000-29999", "fd00::2", 20000)),
        ("a range that shifts them, IPv6", mapping(Udp, "::", "8000-8001", "fd00::2", 80)),
        ("one port, SCTP over IPv6", mapping(Sctp, "::", "9", "fd00::2", 9)),
        ("one port, IPv6 to IPv4", mapping(Tcp, "::", "8080", "172.18.0.2", 80)),
        ("a range of one address, IPv6 to IPv4", mapping(Udp, "2001:db8::1", "8000-8001", "172.18.0.2", 80)),
    ];
    let texts = mappings.map(|(name, mapping)| format!("# {name}\n{}", text(&mapping_elements(&mapping).unwrap())));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn the_transaction_of_one_port_is_one_line_for_each_family() {
    let both = [
        mapping(Protocol::Tcp, "0.0.0.0", "8080", "172.18.0.2", 80),
        mapping(Protocol::Tcp, "::", "8080", "fd00::2", 80),
    ];
    let elements = both.iter().flat_map(|mapping| mapping_elements(mapping).unwrap()).collect();
    insta::assert_snapshot!(add(elements), @r"
    add element inet pontoon dnat4_any { tcp . 8080 : 172.18.0.2 . 80 }
    add element inet pontoon dnat6_any { tcp . 8080 : fd00::2 . 80 }
    add element inet pontoon forward6_any { tcp . 8080 }
    ");
}

#[test]
fn what_nothing_carries_is_refused_with_a_remedy() {
    for (host, container) in [("::", "172.18.0.2"), ("::1", "fd00::2")] {
        let error = mapping_elements(&mapping(Protocol::Sctp, host, "9", container, 9)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotImplemented);
        assert_eq!(error.to_string(), format!("publish [{host}]:9/sctp: the forwarder carries tcp and udp only"));
        assert!(error.hint().is_some());
    }
    let down = mapping(Protocol::Tcp, "0.0.0.0", "9", "fd00::2", 9);
    let error = mapping_elements(&down).unwrap_err();
    assert_eq!((error.kind(), error.hint().is_some()), (ErrorKind::Invalid, true));
}

#[test]
fn two_owners_of_one_port_are_a_clash() {
    let one = mapping(Protocol::Tcp, "0.0.0.0", "8080", "172.18.0.2", 80);
    let other = PortMapping { container_start: 81, ..one.clone() };
    let error = wanted(FORWARDER, &[], &[one.clone(), other]).unwrap_err();
    assert!(matches!(error, Error::Clash { .. }), "{error}");
    assert!(wanted(FORWARDER, &[], &[one.clone(), one]).is_ok());
}
