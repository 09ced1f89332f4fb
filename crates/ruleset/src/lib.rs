//! The rule set: one table with static chains, whose sets and maps say which bridges and published ports there are.
//!
//! Owns: every nf_tables rule Pontoon ever installs, on the host and inside sandboxes, as values, and the plan from
//! what is there to what is wanted. Must never talk to the kernel. Rules never grow with networks, endpoints or
//! ports: a network is a few elements, an endpoint none, a published port or identical range one or two.
//!
//! `docs/rules.md` explains the rules chain by chain.

mod bridge;
mod dns;
mod error;
mod host;
mod line;
mod mapping;
mod plan;
mod sets;

pub use bridge::{BridgeKind, BridgeRules, bridge_elements};
pub use dns::dns_table;
pub use error::{Error, Result};
pub use host::{ForwarderPorts, forwarder_ports, static_table, table_id};
pub use mapping::mapping_elements;
pub use plan::{add, plan, remove, wanted};
