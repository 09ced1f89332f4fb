//! nf_tables state as values: a table with its chains, rules, sets and elements, and the transactions that change it.
//!
//! Owns: the value types and the pure model that applies a transaction. Must never talk netlink.

use std::collections::BTreeMap;

/// Which packets a table sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableFamily {
    /// IPv4 and IPv6.
    Inet,
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
    /// Bridged frames.
    Bridge,
}

/// A table by family and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId {
    /// Family.
    pub family: TableFamily,
    /// Name.
    pub name: String,
}

/// Placeholder until the model lands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Sets.
    pub sets: BTreeMap<String, ()>,
}

/// Placeholder until the model lands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {}
