//! Making a network: checks in Docker's order (api-networks.md 6.2), pools, kernel state, durable record, event.
//!
//! The record is stored after the kernel state is made: a crash in between leaves marked objects that the next
//! start removes, and never a network nobody was promised.

use super::live::Network;
use super::options::{self, ENABLE_IPV4, ENABLE_IPV6};
use super::record::NetworkRecord;
use crate::controller::Controller;
use crate::driver::Driver;
use crate::{Error, Result};
use pontoon_types::{EventSubject, NetworkId, NetworkSpec, Scope};
use std::sync::Arc;
use std::time::SystemTime;

const PREDEFINED: [&str; 4] = ["bridge", "host", "none", "default"];
/// Longer names than this are refused: no file system, log or screen has a use for them.
const NAME_LIMIT: usize = 255;

impl Controller {
    /// Makes a network and tells its id. On failure nothing of it is left.
    pub fn create_network(&self, spec: NetworkSpec) -> Result<NetworkId> {
        let _open = self.accepting()?;
        let families = precheck(&spec)?;
        pontoon_ipam::validate(&spec.ipam, families.v6)?;
        check_name(&spec.name)?;
        let _claim = self.claim_network_name(&spec.name)?;
        check_operator_fields(&spec)?;
        if spec.config_only {
            return self.store_configuration(spec, families);
        }
        let spec = self.follow_configuration(spec)?;
        let driver = self.driver_for(&spec)?;
        check_scope(&spec, driver.scope())?;
        self.make_network(spec, driver)
    }

    fn make_network(&self, mut spec: NetworkSpec, driver: Arc<dyn Driver>) -> Result<NetworkId> {
        if spec.config_from.as_ref().is_none_or(|from| from.network.is_empty()) {
            spec.options = options::merged(&spec, self.settings().network_options.get(driver.name()));
        }
        let ipv4 = options::family(spec.enable_ipv4, &mut spec.options, ENABLE_IPV4, true)?;
        let ipv6 = options::family(spec.enable_ipv6, &mut spec.options, ENABLE_IPV6, false)?;
        (spec.enable_ipv4, spec.enable_ipv6) = (Some(ipv4), Some(ipv6));
        let traits = driver.check(&spec)?;
        let wanted = std::mem::take(&mut spec.ipam.pools);
        // As asked for, which matters to nothing here: check_scope lets no other one pass.
        let scope = if spec.scope == "global" { Scope::Global } else { driver.scope() };
        let mut record = record(spec, driver.name(), scope, Families { v4: ipv4, v6: ipv6 });
        record.pools = self.take_pools(&record, wanted, traits)?;
        self.commit_network(record, driver.as_ref())
    }

    /// Kernel state, then the durable record, then memory, then the event; undone backwards on failure.
    pub(crate) fn commit_network(&self, record: NetworkRecord, driver: &dyn Driver) -> Result<NetworkId> {
        let undo_pools = |error: Error| {
            self.return_pools(&record);
            error
        };
        driver.create_network(&record).map_err(undo_pools)?;
        if let Err(error) = self.definitions().put_network(&record) {
            let undone = driver.remove_network(&record).err().into_iter().collect();
            self.return_pools(&record);
            return Err(Error::from(error).with_undo(undone));
        }
        Ok(self.announce_network(record))
    }

    /// Puts a stored network into memory and tells the world; not of the predefined ones, which nobody made (as Docker).
    fn announce_network(&self, record: NetworkRecord) -> NetworkId {
        let (id, predefined) = (record.id, record.predefined);
        let attributes = [("name", record.name.clone()), ("type", record.driver.clone())];
        self.insert_network(Network::new(record));
        if !predefined {
            let attributes = attributes.each_ref().map(|(key, value)| (*key, value.as_str()));
            self.events().publish(EventSubject::Network, "create", id.to_string(), &attributes);
        }
        id
    }

    /// A configuration-only network: kept, never allocated (check 14; Docker emits no event for it).
    fn store_configuration(&self, spec: NetworkSpec, families: Families) -> Result<NetworkId> {
        let ipam = spec.ipam.clone();
        let mut record = record(spec, "null", Scope::Local, families);
        record.config_ipam = Some(ipam);
        self.definitions().put_network(&record)?;
        let id = record.id;
        self.insert_network(Network::new(record));
        Ok(id)
    }

    /// Takes over the settings of the configuration network that `spec` names, if it names one (check 18).
    fn follow_configuration(&self, mut spec: NetworkSpec) -> Result<NetworkSpec> {
        let Some(from) = spec.config_from.as_ref().filter(|from| !from.network.is_empty()) else {
            return Ok(spec);
        };
        let found = self
            .networks_in_memory()
            .into_iter()
            .find(|network| network.record.config_only && network.record.name == from.network);
        let config = found.ok_or_else(|| Error::ConfigFromMissing(from.network.clone()))?;
        spec.options = config.record.options.clone();
        spec.labels = config.record.labels.clone();
        spec.enable_ipv4 = Some(config.record.ipv4);
        spec.enable_ipv6 = Some(config.record.ipv6);
        spec.ipam = config.record.config_ipam.clone().unwrap_or_default();
        Ok(spec)
    }

    fn driver_for(&self, spec: &NetworkSpec) -> Result<Arc<dyn Driver>> {
        match spec.driver.as_str() {
            "" => self.driver("bridge"),
            later @ ("macvlan" | "ipvlan") => {
                Err(Error::NotImplemented { what: format!("network driver \"{later}\"") })
            }
            name => self.driver(name),
        }
    }
}

/// Which families a network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Families {
    pub v4: bool,
    pub v6: bool,
}

/// Checks 3 to 5: what can be said from the request alone, before the address settings are looked at.
fn precheck(spec: &NetworkSpec) -> Result<Families> {
    if PREDEFINED.contains(&spec.name.as_str()) {
        return Err(Error::PredefinedName(spec.name.clone()));
    }
    if spec.driver == "overlay" {
        return Err(Error::NoSwarmManager);
    }
    let mut options = spec.options.clone();
    Ok(Families {
        v4: options::family(spec.enable_ipv4, &mut options, ENABLE_IPV4, true)?,
        v6: options::family(spec.enable_ipv6, &mut options, ENABLE_IPV6, false)?,
    })
}

/// Check 7, and ours: no control characters, no absurd length.
fn check_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::BlankName);
    }
    if name.len() > NAME_LIMIT {
        return Err(Error::BadName(format!("longer than {NAME_LIMIT} bytes")));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::BadName(format!("{name:?} has a control character")));
    }
    Ok(())
}

/// Checks 9 to 13.
fn check_operator_fields(spec: &NetworkSpec) -> Result<()> {
    let from = spec.config_from.as_ref().is_some_and(|from| !from.network.is_empty());
    if spec.config_only && (spec.ingress || spec.internal || spec.attachable || !spec.scope.is_empty()) {
        return Err(Error::ConfigOnlyOperatorFields);
    }
    if !from {
        options::announcement(&spec.options)?;
        return Ok(());
    }
    if spec.config_only {
        return Err(Error::ConfigFromConfigOnly);
    }
    let driver = spec.ipam.driver.as_deref().unwrap_or("default");
    let own_ipam = !matches!(driver, "" | "default") || spec.ipam.options.as_ref().is_some_and(|o| !o.is_empty());
    let own_families = spec.enable_ipv4 == Some(false) || spec.enable_ipv6 == Some(true);
    if own_ipam || own_families || !spec.labels.is_empty() || !spec.ipam.pools.is_empty() {
        return Err(Error::ConfigFromWithSettings);
    }
    if !spec.options.is_empty() {
        return Err(Error::ConfigFromWithOptions);
    }
    Ok(())
}

/// Checks 16 to 22, for a host that is in no swarm.
fn check_scope(spec: &NetworkSpec, driver: Scope) -> Result<()> {
    match spec.scope.as_str() {
        "" => {}
        "local" if driver == Scope::Global => return Err(Error::ScopeDowngrade(spec.driver.clone())),
        "local" | "global" => {}
        "swarm" => return Err(Error::SwarmScope),
        other => return Err(Error::BadScope(other.to_owned())),
    }
    if spec.ingress && driver != Scope::Global { Err(Error::IngressScope) } else { Ok(()) }
}

/// A record with nothing allocated yet.
pub(crate) fn record(spec: NetworkSpec, driver: &str, scope: Scope, families: Families) -> NetworkRecord {
    let ipam_driver = spec.ipam.driver.filter(|driver| !driver.is_empty()).unwrap_or_else(|| "default".into());
    NetworkRecord {
        id: NetworkId::random(),
        name: spec.name,
        created: SystemTime::now(),
        driver: driver.into(),
        scope,
        ipv4: families.v4,
        ipv6: families.v6,
        internal: spec.internal,
        attachable: spec.attachable,
        ingress: spec.ingress,
        config_only: spec.config_only,
        config_from: spec.config_from.map(|from| from.network).filter(|name| !name.is_empty()),
        ipam_driver,
        ipam_options: spec.ipam.options,
        pools: Vec::new(),
        config_ipam: None,
        options: spec.options,
        labels: spec.labels,
        predefined: false,
    }
}
