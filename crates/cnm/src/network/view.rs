//! What is shown of a network: its record, who is in it, how full its subnets are.

use super::live::Network;
use super::lookup::Purpose;
use super::record::NetworkRecord;
use crate::Result;
use crate::controller::Controller;
use pontoon_types::{EndpointId, IpNet, MacAddr, SandboxId};
use std::sync::Arc;

/// The label that a network which this version cannot use is shown with: why not.
pub const BROKEN_LABEL: &str = "pontoon.broken";

/// One endpoint in a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// The sandbox.
    pub sandbox: SandboxId,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Its name: the sandbox's.
    pub name: String,
    /// Ethernet address.
    pub mac: Option<MacAddr>,
    /// IPv4 address with prefix length.
    pub ipv4: Option<IpNet>,
    /// IPv6 address with prefix length.
    pub ipv6: Option<IpNet>,
}

/// How full a subnet is. Both numbers saturate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubnetUse {
    /// The subnet.
    pub subnet: IpNet,
    /// Addresses set aside or handed out.
    pub in_use: u64,
    /// Addresses that could still be handed out.
    pub available: u64,
}

/// A network as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkView {
    /// The record.
    pub record: Arc<NetworkRecord>,
    /// Who is in it.
    pub members: Vec<MemberView>,
    /// Its subnets; empty for networks without IPAM.
    pub subnets: Vec<SubnetUse>,
}

impl Controller {
    /// Every network.
    pub fn networks(&self) -> Vec<NetworkView> {
        self.networks_in_memory().iter().map(|network| self.view(network)).collect()
    }

    /// The network meant by `term`.
    pub fn network(&self, term: &str) -> Result<NetworkView> {
        Ok(self.view(self.find_network(Purpose::Inspect, term)?.as_ref()))
    }

    /// The record of the network meant by `term`, found as connect finds it.
    pub fn network_record(&self, term: &str) -> Result<Arc<NetworkRecord>> {
        Ok(self.find_network(Purpose::Connect, term)?.record.clone())
    }

    fn view(&self, network: &Network) -> NetworkView {
        let members = network.members();
        let members = members.iter().map(|(id, member)| MemberView {
            sandbox: member.sandbox,
            endpoint: *id,
            name: member.name.clone(),
            mac: member.mac,
            ipv4: member.ipv4,
            ipv6: member.ipv6,
        });
        let members = members.collect();
        let mut record = network.record.clone();
        if let Some(why) = &network.broken {
            Arc::make_mut(&mut record).labels.insert(BROKEN_LABEL.into(), why.clone());
        }
        NetworkView { record, members, subnets: self.subnet_use(&network.record) }
    }
}
