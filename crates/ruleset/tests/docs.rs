//! `docs/rules.md` shows the rules as they are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

use pontoon_kernel::nft::{Chain, Table, Transaction};
use pontoon_ruleset::{
    BridgeKind, BridgeRules, ForwarderPorts, add, bridge_elements, dns_table, mapping_elements, static_table,
};
use pontoon_types::{PortMapping, PortRange, Protocol};

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules.md")).unwrap()
}

fn shown(chain: &Chain) -> String {
    let text = chain.to_string();
    let lines: String = text.lines().map(|line| format!("{}\n", line.strip_prefix('\t').unwrap_or(line))).collect();
    format!("```nft\n{lines}```\n")
}

fn blocks(table: &Table) -> impl Iterator<Item = String> + '_ {
    table.chains.iter().map(shown)
}

#[test]
fn every_chain_is_shown_as_it_is_and_no_other() {
    let page = page();
    let host = static_table(ForwarderPorts { tcp: 47001, udp: 47002 });
    let sandbox = dns_table(40001, 40002);
    let expected: Vec<String> = blocks(&host).chain(blocks(&sandbox)).collect();
    for block in &expected {
        assert!(page.contains(block), "docs/rules.md does not show:\n{block}");
    }
    assert_eq!(page.matches("```nft\nchain ").count(), expected.len());
}

#[test]
fn every_set_is_explained() {
    let page = page();
    for set in &static_table(ForwarderPorts { tcp: 1, udp: 2 }).sets {
        assert!(page.contains(&format!("`{}`", set.name)), "docs/rules.md does not name the set {}", set.name);
    }
}

#[test]
fn the_examples_of_a_network_and_a_port_are_right() {
    let page = page();
    let bridge = BridgeRules {
        name: "br-nat".parse().unwrap(),
        kind: BridgeKind::Nat,
        icc: true,
        masquerade4: true,
        masquerade6: true,
    };
    let port = |host_ip: &str, container_ip: &str| PortMapping {
        protocol: Protocol::Tcp,
        host_ip: host_ip.parse().unwrap(),
        host: PortRange::single(8080),
        container_ip: container_ip.parse().unwrap(),
        container_start: 80,
    };
    let ports = [port("0.0.0.0", "172.18.0.2"), port("::", "fd00::2")];
    let ports = ports.iter().flat_map(|mapping| mapping_elements(mapping).unwrap()).collect();
    for transaction in [add(bridge_elements(&bridge)), add(ports)] {
        assert!(page.contains(&shown_commands(&transaction)), "docs/rules.md does not show:\n{transaction}");
    }
}

fn shown_commands(transaction: &Transaction) -> String {
    format!("```nft\n{transaction}```\n")
}
