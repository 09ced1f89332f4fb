//! The host's table: its chains and rules, which never change while the daemon runs.
//!
//! Owns: who may reach whom, as rules over the sets of [`crate::sets`]. `docs/rules.md` explains each chain and is
//! checked against this file. Must not name any network, endpoint or published port.

use crate::line::{Fact, Ip, line};
use crate::sets;
use pontoon_kernel::nft::{Base, Chain, ChainType, Expr, Hook, Observed, Policy, Rule, Table, TableFamily, TableId};
use pontoon_types::Protocol;
use std::net::Ipv6Addr;

/// Where the in-process forwarder listens, on `[::]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ForwarderPorts {
    /// For TCP.
    pub tcp: u16,
    /// For UDP.
    pub udp: u16,
}

/// The host's table: `inet pontoon`.
pub fn table_id() -> TableId {
    TableId::new(TableFamily::Inet, "pontoon")
}

/// The host's table with all sets empty.
pub fn static_table(forwarder: ForwarderPorts) -> Table {
    let chains = vec![
        base("raw", ChainType::Filter, Hook::Prerouting, Base::RAW, raw()),
        base("prerouting", ChainType::Nat, Hook::Prerouting, Base::DSTNAT, published_first()),
        base("output", ChainType::Nat, Hook::Output, Base::DSTNAT, published_first()),
        chain("publish", publish()),
        chain("publish4", publish4()),
        chain("publish6", publish6()),
        chain("forward6", forward6()),
        chain("forwarder", to_forwarder(forwarder)),
        base("input", ChainType::Filter, Hook::Input, Base::FILTER, input(forwarder)),
        chain("forwarder_input", forwarder_input()),
        base("forward", ChainType::Filter, Hook::Forward, Base::FILTER, forward()),
        chain("same_bridge", same_bridge()),
        chain("border", border()),
        chain("inbound", inbound()),
        base("postrouting", ChainType::Nat, Hook::Postrouting, Base::SRCNAT, postrouting()),
    ];
    Table { id: table_id(), sets: sets::all(), chains }
}

/// The forwarder ports that the rules now in the kernel lead to, so that a restarted daemon can take the same ones and
/// find nothing to change. `None` when the table is not (or no longer) ours in this respect.
pub fn forwarder_ports(observed: &Observed) -> Option<ForwarderPorts> {
    let rules = &observed.table.chain("forwarder")?.rules;
    let port = |rule: &Rule| {
        rule.exprs.iter().find_map(|expr| match expr {
            Expr::Immediate { value, .. } => <[u8; 2]>::try_from(value.as_slice()).ok().map(u16::from_be_bytes),
            _ => None,
        })
    };
    let ports = ForwarderPorts { tcp: rules.first().and_then(port)?, udp: rules.get(1).and_then(port)? };
    (*rules == to_forwarder(ports)).then_some(ports)
}

fn base(name: &str, chain_type: ChainType, hook: Hook, priority: i32, rules: Vec<Rule>) -> Chain {
    let base = Base { chain_type, hook, priority, policy: Policy::Accept };
    Chain { name: name.into(), base: Some(base), rules }
}

fn chain(name: &str, rules: Vec<Rule>) -> Chain {
    Chain { name: name.into(), base: None, rules }
}

fn raw() -> Vec<Rule> {
    vec![
        line("only the host itself speaks to its loopback").came_by("lo").accept(),
        line("route_localnet on our bridges must not expose it").loopback4(Fact::Daddr(Ip::V4)).drop(),
        line("nor let anyone pretend to be it").loopback4(Fact::Saddr(Ip::V4)).drop(),
        line("bridged frames come here before the kernel checks")
            .address6(Fact::Daddr(Ip::V6), Ipv6Addr::LOCALHOST)
            .drop(),
        line("as above").address6(Fact::Saddr(Ip::V6), Ipv6Addr::LOCALHOST).drop(),
    ]
}

fn published_first() -> Vec<Rule> {
    vec![line("ports are published on the host's own addresses").destined_here().jump("publish")]
}

fn publish() -> Vec<Rule> {
    vec![line("by family").family(Ip::V4).goto("publish4"), line("by family").family(Ip::V6).goto("publish6")]
}

const PORT: [Fact; 2] = [Fact::L4Proto, Fact::Dport];
const ADDRESS4: [Fact; 3] = [Fact::Daddr(Ip::V4), Fact::L4Proto, Fact::Dport];
const ADDRESS6: [Fact; 3] = [Fact::Daddr(Ip::V6), Fact::L4Proto, Fact::Dport];

fn publish4() -> Vec<Rule> {
    vec![
        line("a port of one address").family(Ip::V4).dnat(Ip::V4, &ADDRESS4, sets::DNAT4_ADDR),
        line("a port of every address").dnat(Ip::V4, &PORT, sets::DNAT4_ANY),
        line("a range of one address").family(Ip::V4).dnat_same_port(Ip::V4, &ADDRESS4, sets::RANGE4_ADDR),
        line("a range of every address").dnat_same_port(Ip::V4, &PORT, sets::RANGE4_ANY),
    ]
}

fn publish6() -> Vec<Rule> {
    vec![
        line("the kernel routes no link-local source").link_local6().goto("forward6"),
        line("answers could not come back to ::1").address6(Fact::Saddr(Ip::V6), Ipv6Addr::LOCALHOST).goto("forward6"),
        line("nor come from ::1").address6(Fact::Daddr(Ip::V6), Ipv6Addr::LOCALHOST).goto("forward6"),
        line("a port of one address").family(Ip::V6).dnat(Ip::V6, &ADDRESS6, sets::DNAT6_ADDR),
        line("a port of every address").dnat(Ip::V6, &PORT, sets::DNAT6_ANY),
        line("a range of one address").family(Ip::V6).dnat_same_port(Ip::V6, &ADDRESS6, sets::RANGE6_ADDR),
        line("a range of every address").dnat_same_port(Ip::V6, &PORT, sets::RANGE6_ANY),
        line("the rest is IPv6 to IPv4").goto("forward6"),
    ]
}

fn forward6() -> Vec<Rule> {
    vec![
        line("a port of one address").family(Ip::V6).member(&ADDRESS6, sets::FORWARD6_ADDR).goto("forwarder"),
        line("a port of every address").member(&PORT, sets::FORWARD6_ANY).goto("forwarder"),
        line("a range of one address").family(Ip::V6).member(&ADDRESS6, sets::FORWARD6_ADDR_RANGE).goto("forwarder"),
        line("a range of every address").member(&PORT, sets::FORWARD6_ANY_RANGE).goto("forwarder"),
    ]
}

fn to_forwarder(ports: ForwarderPorts) -> Vec<Rule> {
    vec![
        line("to the forwarder").protocol(Protocol::Tcp).redirect(ports.tcp),
        line("to the forwarder").protocol(Protocol::Udp).redirect(ports.udp),
    ]
}

fn input(ports: ForwarderPorts) -> Vec<Rule> {
    let forwarder = |protocol, port| {
        line("the forwarder's own port").protocol(protocol).port(Fact::Dport, port).goto("forwarder_input")
    };
    vec![
        line("isolated networks do not reach the host").member(&[Fact::IifName], sets::ISOLATED).drop(),
        forwarder(Protocol::Tcp, ports.tcp),
        forwarder(Protocol::Udp, ports.udp),
    ]
}

fn forwarder_input() -> Vec<Rule> {
    vec![
        line("internal networks do not reach published ports").follow(Fact::IifName, sets::OUT_OF),
        line("came through a published port").translated().accept(),
        line("nobody else has business there").drop(),
    ]
}

fn forward() -> Vec<Rule> {
    let both = [Fact::IifName, Fact::OifName];
    vec![
        line("within one network").member(&both, sets::SAME_BRIDGE).goto("same_bridge"),
        line("out of a network").follow(Fact::IifName, sets::OUT_OF),
        line("into a network").follow(Fact::OifName, sets::INTO),
    ]
}

fn same_bridge() -> Vec<Rule> {
    vec![
        line("through a published port").translated().accept(),
        line("icc=false").member(&[Fact::IifName], sets::NO_ICC).drop(),
        line("neighbours").accept(),
    ]
}

fn border() -> Vec<Rule> {
    vec![line("nothing crosses the border of an internal network").drop()]
}

fn inbound() -> Vec<Rule> {
    vec![
        line("answers to what the network began").answer().accept(),
        line("ICMP errors and the like").related().accept(),
        line("through a published port").translated().accept(),
        line("its addresses are reached in no other way").drop(),
    ]
}

fn postrouting() -> Vec<Rule> {
    let both = [Fact::IifName, Fact::OifName];
    let outgoing = [Fact::OifName];
    let incoming = [Fact::IifName];
    vec![
        line("hairpin: a neighbour's answer must come back here")
            .member(&both, sets::SAME_BRIDGE)
            .translated()
            .masquerade(),
        line("neighbours see each other").member(&both, sets::SAME_BRIDGE).accept(),
        line("the host, or a bridged hairpin, through a published port")
            .made_here()
            .member(&outgoing, sets::NAT)
            .translated()
            .masquerade(),
        line("to the outside").family(Ip::V4).member(&incoming, sets::MASQUERADE4).masquerade(),
        line("to the outside").family(Ip::V6).member(&incoming, sets::MASQUERADE6).masquerade(),
    ]
}
