//! The nf_tables table as this driver keeps it: elements for networks and ports, the whole table at start and repair.
//!
//! Adding and removing costs the same however much is there. A table that another hand emptied is made again with what
//! is being added; the rest comes back with the repair that the kernel's notification starts.

use crate::settings::{BridgeSettings, GatewayMode};
use pontoon_cnm::{Error, NetworkRecord, Result};
use pontoon_kernel::nft::{Element, Transaction};
use pontoon_kernel::{Kernel, Kind, Netns};
use pontoon_ruleset::{BridgeKind, BridgeRules, ForwarderPorts, bridge_elements, mapping_elements};
use pontoon_types::{ErrorKind, Family, PortMapping};
use std::sync::Arc;

/// Who carries the flows that the kernel cannot translate.
pub trait Forward: Send + Sync {
    /// Where it listens.
    fn ports(&self) -> ForwarderPorts;
    /// Carries `add` and no longer `remove`.
    fn change(&self, add: &[PortMapping], remove: &[PortMapping]);
    /// Carries exactly these.
    fn replace(&self, all: &[PortMapping]);
}

/// The table.
pub(crate) struct Rules {
    kernel: Arc<dyn Kernel>,
    forward: Arc<dyn Forward>,
}

impl Rules {
    pub fn new(kernel: Arc<dyn Kernel>, forward: Arc<dyn Forward>) -> Self {
        Self { kernel, forward }
    }

    /// Puts a network's elements in.
    pub fn add_network(&self, network: &NetworkRecord) -> Result<()> {
        self.change(bridge_elements(&bridge_rules(network)?), Vec::new())
    }

    /// Takes a network's elements out.
    pub fn remove_network(&self, network: &NetworkRecord) -> Result<()> {
        self.change(Vec::new(), bridge_elements(&bridge_rules(network)?))
    }

    /// Opens and closes ports in one transaction. The forwarder knows a port before packets can come to it.
    pub fn publish(&self, add: &[PortMapping], remove: &[PortMapping]) -> Result<()> {
        let (new, old) = (elements(add)?, elements(remove)?);
        self.forward.change(add, &[]);
        match self.change(new, old) {
            Ok(()) => self.forward.change(&[], remove),
            Err(error) => {
                self.forward.change(&[], add);
                return Err(error);
            }
        }
        Ok(())
    }

    fn change(&self, add: Vec<Element>, remove: Vec<Element>) -> Result<()> {
        let table = pontoon_ruleset::table_id();
        let transaction = Transaction::remove(table.clone(), remove.clone()).then(Transaction::add(table, add.clone()));
        if transaction.is_empty() {
            return Ok(());
        }
        match self.kernel.commit(&Netns::Host, &transaction) {
            Err(error) if matches!(error.kind, Kind::NotFound | Kind::Exists) => self.change_damaged(&add, &remove),
            other => other.map_err(Error::kernel("change the rule set")),
        }
    }

    /// The same on a table that another hand was in: read it and commit the difference.
    fn change_damaged(&self, add: &[Element], remove: &[Element]) -> Result<()> {
        let id = pontoon_ruleset::table_id();
        let read = || self.kernel.table(&Netns::Host, &id).map_err(Error::kernel("read the rule set"));
        let observed = read()?;
        let mut wanted = pontoon_ruleset::static_table(self.forward.ports());
        let kept = observed.iter().flat_map(|observed| observed.table.elements());
        let kept = kept.filter(|element| !remove.iter().chain(add).any(|other| same_key(element, other)));
        for element in kept.chain(add.iter().cloned()) {
            if let Some(set) = wanted.set_mut(&element.set) {
                set.elements.insert(element.key, element.data);
            }
        }
        let transaction = pontoon_ruleset::plan(&wanted, observed.as_ref());
        self.commit(&transaction)
    }

    fn commit(&self, transaction: &Transaction) -> Result<()> {
        if transaction.is_empty() {
            return Ok(());
        }
        self.kernel.commit(&Netns::Host, transaction).map_err(Error::kernel("change the rule set"))
    }

    /// What must be committed for exactly these networks and ports.
    pub fn plan(&self, networks: &[Arc<NetworkRecord>], mappings: &[PortMapping]) -> Result<Transaction> {
        let bridges = networks.iter().map(|network| bridge_rules(network)).collect::<Result<Vec<_>>>()?;
        let wanted = pontoon_ruleset::wanted(self.forward.ports(), &bridges, mappings).map_err(inexpressible)?;
        let observed = self.kernel.table(&Netns::Host, &pontoon_ruleset::table_id());
        let observed = observed.map_err(Error::kernel("read the rule set"))?;
        Ok(pontoon_ruleset::plan(&wanted, observed.as_ref()))
    }

    /// Makes the table exactly that; tells how many changes it took.
    pub fn restore(&self, networks: &[Arc<NetworkRecord>], mappings: &[PortMapping]) -> Result<usize> {
        self.forward.replace(mappings);
        let transaction = self.plan(networks, mappings)?;
        self.commit(&transaction)?;
        Ok(transaction.changes.len())
    }

    /// Takes the whole table away.
    pub fn remove_all(&self) -> Result<()> {
        match self.kernel.commit(&Netns::Host, &Transaction::delete(pontoon_ruleset::table_id())) {
            Err(error) if error.is_not_found() => Ok(()),
            other => other.map_err(Error::kernel("delete the rule set")),
        }
    }
}

fn same_key(a: &Element, b: &Element) -> bool {
    a.set == b.set && a.key == b.key
}

fn inexpressible(error: pontoon_ruleset::Error) -> Error {
    Error::driver(ErrorKind::NotImplemented, pontoon_types::chain(&error))
}

fn elements(mappings: &[PortMapping]) -> Result<Vec<Element>> {
    let mut all = Vec::new();
    for mapping in mappings {
        all.extend(mapping_elements(mapping).map_err(inexpressible)?);
    }
    Ok(all)
}

fn bridge_rules(network: &NetworkRecord) -> Result<BridgeRules> {
    let settings = BridgeSettings::of(network)?;
    let isolated = network.internal
        && Family::BOTH.into_iter().filter(|f| network.has(*f)).all(|f| settings.mode(f) == GatewayMode::Isolated);
    let kind = match (network.internal, isolated) {
        (_, true) => BridgeKind::Isolated,
        (true, _) => BridgeKind::Internal,
        _ => BridgeKind::Nat,
    };
    Ok(BridgeRules {
        name: settings.link(network.id),
        kind,
        icc: settings.icc,
        masquerade4: network.ipv4 && settings.masquerade,
        masquerade6: network.ipv6 && settings.masquerade,
    })
}
