//! nf_tables state as values: tables with chains, rules, sets and elements, and the transactions that change them.
//!
//! Owns: the value types, their text (close to what `nft list` prints) and the pure model that applies a
//! transaction. Must never talk netlink: `crates/linux` does.

mod chain;
mod element;
mod expr;
mod model;
mod rule_text;
mod set;
mod table;
mod table_text;
mod transaction;

pub use chain::{Base, Chain, ChainType, Hook, Policy, Rule};
pub use element::{Data, Element, Key, SetName, Value};
pub use expr::{
    Checksum, CmpOp, CtDirection, CtKey, Expr, FibFlags, HeaderBase, MetaKey, NatFamily, Register, Slice, Verdict,
};
pub use model::Tables;
pub use set::{Field, Set, SetKind};
pub use table::{Observed, Table, TableFamily, TableId};
pub use transaction::{Change, Transaction};
