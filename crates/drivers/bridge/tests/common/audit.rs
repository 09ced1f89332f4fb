//! What must hold at any quiet moment: what the core says, what the stores keep and what the host has are one.

use super::World;
use pontoon_cnm::{EndpointRecord, SandboxRecord};
use pontoon_kernel::fake::NamespaceState;
use pontoon_kernel::{Kernel, LinkGroup, Netns, RouteTarget};
use pontoon_types::{Family, PortMapping, Protocol};
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// Fails the test where anything of that does not hold.
    pub fn audit(&self) {
        let repaired = self.core.repair().unwrap();
        assert_eq!((repaired.writes, repaired.failures), (0, Vec::new()), "the host is as wanted");
        self.audit_stores();
        self.audit_links();
        self.audit_addresses();
        self.audit_ports();
        self.audit_names();
        self.audit_namespaces();
        for view in self.core.sandboxes() {
            self.audit_inside(&view.record);
        }
    }

    fn audit_stores(&self) {
        let shown: BTreeSet<_> = self.core.networks().iter().map(|view| view.record.id).collect();
        let stored: BTreeSet<_> = self.stores.stored_networks().iter().map(|record| record.id).collect();
        assert_eq!(shown, stored, "networks shown and stored");
        let shown: BTreeMap<_, _> =
            self.core.sandboxes().into_iter().map(|view| (view.record.id, (*view.record).clone())).collect();
        let stored: BTreeMap<_, _> =
            self.stores.stored_sandboxes().into_iter().map(|record| (record.id, record)).collect();
        assert_eq!(shown, stored, "sandboxes shown and stored");
        let folders: BTreeSet<_> = self.picture().files.into_keys().filter(|path| path.is_dir()).collect();
        let expected: BTreeSet<_> =
            self.core.sandboxes().iter().map(|view| view.files.hosts.parent().unwrap().to_owned()).collect();
        assert_eq!(folders, expected, "folders of sandboxes");
    }

    fn endpoints(&self) -> Vec<EndpointRecord> {
        self.core.sandboxes().iter().flat_map(|view| view.record.endpoints.clone()).collect()
    }

    fn audit_links(&self) {
        let host = self.host.observe(&Netns::Host).unwrap();
        let ours: BTreeSet<_> = host
            .links
            .iter()
            .filter(|link| link.group == LinkGroup::Live.number())
            .collect::<Vec<_>>()
            .into_iter()
            .map(|link| link.name.to_string())
            .collect();
        let mut expected: BTreeSet<String> = self
            .endpoints()
            .iter()
            .filter_map(|endpoint| endpoint.host_link.as_ref())
            .map(ToString::to_string)
            .collect();
        for view in
            self.core.networks().iter().filter(|view| view.record.driver == "bridge" && !view.record.config_only)
        {
            let name = bridge_of(&view.record);
            let link = host.links.iter().find(|link| link.name.as_str() == name).expect("a network's bridge");
            assert!(link.up, "{name} is up");
            if link.group == LinkGroup::Live.number() {
                expected.insert(name);
            }
        }
        assert_eq!(ours, expected, "our links on the host");
    }

    fn audit_addresses(&self) {
        let mut all = BTreeSet::new();
        for endpoint in self.endpoints() {
            for address in Family::BOTH.into_iter().filter_map(|family| endpoint.address(family)) {
                assert!(all.insert((endpoint.network, address.addr())), "{address} is given twice");
            }
        }
        for view in self.core.networks() {
            let members: BTreeSet<_> = view.members.iter().map(|member| member.endpoint).collect();
            let joined: BTreeSet<_> =
                self.endpoints().iter().filter(|e| e.network == view.record.id).map(|e| e.id).collect();
            assert_eq!(members, joined, "members of {}", view.record.name);
            for used in &view.subnets {
                let pool = view.record.pools.iter().find(|pool| pool.subnet == used.subnet).unwrap();
                let edges = match (pool.subnet, pool.subnet.prefix_len()) {
                    (pontoon_types::IpNet::V4(_), 31..) => BTreeSet::new(),
                    (pontoon_types::IpNet::V4(net), _) => {
                        BTreeSet::from([net.network().into(), net.broadcast().into()])
                    }
                    (pontoon_types::IpNet::V6(net), _) => BTreeSet::from([net.network().into()]),
                };
                let mut taken: BTreeSet<std::net::IpAddr> = edges;
                taken.extend(pool.gateway);
                taken.extend(pool.aux_addresses.values());
                taken.extend(
                    all.iter().filter(|(id, a)| *id == view.record.id && pool.subnet.contains(a)).map(|(_, a)| *a),
                );
                assert_eq!(used.in_use, taken.len() as u64, "addresses in use in {} {}", view.record.name, used.subnet);
            }
        }
    }

    fn audit_ports(&self) {
        let mappings: Vec<PortMapping> =
            self.core.sandboxes().iter().flat_map(|view| view.record.mappings.clone()).collect();
        let mut wanted: BTreeSet<(Protocol, std::net::IpAddr, u16)> = BTreeSet::new();
        for mapping in &mappings {
            wanted
                .extend((mapping.host.start..=mapping.host.end).map(|port| (mapping.protocol, mapping.host_ip, port)));
        }
        let mut held = BTreeSet::new();
        for reservation in self.host.snapshot().ports {
            let ports = reservation.ports.start..=reservation.ports.end;
            held.extend(ports.map(|port| (reservation.protocol, reservation.address, port)));
        }
        assert_eq!(held, wanted, "host ports held");
        assert_eq!(self.picture().carried, mappings.iter().cloned().collect(), "mappings of the forwarder");
        let addresses: BTreeSet<_> =
            self.endpoints().iter().flat_map(|e| [e.ipv4, e.ipv6]).flatten().map(|net| net.addr()).collect();
        for mapping in &mappings {
            assert!(addresses.contains(&mapping.container_ip), "{mapping:?} leads to somebody");
        }
    }

    fn audit_names(&self) {
        let served = self.resolver.served();
        for view in self.core.sandboxes() {
            let record = &view.record;
            assert_eq!(served.get(&record.id).map(|served| served.ports), record.dns, "resolver of {}", record.name);
        }
        assert!(served.len() <= self.core.sandboxes().len(), "a resolver without sandbox");
        for view in self.core.networks().iter().filter(|view| view.record.has_names()) {
            for member in &view.members {
                let names = self.resolver.names(member.sandbox).expect("a resolver in a network with names");
                let found = names.forward(&format!("{}.{}", member.name, view.record.name), Family::V4);
                let wanted = match member.ipv4 {
                    Some(net) => pontoon_cnm::Answer::Found(vec![net.addr()]),
                    None => pontoon_cnm::Answer::NoData,
                };
                assert_eq!(found, wanted, "{} in {}", member.name, view.record.name);
            }
        }
    }

    fn audit_namespaces(&self) {
        let folder = self.dir.path().join("run/netns");
        let files: BTreeSet<_> =
            self.host.snapshot().files.into_keys().filter(|path| path.starts_with(&folder)).collect();
        let expected: BTreeSet<_> =
            self.core.sandboxes().iter().filter_map(|view| view.record.netns_path.clone()).collect();
        assert_eq!(files, expected, "namespace files");
        let ours: BTreeSet<_> = self.core.sandboxes().iter().filter_map(|view| view.record.netns_id).collect();
        for (id, state) in self.host.snapshot().namespaces.into_iter().skip(1).filter(|(id, _)| !ours.contains(id)) {
            assert_eq!((state.links.len(), state.tables.len()), (1, 0), "{id:?} is nobody's and has nothing of ours");
        }
    }

    /// Links, addresses, routes and name redirection inside a sandbox.
    fn audit_inside(&self, record: &SandboxRecord) {
        let Some(path) = &record.netns_path else { return };
        let state: NamespaceState = self.host.snapshot().namespaces[&record.netns_id.unwrap()].clone();
        assert_eq!(self.host.netns_id(path).unwrap(), record.netns_id);
        for endpoint in record.endpoints.iter() {
            let Some(name) = &endpoint.link else { continue };
            let link = state.links.iter().find(|link| link.name == *name).expect("the link of an endpoint");
            assert!(link.up, "{name} is up in {}", record.name);
            assert_eq!(link.mac, endpoint.mac);
            for address in Family::BOTH.into_iter().filter_map(|family| endpoint.address(family)) {
                let has = state.addresses.iter().any(|there| there.link == link.index && there.net == address);
                assert!(has, "{address} on {name} in {}", record.name);
            }
        }
        for family in Family::BOTH {
            let wanted = best(record, family);
            let is_default = |route: &&pontoon_kernel::Route| {
                route.destination.prefix_len() == 0 && Family::of_net(&route.destination) == family
            };
            let found: Vec<_> = state.routes.iter().filter(is_default).map(|route| route.target.clone()).collect();
            let wanted: Vec<_> = wanted.into_iter().map(RouteTarget::Via).collect();
            assert_eq!(found, wanted, "{family} default route of {}", record.name);
        }
        let table = state.tables.iter().find(|table| table.id.name == "pontoon");
        let expected = record.dns.map(|ports| pontoon_ruleset::dns_table(ports.udp, ports.tcp));
        assert_eq!(table, expected.as_ref(), "redirection of names in {}", record.name);
    }
}

/// The next hop that the rules of sandbox.md section 4 choose, worked out again.
fn best(record: &SandboxRecord, family: Family) -> Option<std::net::IpAddr> {
    let mut endpoints: Vec<_> = record.endpoints.iter().collect();
    endpoints.sort_by_key(|e| {
        let ways = Family::BOTH.iter().filter(|f| e.gateway(**f).is_some()).count();
        (-e.spec.gw_priority, e.internal, 2 - ways, e.network_name.clone())
    });
    endpoints.into_iter().find_map(|endpoint| endpoint.gateway(family))
}

pub fn bridge_of(record: &pontoon_cnm::NetworkRecord) -> String {
    let named = record.options.get("com.docker.network.bridge.name").cloned();
    named.unwrap_or_else(|| format!("br-{}", record.id.short()))
}
