//! Which bridges and subnets are taken by networks of this driver. Pure.

use pontoon_cnm::{Error, NetworkRecord, Result};
use pontoon_types::{ErrorKind, Family, IpNet, LinkName, NetworkId};
use std::collections::BTreeMap;

/// The book of networks that exist, by id.
#[derive(Debug, Default)]
pub struct Taken(BTreeMap<NetworkId, (LinkName, Vec<IpNet>)>);

impl Taken {
    /// Enters a network; refused when another has its bridge name or an overlapping subnet.
    pub fn enter(&mut self, network: &NetworkRecord, link: LinkName) -> Result<()> {
        let subnets: Vec<IpNet> = network.pools.iter().map(|pool| pool.subnet).collect();
        for (id, (other, theirs)) in self.0.iter().filter(|(id, _)| **id != network.id) {
            if let Some(why) = conflict(&link, &subnets, other, theirs) {
                let text = format!(
                    "cannot create network {} ({link}): conflicts with network {id} ({other}): {why}",
                    network.id
                );
                return Err(Error::driver(ErrorKind::Forbidden, text));
            }
        }
        self.0.insert(network.id, (link, subnets));
        Ok(())
    }

    /// Takes a network out.
    pub fn exit(&mut self, id: NetworkId) {
        self.0.remove(&id);
    }
}

fn conflict(link: &LinkName, subnets: &[IpNet], other: &LinkName, theirs: &[IpNet]) -> Option<&'static str> {
    if link == other {
        return Some("networks have same bridge name");
    }
    let overlap = |a: &IpNet, b: &IpNet| a.contains(&b.addr()) || b.contains(&a.addr());
    let found = subnets.iter().find(|mine| theirs.iter().any(|theirs| overlap(mine, theirs)))?;
    Some(match Family::of_net(found) {
        Family::V4 => "networks have overlapping IPv4",
        Family::V6 => "networks have overlapping IPv6",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bridge_and_one_subnet_serve_one_network() {
        let name = |text: &str| text.parse::<LinkName>().unwrap();
        let nets = |list: &[&str]| list.iter().map(|net| net.parse().unwrap()).collect::<Vec<IpNet>>();
        let a = (name("br-a"), nets(&["10.1.0.0/16", "fd00:1::/64"]));
        for (link, subnets, wanted) in [
            ("br-a", nets(&["10.2.0.0/16"]), Some("networks have same bridge name")),
            ("br-b", nets(&["10.1.2.0/24"]), Some("networks have overlapping IPv4")),
            ("br-b", nets(&["10.0.0.0/8"]), Some("networks have overlapping IPv4")),
            ("br-b", nets(&["10.2.0.0/16", "fd00:1::/80"]), Some("networks have overlapping IPv6")),
            ("br-b", nets(&["10.2.0.0/16", "fd00:2::/64"]), None),
        ] {
            assert_eq!(conflict(&name(link), &subnets, &a.0, &a.1), wanted);
        }
    }
}
