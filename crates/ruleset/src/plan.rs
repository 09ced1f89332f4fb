//! From what is there to what is wanted, in one transaction.
//!
//! Owns: the whole wanted table, the plan, and the two small transactions of the request path. Must never leave a
//! moment in which a packet meets no rules: chains are flushed and filled in one transaction, never replaced, as long
//! as they are hooked where they should be.

use crate::{BridgeRules, Error, ForwarderPorts, Result, bridge_elements, mapping_elements, static_table, table_id};
use pontoon_kernel::nft::{Chain, Change, Element, Observed, Set, Table, Transaction};
use pontoon_types::PortMapping;

/// The host's table with everything in it.
///
/// Fails when a mapping cannot be expressed (see [`mapping_elements`]) or two of them want the same port.
pub fn wanted<'a>(
    forwarder: ForwarderPorts,
    bridges: impl IntoIterator<Item = &'a BridgeRules>,
    mappings: impl IntoIterator<Item = &'a PortMapping>,
) -> Result<Table> {
    let mut table = static_table(forwarder);
    for bridge in bridges {
        bridge_elements(bridge).into_iter().try_for_each(|element| insert(&mut table, element))?;
    }
    for mapping in mappings {
        mapping_elements(mapping)?.into_iter().try_for_each(|element| insert(&mut table, element))?;
    }
    Ok(table)
}

fn insert(table: &mut Table, element: Element) -> Result<()> {
    let wanted = element.clone();
    match table.insert(element).map_err(Error::Table)? {
        Some(before) if before != wanted.data => {
            Err(Error::Clash { set: wanted.set.to_string(), element: wanted.to_string() })
        }
        _ => Ok(()),
    }
}

/// What must be committed so that `wanted` is what is there. Empty when it is already.
///
/// `observed` is that table as the kernel has it. Works from any state: a table of an older version, damaged rules,
/// missing or foreign chains, sets and elements. For any table of ours, on the host or in a sandbox. Elements of a
/// set that stays are never removed and added again; chains that are right are not touched.
pub fn plan(wanted: &Table, observed: Option<&Observed>) -> Transaction {
    match observed {
        None => Transaction::create(wanted),
        Some(observed) if observed.dormant || !repairable(wanted, &observed.table) => Transaction::replace(wanted),
        Some(observed) => repair(wanted, &observed.table),
    }
}

/// Whether everything in `there` that has a wanted name is defined as wanted: neither sets nor base chains can be
/// redefined. Only another hand makes it otherwise, since no version may give a name another meaning.
fn repairable(wanted: &Table, there: &Table) -> bool {
    let set = |set: &Set| there.set(&set.name).is_none_or(|other| set.same_definition(other));
    let chain = |chain: &Chain| there.chain(&chain.name).is_none_or(|other| chain.base == other.base);
    wanted.sets.iter().all(set) && wanted.chains.iter().all(chain)
}

/// The order matters: nothing may be deleted that is still used, nothing used that is not yet there.
fn repair(wanted: &Table, there: &Table) -> Transaction {
    let foreign_sets = || there.sets.iter().filter(|set| wanted.set(&set.name).is_none());
    let foreign_chains = || there.chains.iter().filter(|chain| wanted.chain(&chain.name).is_none());
    let missing_chains = wanted.chains.iter().filter(|chain| there.chain(&chain.name).is_none());
    let missing_sets = wanted.sets.iter().filter(|set| there.set(&set.name).is_none());
    let rules_differ = |chain: &&Chain| {
        let rules = there.chain(&chain.name).map_or(&[][..], |other| &other.rules);
        chain.rules != rules
    };
    let (gone, new) = elements(wanted, there);

    let mut changes = Vec::new();
    changes.extend((!gone.is_empty()).then_some(Change::DeleteElements(gone)));
    changes.extend(missing_sets.map(|set| Change::AddSet(Set { elements: Default::default(), ..set.clone() })));
    changes.extend(missing_chains.map(|chain| Change::AddChain(Chain { rules: Vec::new(), ..chain.clone() })));
    changes.extend(foreign_chains().map(|chain| Change::FlushChain(chain.name.clone())));
    for chain in wanted.chains.iter().filter(rules_differ) {
        changes.extend(there.chain(&chain.name).map(|chain| Change::FlushChain(chain.name.clone())));
    }
    for chain in wanted.chains.iter().filter(rules_differ) {
        changes.extend(chain.rules.iter().map(|rule| Change::AddRule(chain.name.clone(), rule.clone())));
    }
    changes.extend(foreign_sets().map(|set| Change::DeleteSet(set.name.clone())));
    changes.extend(foreign_chains().map(|chain| Change::DeleteChain(chain.name.clone())));
    changes.extend((!new.is_empty()).then_some(Change::AddElements(new)));
    Transaction { table: wanted.id.clone(), changes }
}

/// Elements that must go and elements that must come; one whose data differs does both.
fn elements(wanted: &Table, there: &Table) -> (Vec<Element>, Vec<Element>) {
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    let differs = |element: &Element, other: &Set| other.elements.get(&element.key) != Some(&element.data);
    for set in &wanted.sets {
        match there.set(&set.name) {
            None => new.extend(set.elements()),
            Some(other) => {
                gone.extend(other.elements().filter(|element| differs(element, set)));
                new.extend(set.elements().filter(|element| differs(element, other)));
            }
        }
    }
    (gone, new)
}

/// Adds elements to the host's table. Repeating it is no error. It fails with `NotFound` when the table is not there,
/// and with `Exists` when a key has other data: both mean that another hand was in it, and [`plan`] repairs it.
pub fn add(elements: Vec<Element>) -> Transaction {
    Transaction::add(table_id(), elements)
}

/// Removes elements from the host's table. It fails with `NotFound`, removing none, when one is not there: another hand
/// was in the table, and [`plan`] repairs it.
pub fn remove(elements: Vec<Element>) -> Transaction {
    Transaction::remove(table_id(), elements)
}
