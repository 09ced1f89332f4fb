//! Each operation as a change of the model.

use super::model::Model;
use crate::{LinkIndex, Netns, NetnsId, Op, Result, Route};
use pontoon_types::LinkName;

impl Model {
    /// Does `op` in `ns`: all of it or nothing.
    pub fn perform(&mut self, ns: &Netns, op: &Op) -> Result<()> {
        let id = self.id(ns)?;
        let before = op_link(op).and_then(|name| self.peer(id, name));
        self.change(ns, op)?;
        self.refresh(id);
        if let Some((peer, _)) = before.filter(|(peer, _)| *peer != id) {
            self.refresh(peer);
        }
        Ok(())
    }

    /// The other end of a link.
    fn peer(&self, id: NetnsId, name: &LinkName) -> Option<(NetnsId, LinkIndex)> {
        self.namespaces.get(&id)?.device(name)?.peer
    }

    fn change(&mut self, ns: &Netns, op: &Op) -> Result<()> {
        let namespace = self.namespace_mut(ns)?;
        match op {
            Op::CreateBridge(spec) => namespace.create_bridge(spec),
            Op::CreateVeth(spec) => self.create_veth(ns, spec),
            Op::Up(name) => namespace.set_up(name, true),
            Op::Down(name) => namespace.set_up(name, false),
            Op::SetMtu(name, mtu) => namespace.set_mtu(name, *mtu),
            Op::SetMac(name, mac) => namespace.set_mac(name, *mac),
            Op::SetAlias(name, alias) => namespace.change(name, describe(op), |link| {
                link.alias = (!alias.is_empty()).then(|| alias.clone());
            }),
            Op::SetGroup(name, group) => namespace.change(name, describe(op), |link| link.group = group.number()),
            Op::SetMaster(name, bridge) => namespace.set_master(name, bridge),
            Op::SetIsolated(name, isolated) => namespace.set_isolated(name, *isolated),
            Op::SetHairpin(name, hairpin) => namespace.set_hairpin(name, *hairpin),
            Op::Rename(name, to) => namespace.rename(name, to),
            Op::AddAddress(name, net) => namespace.add_address(name, *net, crate::Address::OURS),
            Op::RemoveAddress(name, net) => {
                namespace.remove_address(name, *net);
                Ok(())
            }
            Op::SetRoute { destination, target, link } => {
                namespace.set_route(*destination, target, link.as_ref(), Route::OURS)
            }
            Op::RemoveRoute(destination) => {
                namespace.remove_route(*destination, Route::OURS);
                Ok(())
            }
            Op::SetSysctl(key, value) => namespace.set_sysctl(key, value),
            Op::Retire(name) => namespace.retire(name),
        }
    }
}

/// The one link that an operation is about.
fn op_link(op: &Op) -> Option<&LinkName> {
    match op {
        Op::Up(name) | Op::Down(name) | Op::SetMaster(name, _) | Op::Retire(name) => Some(name),
        _ => None,
    }
}

/// What an operation does, in words.
pub(super) fn describe(op: &Op) -> String {
    match op {
        Op::CreateBridge(spec) => format!("create bridge {}", spec.name),
        Op::CreateVeth(spec) => format!("create link pair {} and {}", spec.host, spec.peer),
        Op::Up(name) => format!("bring up {name}"),
        Op::Down(name) => format!("take down {name}"),
        Op::SetMtu(name, mtu) => format!("set the MTU of {name} to {mtu}"),
        Op::SetMac(name, mac) => format!("set the address of {name} to {mac}"),
        Op::SetAlias(name, _) => format!("set the alias of {name}"),
        Op::SetGroup(name, _) => format!("set the group of {name}"),
        Op::SetMaster(name, bridge) => format!("attach {name} to bridge {bridge}"),
        Op::SetIsolated(name, _) => format!("set port isolation of {name}"),
        Op::SetHairpin(name, _) => format!("set the hairpin mode of {name}"),
        Op::Rename(name, to) => format!("rename {name} to {to}"),
        Op::AddAddress(name, net) => format!("add address {net} to {name}"),
        Op::RemoveAddress(name, net) => format!("remove address {net} from {name}"),
        Op::SetRoute { destination, .. } => format!("add route to {destination}"),
        Op::RemoveRoute(destination) => format!("remove route to {destination}"),
        Op::SetSysctl(key, value) => format!("set sysctl {key} to {value:?}"),
        Op::Retire(name) => format!("retire {name}"),
    }
}
