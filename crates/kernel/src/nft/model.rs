//! What the kernel does with a transaction, as a pure model.
//!
//! Owns: the tables of one namespace in the fake host. Follows the kernel's answers where they matter to callers:
//! all or nothing, not found, exists, invalid. Must never be the place where a plan is made.

use super::{Chain, Change, Data, Element, Expr, Observed, Set, SetKind, Table, TableId, Transaction, Verdict};
use crate::{Error, Kind, Result};
use std::collections::BTreeMap;

/// All nf_tables tables of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    generation: u32,
    tables: BTreeMap<TableId, Table>,
}

impl Tables {
    /// A namespace that holds just this table.
    pub fn holding(table: Table) -> Self {
        Self { generation: 1, tables: BTreeMap::from([(table.id.clone(), table)]) }
    }

    /// The table as a dump would tell it; `None` when it is not there.
    pub fn observe(&self, id: &TableId) -> Option<Observed> {
        let table = self.tables.get(id)?.clone();
        Some(Observed { generation: self.generation, dormant: false, table })
    }

    /// Removes every table, as `nft flush ruleset` does.
    pub fn flush(&mut self) {
        self.tables.clear();
        self.generation += 1;
    }

    /// Commits `transaction`: all of it, or nothing and the first refusal. An empty one changes nothing.
    pub fn commit(&mut self, transaction: &Transaction) -> Result<()> {
        if transaction.is_empty() {
            return Ok(());
        }
        let id = &transaction.table;
        let mut table = self.tables.get(id).cloned();
        for change in &transaction.changes {
            apply(&mut table, id, change)?;
        }
        if let Some(table) = &table {
            check_targets(table)?;
        }
        match table {
            Some(table) => self.tables.insert(id.clone(), table),
            None => self.tables.remove(id),
        };
        self.generation += 1;
        Ok(())
    }
}

fn apply(slot: &mut Option<Table>, id: &TableId, change: &Change) -> Result<()> {
    match change {
        Change::AddTable => {
            slot.get_or_insert_with(|| Table::new(id.clone()));
            return Ok(());
        }
        Change::DeleteTable => {
            return slot.take().map(drop).ok_or_else(|| refused(Kind::NotFound, format!("delete table {id}")));
        }
        _ => {}
    }
    let table = slot.as_mut().ok_or_else(|| refused(Kind::NotFound, format!("table {id}")))?;
    match change {
        Change::AddSet(set) => add_set(table, set),
        Change::AddChain(chain) => add_chain(table, chain),
        Change::FlushChain(name) => chain_of(table, name).map(|chain| chain.rules.clear()),
        Change::DeleteChain(name) => delete_chain(table, name),
        Change::DeleteSet(name) => delete_set(table, name),
        Change::AddRule(name, rule) => chain_of(table, name).map(|chain| chain.rules.push(rule.clone())),
        Change::AddElements(elements) => elements.iter().try_for_each(|element| add_element(table, element)),
        Change::DeleteElements(elements) => elements.iter().try_for_each(|element| delete_element(table, element)),
        Change::AddTable | Change::DeleteTable => Ok(()),
    }
}

fn add_set(table: &mut Table, set: &Set) -> Result<()> {
    match table.set(&set.name) {
        Some(there) if there.same_definition(set) => Ok(()),
        Some(_) => Err(refused(Kind::Exists, format!("add set {} of table {}", set.name, table.id))),
        None => {
            table.sets.push(Set { elements: BTreeMap::new(), ..set.clone() });
            Ok(())
        }
    }
}

fn add_chain(table: &mut Table, chain: &Chain) -> Result<()> {
    match table.chain(&chain.name) {
        Some(there) if there.base == chain.base => Ok(()),
        Some(_) => Err(refused(Kind::Exists, format!("add chain {} of table {}", chain.name, table.id))),
        None => {
            table.chains.push(Chain { rules: Vec::new(), ..chain.clone() });
            Ok(())
        }
    }
}

fn chain_of<'t>(table: &'t mut Table, name: &str) -> Result<&'t mut Chain> {
    let missing = refused(Kind::NotFound, format!("chain {name} of table {}", table.id));
    table.chains.iter_mut().find(|chain| chain.name == name).ok_or(missing)
}

fn delete_chain(table: &mut Table, name: &str) -> Result<()> {
    chain_of(table, name)?.rules.clear();
    let by_rule = |expr: &Expr| matches!(expr, Expr::Verdict(Verdict::Jump(to) | Verdict::Goto(to)) if to == name);
    if exprs(table).any(by_rule) || table.sets.iter().flat_map(Set::targets).any(|to| to == name) {
        return Err(refused(Kind::Busy, format!("delete chain {name} of table {}", table.id)));
    }
    table.chains.retain(|chain| chain.name != name);
    Ok(())
}

fn delete_set(table: &mut Table, name: &str) -> Result<()> {
    let act = format!("delete set {name} of table {}", table.id);
    let used = exprs(table).any(|expr| match expr {
        Expr::Lookup { set, .. } => set == name,
        Expr::Map { map, .. } | Expr::VerdictMap { map, .. } => map == name,
        _ => false,
    });
    match table.set(name) {
        None => Err(refused(Kind::NotFound, act)),
        Some(_) if used => Err(refused(Kind::Busy, act)),
        Some(_) => {
            table.sets.retain(|set| set.name != name);
            Ok(())
        }
    }
}

fn exprs(table: &Table) -> impl Iterator<Item = &Expr> {
    table.chains.iter().flat_map(|chain| &chain.rules).flat_map(|rule| &rule.exprs)
}

fn set_of<'t>(table: &'t mut Table, element: &Element) -> Result<&'t mut Set> {
    let missing = refused(Kind::NotFound, format!("set {} of table {}", element.set, table.id));
    table.set_mut(&element.set).ok_or(missing)
}

fn add_element(table: &mut Table, element: &Element) -> Result<()> {
    let act = format!("add element {element} to set {} of table {}", element.set, table.id);
    let set = set_of(table, element)?;
    if !set.fits(&element.key, element.data.as_ref()) {
        return Err(refused(Kind::Invalid, act));
    }
    match set.elements.get(&element.key) {
        Some(data) if *data == element.data => return Ok(()),
        Some(_) => return Err(refused(Kind::Exists, act)),
        None => {}
    }
    if set.interval && set.elements.keys().any(|key| key.overlaps(&element.key)) {
        return Err(refused(Kind::Exists, act));
    }
    set.elements.insert(element.key.clone(), element.data.clone());
    Ok(())
}

fn delete_element(table: &mut Table, element: &Element) -> Result<()> {
    let act = format!("delete element {element} from set {} of table {}", element.set, table.id);
    match set_of(table, element)?.elements.remove(&element.key) {
        Some(_) => Ok(()),
        None => Err(refused(Kind::NotFound, act)),
    }
}

/// Every set that a rule reads and every chain that is jumped to must be there.
fn check_targets(table: &Table) -> Result<()> {
    let chain = |name: &str| match table.chain(name) {
        Some(Chain { base: None, .. }) => Ok(()),
        Some(_) => Err(refused(Kind::NotSupported, format!("jump to base chain {name} of table {}", table.id))),
        None => Err(refused(Kind::NotFound, format!("jump to chain {name} of table {}", table.id))),
    };
    for set in &table.sets {
        set.targets().try_for_each(chain)?;
    }
    for expr in exprs(table) {
        match expr {
            Expr::Verdict(Verdict::Jump(name) | Verdict::Goto(name)) => chain(name)?,
            Expr::Lookup { set, .. } => check_kind(table, set, |kind| *kind == SetKind::Set)?,
            Expr::Map { map, .. } => check_kind(table, map, |kind| matches!(kind, SetKind::Map(_)))?,
            Expr::VerdictMap { map, .. } => check_kind(table, map, |kind| *kind == SetKind::VerdictMap)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_kind(table: &Table, name: &str, right: impl Fn(&SetKind) -> bool) -> Result<()> {
    match table.set(name) {
        Some(set) if right(&set.kind) => Ok(()),
        Some(_) => Err(refused(Kind::Invalid, format!("use set {name} of table {}", table.id))),
        None => Err(refused(Kind::NotFound, format!("set {name} of table {}", table.id))),
    }
}

fn refused(kind: Kind, act: impl Into<String>) -> Error {
    let cause = match kind {
        Kind::NotFound => "no such file or directory",
        Kind::Exists => "file exists",
        Kind::Busy => "device or resource busy",
        Kind::NotSupported => "operation not supported",
        _ => "invalid argument",
    };
    Error::new(kind, act, cause)
}

impl Table {
    /// Puts `element` into its set, whatever was there. For building wanted tables: `Invalid` when the set does not
    /// hold such elements, `NotFound` when there is no such set.
    pub fn insert(&mut self, element: Element) -> Result<Option<Option<Data>>> {
        let act = format!("want element {element} in set {} of table {}", element.set, self.id);
        let set = set_of(self, &element)?;
        if !set.fits(&element.key, element.data.as_ref()) {
            return Err(refused(Kind::Invalid, act));
        }
        Ok(set.elements.insert(element.key, element.data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nft::{Field, Key, TableFamily, Value};

    fn table() -> Table {
        let mut table = Table::new(TableId::new(TableFamily::Inet, "t"));
        table.sets.push(Set::new("ports", &[Field::Port], SetKind::Set).with_ranges());
        table.sets.push(Set::new("jumps", &[Field::IfName], SetKind::VerdictMap));
        table.chains.push(Chain { name: "c".into(), base: None, rules: Vec::new() });
        table
    }

    fn ports(first: u16, last: u16) -> Element {
        let key = Key::range([Value::Port(first)], [Value::Port(last)]);
        Element { set: "ports".into(), key, data: None }
    }

    fn jump(to: &str) -> Element {
        let data = Some(Data::Verdict(Verdict::Goto(to.into())));
        Element { set: "jumps".into(), key: Key::exact([Value::Name("br0".into())]), data }
    }

    fn add(elements: &[Element]) -> Transaction {
        Transaction::add(table().id, elements.to_vec())
    }

    #[test]
    fn a_transaction_is_taken_whole_or_not_at_all() {
        let mut tables = Tables::holding(table());
        let before = tables.clone();
        let error = tables.commit(&add(&[ports(1, 2), ports(2, 3)])).unwrap_err();
        assert_eq!(error.kind, Kind::Exists);
        assert_eq!(tables, before);
        tables.commit(&add(&[ports(1, 2), ports(3, 3), ports(1, 2)])).unwrap();
        assert_eq!(tables.observe(&table().id).unwrap().generation, before.generation + 1);
    }

    #[test]
    fn refusals_are_those_of_the_kernel() {
        let id = table().id;
        let with = |changes: Vec<Change>| Transaction { table: id.clone(), changes };
        let cases = [
            (add(&[jump("nowhere")]), Kind::NotFound),
            (Transaction::remove(id.clone(), vec![ports(1, 1)]), Kind::NotFound),
            (add(&[Element { data: None, ..jump("c") }]), Kind::Invalid),
            (add(&[jump("c"), Element { data: Some(Data::Verdict(Verdict::Drop)), ..jump("c") }]), Kind::Exists),
            (with(vec![Change::AddSet(Set::new("ports", &[Field::Ipv4], SetKind::Set))]), Kind::Exists),
            (
                with(vec![Change::AddRule("x".into(), crate::nft::Rule { comment: "".into(), exprs: vec![] })]),
                Kind::NotFound,
            ),
        ];
        for (transaction, kind) in cases {
            assert_eq!(Tables::holding(table()).commit(&transaction).unwrap_err().kind, kind, "{transaction}");
        }
        assert_eq!(Tables::default().commit(&Transaction::delete(id.clone())).unwrap_err().kind, Kind::NotFound);
        assert_eq!(Tables::default().commit(&add(&[ports(1, 1)])).unwrap_err().kind, Kind::NotFound);
    }

    #[test]
    fn creating_and_replacing_lead_to_the_table_itself() {
        let mut wanted = table();
        wanted.insert(ports(80, 90)).unwrap();
        wanted.insert(jump("c")).unwrap();
        let mut tables = Tables::default();
        tables.commit(&Transaction::create(&wanted)).unwrap();
        assert_eq!(tables.observe(&wanted.id).unwrap().table, wanted);
        tables.commit(&Transaction::replace(&wanted)).unwrap();
        assert_eq!(tables.observe(&wanted.id).unwrap().table, wanted);
        tables.commit(&Transaction::delete(wanted.id.clone())).unwrap();
        assert_eq!(tables.observe(&wanted.id), None);
    }
}
