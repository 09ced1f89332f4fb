//! From what is there to what is wanted, in one transaction.
//!
//! Owns: the whole wanted table, the plan, and the two small transactions of the request path. Must never be
//! incremental about rules: where anything but elements differs, the whole table is replaced in one step, which no
//! packet can slip through.

use crate::{BridgeRules, Error, ForwarderPorts, Result, bridge_elements, mapping_elements, static_table, table_id};
use pontoon_kernel::nft::{Change, Element, Observed, Table, Transaction};
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
/// missing or foreign sets and elements. For any table of ours, on the host or in a sandbox.
pub fn plan(wanted: &Table, observed: Option<&Observed>) -> Transaction {
    let Some(Observed { dormant, table: there, .. }) = observed else {
        return Transaction::create(wanted);
    };
    if *dormant || !wanted.same_structure(there) {
        return Transaction::replace(wanted);
    }
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    for set in &wanted.sets {
        let Some(other) = there.set(&set.name) else { continue };
        let differs = |a: &Element, b: &pontoon_kernel::nft::Set| b.elements.get(&a.key) != Some(&a.data);
        gone.extend(other.elements().filter(|element| differs(element, set)));
        new.extend(set.elements().filter(|element| differs(element, other)));
    }
    let mut transaction = Transaction::new(wanted.id.clone());
    transaction.changes.extend((!gone.is_empty()).then_some(Change::DeleteElements(gone)));
    transaction.changes.extend((!new.is_empty()).then_some(Change::AddElements(new)));
    transaction
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
