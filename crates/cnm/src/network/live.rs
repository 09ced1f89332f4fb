//! A network in memory: its record, its names, and who is in it.

use super::record::NetworkRecord;
use crate::{Error, NetworkNames, Result};
use pontoon_types::{EndpointId, IpNet, MacAddr, SandboxId};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One endpoint, as `network inspect` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Whose it is.
    pub sandbox: SandboxId,
    /// Endpoint name.
    pub name: String,
    /// Ethernet address.
    pub mac: Option<MacAddr>,
    /// IPv4 address.
    pub ipv4: Option<IpNet>,
    /// IPv6 address.
    pub ipv6: Option<IpNet>,
}

/// Who is in the network, and whether it still takes anybody.
#[derive(Debug, Default)]
pub struct Members {
    by_id: BTreeMap<EndpointId, Member>,
    by_name: HashMap<String, EndpointId>,
    removing: bool,
}

impl Members {
    /// Everybody.
    pub fn iter(&self) -> impl Iterator<Item = (&EndpointId, &Member)> {
        self.by_id.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The endpoint of that name.
    pub fn named(&self, name: &str) -> Option<(EndpointId, &Member)> {
        let id = *self.by_name.get(name)?;
        self.by_id.get(&id).map(|member| (id, member))
    }
}

/// A network in memory.
#[derive(Debug)]
pub struct Network {
    /// What it is.
    pub record: Arc<NetworkRecord>,
    /// Its names, shared with the resolver.
    pub names: Arc<NetworkNames>,
    /// Why this version cannot use it: it is shown and can be removed, and nothing else.
    pub broken: Option<String>,
    members: Mutex<Members>,
}

impl Network {
    /// A network without members.
    pub fn new(record: NetworkRecord) -> Self {
        Self { record: Arc::new(record), names: Arc::default(), broken: None, members: Mutex::default() }
    }

    /// A stored network that this version cannot use.
    pub fn broken(record: NetworkRecord, why: String) -> Self {
        Self { broken: Some(why), ..Self::new(record) }
    }

    /// Who is in it. Held only for a look.
    pub fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters an endpoint; refused when the name is taken or the network is on its way out.
    pub fn enter(&self, id: EndpointId, member: Member) -> Result<()> {
        let mut members = self.members();
        if members.removing {
            return Err(Error::NoNetwork(self.record.name.clone()));
        }
        if members.by_name.contains_key(&member.name) {
            return Err(Error::EndpointExists { name: member.name, network: self.record.name.clone() });
        }
        members.by_name.insert(member.name.clone(), id);
        members.by_id.insert(id, member);
        Ok(())
    }

    /// Replaces what is known of an endpoint that has entered.
    pub fn describe(&self, id: EndpointId, member: Member) {
        self.members().by_id.insert(id, member);
    }

    /// Gives an endpoint that has entered another name; refused when somebody has it.
    pub fn rename(&self, id: EndpointId, name: &str) -> Result<()> {
        let mut members = self.members();
        if members.by_name.get(name).is_some_and(|other| *other != id) {
            return Err(Error::EndpointExists { name: name.to_owned(), network: self.record.name.clone() });
        }
        if let Some(member) = members.by_id.get_mut(&id) {
            let old = std::mem::replace(&mut member.name, name.to_owned());
            members.by_name.remove(&old);
            members.by_name.insert(name.to_owned(), id);
        }
        Ok(())
    }

    /// Takes an endpoint out.
    pub fn exit(&self, id: EndpointId) {
        let mut members = self.members();
        if let Some(member) = members.by_id.remove(&id) {
            members.by_name.remove(&member.name);
        }
    }

    /// From now on nobody enters; refused while somebody is in.
    pub fn close(&self) -> Result<()> {
        let mut members = self.members();
        if members.removing {
            return Err(Error::NoNetwork(self.record.name.clone()));
        }
        if !members.by_id.is_empty() {
            let list = |(id, member): (&EndpointId, &Member)| format!("name:\"{}\" id:\"{}\"", member.name, id.short());
            let endpoints = members.iter().map(list).collect::<Vec<_>>().join(", ");
            return Err(Error::ActiveEndpoints { name: self.record.name.clone(), endpoints });
        }
        members.removing = true;
        Ok(())
    }

    /// Takes back [`Network::close`].
    pub fn reopen(&self) {
        self.members().removing = false;
    }
}
