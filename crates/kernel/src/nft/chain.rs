//! Chains and rules.
//!
//! Owns: where a chain is hooked, and rules as lists of expressions. Must not know what the rules mean.

use super::Expr;
use std::fmt;

/// What a base chain does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChainType {
    /// Filters.
    Filter,
    /// Translates addresses: sees only the first packet of a flow.
    Nat,
    /// Filters, and routes again what it changed.
    Route,
}

impl fmt::Display for ChainType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Filter => "filter",
            Self::Nat => "nat",
            Self::Route => "route",
        })
    }
}

/// Where in a packet's way a base chain stands (`enum nf_inet_hooks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Arrived, not routed yet.
    Prerouting,
    /// For this namespace.
    Input,
    /// Passing through.
    Forward,
    /// Made here.
    Output,
    /// About to leave.
    Postrouting,
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::Postrouting => "postrouting",
        })
    }
}

/// What happens to a packet at the end of a base chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// It goes on.
    Accept,
    /// It is dropped.
    Drop,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Drop => "drop",
        })
    }
}

/// How a base chain is hooked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Base {
    /// Type.
    pub chain_type: ChainType,
    /// Hook.
    pub hook: Hook,
    /// Priority: lower comes first; see the constants.
    pub priority: i32,
    /// Policy.
    pub policy: Policy,
}

impl Base {
    /// Before connection tracking (`raw`).
    pub const RAW: i32 = -300;
    /// Where destinations are translated (`dstnat`).
    pub const DSTNAT: i32 = -100;
    /// Where one filters (`filter`).
    pub const FILTER: i32 = 0;
    /// Where sources are translated (`srcnat`).
    pub const SRCNAT: i32 = 100;
}

/// A chain with its rules in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Name.
    pub name: String,
    /// Its hook; `None` for a chain that is only jumped to.
    pub base: Option<Base>,
    /// Rules.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// What it is for, and its identity: stored with the rule, printed by `nft list`. At most 127 bytes; may be
    /// empty for rules of other hands.
    pub comment: String,
    /// Expressions, run in order until one does not match.
    pub exprs: Vec<Expr>,
}
