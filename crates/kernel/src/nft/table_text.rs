//! Tables, sets, elements and transactions as text, near to what `nft list` prints and `nft -f` reads.
//!
//! Owns: the text for logs and reviewed snapshots. Nothing parses it.

use super::rule_text::protocol_text;
use super::{Base, Chain, Change, Data, Element, Field, Key, Set, SetKind, Table, Transaction, Value};
use std::fmt;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "\"{name}\""),
            Self::Ipv4(address) => write!(f, "{address}"),
            Self::Ipv6(address) => write!(f, "{address}"),
            Self::Protocol(number) => f.write_str(&protocol_text(*number)),
            Self::Port(port) => write!(f, "{port}"),
            Self::Other(bytes) => write!(f, "{bytes:02x?}"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, first) in self.start.iter().enumerate() {
            write!(f, "{}{first}", if i == 0 { "" } else { " . " })?;
            match self.end.as_ref().and_then(|end| end.get(i)) {
                Some(last) if last != first => write!(f, "-{last}")?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values(values) => f.write_str(&join(values, " . ")),
            Self::Verdict(verdict) => write!(f, "{verdict}"),
        }
    }
}

impl fmt::Display for Element {
    /// `key` or `key : data`, without the set's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.data {
            Some(data) => write!(f, "{} : {data}", self.key),
            None => write!(f, "{}", self.key),
        }
    }
}

impl Set {
    fn word(&self) -> &'static str {
        if self.kind == SetKind::Set { "set" } else { "map" }
    }

    fn type_text(&self) -> String {
        let fields = |fields: &[Field]| join(fields, " . ");
        let data = match &self.kind {
            SetKind::Set => String::new(),
            SetKind::Map(data) => format!(" : {}", fields(data)),
            SetKind::VerdictMap => " : verdict".into(),
        };
        let flags = if self.interval { "; flags interval" } else { "" };
        format!("type {}{data}{flags}", fields(&self.key))
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain_type, hook, priority, policy } = self;
        match *priority {
            Self::RAW => write!(f, "type {chain_type} hook {hook} priority raw; policy {policy};"),
            Self::DSTNAT => write!(f, "type {chain_type} hook {hook} priority dstnat; policy {policy};"),
            Self::FILTER => write!(f, "type {chain_type} hook {hook} priority filter; policy {policy};"),
            Self::SRCNAT => write!(f, "type {chain_type} hook {hook} priority srcnat; policy {policy};"),
            other => write!(f, "type {chain_type} hook {hook} priority {other}; policy {policy};"),
        }
    }
}

impl fmt::Display for Chain {
    /// As in a listing, indented by one tabulator.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\tchain {} {{", self.name)?;
        if let Some(base) = &self.base {
            writeln!(f, "\t\t{base}")?;
        }
        for rule in &self.rules {
            writeln!(f, "\t\t{rule}")?;
        }
        writeln!(f, "\t}}")
    }
}

impl fmt::Display for Set {
    /// As in a listing, indented by one tabulator.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\t{} {} {{", self.word(), self.name)?;
        writeln!(f, "\t\t{}", self.type_text())?;
        if !self.elements.is_empty() {
            let elements: Vec<String> = self.elements().map(|element| element.to_string()).collect();
            writeln!(f, "\t\telements = {{ {} }}", elements.join(",\n\t\t             "))?;
        }
        writeln!(f, "\t}}")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "table {} {{", self.id)?;
        for set in &self.sets {
            writeln!(f, "{set}")?;
        }
        for (i, chain) in self.chains.iter().enumerate() {
            write!(f, "{}{chain}", if i == 0 { "" } else { "\n" })?;
        }
        writeln!(f, "}}")
    }
}

impl fmt::Display for Transaction {
    /// One command a line, as `nft -f` would take it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = &self.table;
        for change in &self.changes {
            match change {
                Change::AddTable => writeln!(f, "add table {table}")?,
                Change::DeleteTable => writeln!(f, "delete table {table}")?,
                Change::AddSet(set) => {
                    writeln!(f, "add {} {table} {} {{ {}; }}", set.word(), set.name, set.type_text())?
                }
                Change::AddChain(Chain { name, base: Some(base), .. }) => {
                    writeln!(f, "add chain {table} {name} {{ {base} }}")?;
                }
                Change::AddChain(Chain { name, .. }) => writeln!(f, "add chain {table} {name}")?,
                Change::FlushChain(name) => writeln!(f, "flush chain {table} {name}")?,
                Change::DeleteChain(name) => writeln!(f, "delete chain {table} {name}")?,
                Change::DeleteSet(name) => writeln!(f, "delete set {table} {name}")?,
                Change::AddRule(chain, rule) => writeln!(f, "add rule {table} {chain} {rule}")?,
                Change::AddElements(elements) => write_elements(f, "add", table, elements)?,
                Change::DeleteElements(elements) => write_elements(f, "delete", table, elements)?,
            }
        }
        Ok(())
    }
}

fn write_elements(f: &mut fmt::Formatter<'_>, verb: &str, table: &super::TableId, elements: &[Element]) -> fmt::Result {
    elements.iter().try_for_each(|element| writeln!(f, "{verb} element {table} {} {{ {element} }}", element.set))
}

fn join<T: fmt::Display>(items: &[T], separator: &str) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}
