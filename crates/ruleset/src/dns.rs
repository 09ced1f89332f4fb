//! The table inside a sandbox that leads 127.0.0.11:53 to the resolver's own ports.
//!
//! Owns: four stateless rules. Ports are rewritten in the packet itself, on the way out of each side of the loopback,
//! so a query costs no tracked connection, and a service on port 53 of another address is never in the way.

use crate::line::{Fact, Ip, line};
use pontoon_kernel::nft::{Base, Chain, ChainType, Hook, Policy, Rule, Table, TableFamily, TableId};
use pontoon_types::Protocol;
use std::net::Ipv4Addr;

/// Where sandboxes find their resolver.
const RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
const DNS: u16 = 53;

/// The table `ip pontoon` of a sandbox whose resolver listens at 127.0.0.11 on these ports.
///
/// Both directions are on the output hook: on the loopback every packet leaves its sender there exactly once.
pub fn dns_table(udp: u16, tcp: u16) -> Table {
    let ask = |protocol, port| -> Rule {
        line("to the resolver")
            .address4(Fact::Daddr(Ip::V4), RESOLVER)
            .protocol(protocol)
            .port(Fact::Dport, DNS)
            .rewrite(protocol, Fact::Dport, port)
    };
    let answer = |protocol, port| -> Rule {
        line("from the resolver")
            .address4(Fact::Saddr(Ip::V4), RESOLVER)
            .protocol(protocol)
            .port(Fact::Sport, port)
            .rewrite(protocol, Fact::Sport, DNS)
    };
    let rules =
        vec![ask(Protocol::Udp, udp), answer(Protocol::Udp, udp), ask(Protocol::Tcp, tcp), answer(Protocol::Tcp, tcp)];
    let base = Base { chain_type: ChainType::Filter, hook: Hook::Output, priority: Base::RAW, policy: Policy::Accept };
    let chain = Chain { name: "output".into(), base: Some(base), rules };
    Table { id: TableId::new(TableFamily::Ip, "pontoon"), sets: Vec::new(), chains: vec![chain] }
}
