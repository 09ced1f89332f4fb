//! A whole table as a value, wanted or observed.
//!
//! Owns: what belongs together in one table and what of it is static. Must not know what the rules mean.

use super::{Chain, Element, Set};
use std::fmt;

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

impl fmt::Display for TableFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inet => "inet",
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
            Self::Bridge => "bridge",
        })
    }
}

/// A table by family and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId {
    /// Family.
    pub family: TableFamily,
    /// Name.
    pub name: String,
}

impl TableId {
    /// The table `name` of `family`.
    pub fn new(family: TableFamily, name: impl Into<String>) -> Self {
        Self { family, name: name.into() }
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.family, self.name)
    }
}

/// Everything in one table. The order of sets and chains is for readers only; that of rules in a chain matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Family and name.
    pub id: TableId,
    /// Sets and maps with their elements.
    pub sets: Vec<Set>,
    /// Chains with their rules.
    pub chains: Vec<Chain>,
}

impl Table {
    /// An empty table.
    pub fn new(id: TableId) -> Self {
        Self { id, sets: Vec::new(), chains: Vec::new() }
    }

    /// The set or map of that name.
    pub fn set(&self, name: &str) -> Option<&Set> {
        self.sets.iter().find(|set| set.name == name)
    }

    /// The set or map of that name, to be changed.
    pub fn set_mut(&mut self, name: &str) -> Option<&mut Set> {
        self.sets.iter_mut().find(|set| set.name == name)
    }

    /// The chain of that name.
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.name == name)
    }

    /// Whether both tables have the same chains, rules and set definitions; elements are not looked at.
    pub fn same_structure(&self, other: &Self) -> bool {
        let sets = |a: &Self, b: &Self| a.sets.iter().all(|s| b.set(&s.name).is_some_and(|t| s.same_definition(t)));
        let chains = |a: &Self, b: &Self| a.chains.iter().all(|c| b.chain(&c.name) == Some(c));
        self.id == other.id
            && self.sets.len() == other.sets.len()
            && self.chains.len() == other.chains.len()
            && sets(self, other)
            && chains(self, other)
    }

    /// Every element of every set.
    pub fn elements(&self) -> impl Iterator<Item = Element> + '_ {
        self.sets.iter().flat_map(Set::elements)
    }
}

/// A table as the kernel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The kernel's count of committed transactions in that namespace (all tables) when it was read.
    pub generation: u32,
    /// Somebody put the whole table to sleep: its chains see no packet.
    pub dormant: bool,
    /// The table. What this program never writes shows as `Other` expressions, fields and values.
    pub table: Table,
}
