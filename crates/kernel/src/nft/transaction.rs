//! Transactions: lists of changes to one table that the kernel takes as a whole or not at all.
//!
//! Owns: the changes. Must not know netlink, nor decide what should be changed.

use super::{Chain, Element, Rule, Set, Table, TableId};

/// One change of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Make the table. There already is no error.
    AddTable,
    /// Delete the table with everything in it. `NotFound` when there is none.
    DeleteTable,
    /// Make a set or map; its elements are *not* added by this. There already, and the same, is no error.
    AddSet(Set),
    /// Make a chain; its rules are *not* added by this. There already, and the same, is no error.
    AddChain(Chain),
    /// Delete all rules of the chain of that name. `NotFound` when there is no such chain.
    FlushChain(String),
    /// Delete the chain of that name with its rules. `NotFound` when there is none, `Busy` when something leads to it.
    DeleteChain(String),
    /// Delete the set or map of that name. `NotFound` when there is none, `Busy` when a rule uses it.
    DeleteSet(String),
    /// Add a rule at the end of the chain of that name.
    AddRule(String, Rule),
    /// Add elements. There already with the same data is no error; with other data it is `Exists`.
    AddElements(Vec<Element>),
    /// Delete elements by key. `NotFound` when one is missing.
    DeleteElements(Vec<Element>),
}

/// Changes of one table, committed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The table.
    pub table: TableId,
    /// The changes in order.
    pub changes: Vec<Change>,
}

impl Transaction {
    /// Nothing to do in that table.
    pub fn new(table: TableId) -> Self {
        Self { table, changes: Vec::new() }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Makes the whole table.
    pub fn create(table: &Table) -> Self {
        let mut changes = vec![Change::AddTable];
        let bare_set = |set: &Set| Set { elements: Default::default(), ..set.clone() };
        let bare_chain = |chain: &Chain| Chain { rules: Vec::new(), ..chain.clone() };
        changes.extend(table.sets.iter().map(bare_set).map(Change::AddSet));
        changes.extend(table.chains.iter().map(bare_chain).map(Change::AddChain));
        for chain in &table.chains {
            changes.extend(chain.rules.iter().map(|rule| Change::AddRule(chain.name.clone(), rule.clone())));
        }
        let elements: Vec<Element> = table.elements().collect();
        if !elements.is_empty() {
            changes.push(Change::AddElements(elements));
        }
        Self { table: table.id.clone(), changes }
    }

    /// Puts the whole table in the place of the one that is there, in one transaction.
    ///
    /// Not quite without a gap: the kernel runs the new base chains before the old ones, and asks which generation is
    /// current in each of them, so that a packet just between the two (some 100 ns) may meet neither. To change rules
    /// without any gap, flush and fill the same chain in one transaction.
    pub fn replace(table: &Table) -> Self {
        let mut transaction = Self::create(table);
        transaction.changes.insert(0, Change::DeleteTable);
        transaction
    }

    /// Deletes the whole table.
    pub fn delete(table: TableId) -> Self {
        Self { table, changes: vec![Change::DeleteTable] }
    }

    /// Adds elements.
    pub fn add(table: TableId, elements: Vec<Element>) -> Self {
        let changes = if elements.is_empty() { Vec::new() } else { vec![Change::AddElements(elements)] };
        Self { table, changes }
    }

    /// Deletes elements.
    pub fn remove(table: TableId, elements: Vec<Element>) -> Self {
        let changes = if elements.is_empty() { Vec::new() } else { vec![Change::DeleteElements(elements)] };
        Self { table, changes }
    }

    /// The same with the changes of `other`, which must be of the same table, after its own.
    pub fn then(mut self, other: Self) -> Self {
        self.changes.extend(other.changes);
        self
    }
}
