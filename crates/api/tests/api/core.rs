//! A core in memory: enough of the rules that every kind of answer occurs. No kernel, no files.

use pontoon_api::{Engine, ShownSandbox};
use pontoon_cnm::{
    EndpointRecord, Error, Events, MemberView, NetworkRecord, NetworkView, PoolRecord, PruneFilter, Purpose, Result,
    SandboxRecord, SubnetUse, find_network, find_sandbox,
};
use pontoon_types::{
    AddressPool, EndpointId, EndpointSpec, Event, EventSubject, MacAddr, NamespaceSource, NetworkId, NetworkSpec,
    PortBinding, PortMapping, SandboxId, SandboxSpec, Scope,
};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use tokio::sync::broadcast::Receiver;

/// The core.
#[derive(Default)]
pub struct Core {
    networks: Mutex<Vec<NetworkView>>,
    sandboxes: Mutex<Vec<SandboxRecord>>,
    pub events: Events,
    pools: Vec<AddressPool>,
}

impl Core {
    /// With the predefined networks.
    pub fn new() -> Self {
        let core = Self::default();
        for (name, driver) in [("bridge", "bridge"), ("host", "host"), ("none", "null")] {
            let spec = NetworkSpec { name: name.into(), driver: driver.into(), ..NetworkSpec::default() };
            core.networks.lock().unwrap().push(view(spec, true));
        }
        core
    }

    /// With the predefined networks and configured pools.
    pub fn with_pools(pools: Vec<AddressPool>) -> Self {
        Self { pools, ..Self::new() }
    }

    fn find(&self, purpose: Purpose, term: &str) -> Result<NetworkView> {
        let networks = self.networks.lock().unwrap();
        // A shortcut for tests with many networks: their names are never like ids.
        if let Some(named) = networks.iter().find(|network| network.record.name == term) {
            return Ok(named.clone());
        }
        let all = networks.iter().map(|n| (n.record.id.to_string(), n.record.name.clone(), n));
        find_network(purpose, term, all).cloned()
    }

    fn find_sandbox(&self, term: &str) -> Result<SandboxRecord> {
        let sandboxes = self.sandboxes.lock().unwrap().clone();
        find_sandbox(term, sandboxes.into_iter().map(|s| (s.id.to_string(), s.name.clone(), s)))
    }

    fn change(&self, network: NetworkId, change: impl FnOnce(&mut NetworkView)) {
        change(self.networks.lock().unwrap().iter_mut().find(|n| n.record.id == network).unwrap());
    }

    fn change_sandbox(&self, id: SandboxId, change: impl FnOnce(&mut SandboxRecord)) {
        change(self.sandboxes.lock().unwrap().iter_mut().find(|s| s.id == id).unwrap());
    }

    fn tell(&self, network: &NetworkRecord, action: &str) {
        let attributes = [("name", network.name.as_str()), ("type", network.driver.as_str())];
        self.events.publish(EventSubject::Network, action, network.id.to_string(), &attributes);
    }
}

fn view(spec: NetworkSpec, predefined: bool) -> NetworkView {
    let driver = if spec.driver.is_empty() { "bridge".to_owned() } else { spec.driver };
    let asked = spec.ipam.pools.iter().map(|pool| PoolRecord {
        subnet: pool.subnet.unwrap().trunc(),
        range: pool.ip_range,
        gateway: pool.gateway.or(pool.subnet.unwrap().hosts().next()),
        aux_addresses: pool.aux_addresses.clone(),
        requested: true,
    });
    let mut pools: Vec<PoolRecord> = asked.collect();
    if pools.is_empty() && driver == "bridge" && !spec.config_only {
        pools.push(PoolRecord {
            subnet: "172.18.0.0/16".parse().unwrap(),
            range: None,
            gateway: Some("172.18.0.1".parse().unwrap()),
            aux_addresses: Default::default(),
            requested: false,
        });
    }
    let subnets = pools.iter().map(|pool| SubnetUse { subnet: pool.subnet, in_use: 3, available: u64::MAX }).collect();
    let record = NetworkRecord {
        id: NetworkId::random(),
        name: spec.name,
        created: SystemTime::now(),
        driver,
        scope: Scope::Local,
        ipv4: spec.enable_ipv4.unwrap_or(true),
        ipv6: spec.enable_ipv6.unwrap_or(false),
        internal: spec.internal,
        attachable: spec.attachable,
        ingress: spec.ingress,
        config_only: spec.config_only,
        config_from: spec.config_from.map(|from| from.network),
        ipam_driver: spec.ipam.driver.clone().unwrap_or_else(|| "default".into()),
        ipam_options: spec.ipam.options.clone(),
        config_ipam: spec.config_only.then_some(spec.ipam),
        pools,
        options: spec.options,
        labels: spec.labels,
        predefined,
    };
    NetworkView { record: Arc::new(record), members: Vec::new(), subnets }
}

impl Engine for Core {
    fn daemon_id(&self) -> Result<String> {
        Ok("11111111-2222".into())
    }

    fn driver_names(&self) -> Vec<String> {
        ["bridge", "host", "null"].map(ToOwned::to_owned).into()
    }

    fn address_pools(&self) -> Vec<AddressPool> {
        self.pools.clone()
    }

    fn networks(&self) -> Vec<NetworkView> {
        self.networks.lock().unwrap().clone()
    }

    fn network(&self, term: &str) -> Result<NetworkView> {
        self.find(Purpose::Inspect, term)
    }

    fn create_network(&self, spec: NetworkSpec) -> Result<NetworkId> {
        if spec.name.trim().is_empty() {
            return Err(Error::BlankName);
        }
        if matches!(spec.name.as_str(), "bridge" | "host" | "none" | "default") {
            return Err(Error::PredefinedName(spec.name));
        }
        if !matches!(spec.driver.as_str(), "" | "bridge") {
            return Err(Error::NoDriver(spec.driver));
        }
        if self.networks.lock().unwrap().iter().any(|network| network.record.name == spec.name) {
            return Err(Error::NetworkExists(spec.name));
        }
        let view = view(spec, false);
        self.tell(&view.record, "create");
        let id = view.record.id;
        self.networks.lock().unwrap().push(view);
        Ok(id)
    }

    fn remove_network(&self, term: &str) -> Result<()> {
        let network = self.find(Purpose::Remove, term)?;
        if network.record.predefined {
            return Err(Error::PredefinedRemoval(network.record.name.clone()));
        }
        if let Some(member) = network.members.first() {
            let endpoints = format!("name:\"{}\" id:\"{}\"", member.name, member.endpoint.short());
            return Err(Error::ActiveEndpoints { name: network.record.name.clone(), endpoints });
        }
        self.networks.lock().unwrap().retain(|n| n.record.id != network.record.id);
        self.tell(&network.record, "destroy");
        Ok(())
    }

    fn prune_networks(&self, filter: &PruneFilter) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for network in self.networks() {
            let old = filter.until.is_none_or(|until| network.record.created < until);
            let labelled = filter.labels.iter().all(|(key, _)| network.record.labels.contains_key(key));
            if !network.record.predefined && network.members.is_empty() && old && labelled {
                self.remove_network(&network.record.id.to_string())?;
                names.push(network.record.name.clone());
            }
        }
        self.events.publish(EventSubject::Network, "prune", String::new(), &[("reclaimed", "0")]);
        Ok(names)
    }

    fn connect(&self, network: &str, sandbox: &str, spec: EndpointSpec) -> Result<()> {
        let sandbox = self.find_sandbox(sandbox)?;
        let network = self.find(Purpose::Connect, network)?;
        if network.members.iter().any(|member| member.sandbox == sandbox.id) {
            return Err(Error::EndpointExists { name: sandbox.name, network: network.record.name.clone() });
        }
        let endpoint = EndpointRecord {
            id: EndpointId::random(),
            network: network.record.id,
            network_name: network.record.name.clone(),
            name: sandbox.name.clone(),
            link: None,
            host_link: None,
            mac: Some(spec.mac.unwrap_or(MacAddr([2, 0x42, 0, 0, 0, 9]))),
            ipv4: Some("172.18.0.2/16".parse().unwrap()),
            ipv6: None,
            gateway_v4: Some("172.18.0.1".parse().unwrap()),
            gateway_v6: None,
            internal: false,
            spec,
        };
        let member = MemberView {
            sandbox: sandbox.id,
            endpoint: endpoint.id,
            name: sandbox.name.clone(),
            mac: endpoint.mac,
            ipv4: endpoint.ipv4,
            ipv6: None,
        };
        self.change(network.record.id, |network| network.members.push(member));
        self.change_sandbox(sandbox.id, |sandbox| sandbox.endpoints.push(endpoint));
        self.tell(&network.record, "connect");
        Ok(())
    }

    fn disconnect(&self, network: &str, sandbox: &str, _force: bool) -> Result<()> {
        let sandbox = self.find_sandbox(sandbox)?;
        let network = self.find(Purpose::Connect, network)?;
        if !network.members.iter().any(|member| member.sandbox == sandbox.id) {
            let network = network.record.name.clone();
            return Err(Error::NotConnected { sandbox: sandbox.id.to_string(), network });
        }
        self.change(network.record.id, |network| network.members.retain(|member| member.sandbox != sandbox.id));
        self.change_sandbox(sandbox.id, |sandbox| sandbox.endpoints.retain(|e| e.network != network.record.id));
        self.tell(&network.record, "disconnect");
        Ok(())
    }

    fn sandboxes(&self) -> Vec<ShownSandbox> {
        self.sandboxes.lock().unwrap().iter().map(shown).collect()
    }

    fn sandbox(&self, term: &str) -> Result<ShownSandbox> {
        Ok(shown(&self.find_sandbox(term)?))
    }

    fn create_sandbox(&self, spec: SandboxSpec) -> Result<SandboxId> {
        let id = SandboxId::random();
        let record = SandboxRecord {
            id,
            name: if spec.name.is_empty() { id.short() } else { spec.name.clone() },
            created: SystemTime::now(),
            netns_path: Some(format!("/run/pontoon/netns/{}", id.short()).into()),
            netns_id: None,
            owner: None,
            has_ipv6: true,
            endpoints: Vec::new(),
            mappings: mapped(&spec.ports),
            dns: None,
            resolv_digest: None,
            spec: SandboxSpec { networks: Vec::new(), ..spec.clone() },
        };
        if spec.namespace == NamespaceSource::Pid(1) {
            panic!("a core that breaks down");
        }
        if let Ok(other) = self.find_sandbox(&format!("/{}", record.name)) {
            return Err(Error::SandboxExists { name: record.name, id: other.id.to_string() });
        }
        self.sandboxes.lock().unwrap().push(record);
        for (network, endpoint) in spec.networks {
            self.connect(&network, &id.to_string(), endpoint)?;
        }
        Ok(id)
    }

    fn remove_sandbox(&self, term: &str, force: bool) -> Result<()> {
        let sandbox = self.find_sandbox(term)?;
        if !force && !sandbox.endpoints.is_empty() {
            return Err(Error::SandboxInUse { name: sandbox.name });
        }
        for endpoint in sandbox.endpoints {
            self.disconnect(&endpoint.network.to_string(), term, true)?;
        }
        self.sandboxes.lock().unwrap().retain(|s| s.id != sandbox.id);
        Ok(())
    }

    fn set_ports(&self, term: &str, bindings: Vec<PortBinding>) -> Result<()> {
        let sandbox = self.find_sandbox(term)?;
        self.change_sandbox(sandbox.id, |sandbox| sandbox.mappings = mapped(&bindings));
        Ok(())
    }

    fn events(&self) -> (Vec<Arc<Event>>, Receiver<Arc<Event>>) {
        self.events.subscribe()
    }
}

fn mapped(bindings: &[PortBinding]) -> Vec<PortMapping> {
    let mapping = |binding: &PortBinding| PortMapping {
        protocol: binding.protocol,
        host_ip: binding.host_ip.unwrap_or("0.0.0.0".parse().unwrap()),
        host: binding.host.unwrap_or(binding.container),
        container_ip: "172.18.0.2".parse().unwrap(),
        container_start: binding.container.start,
    };
    bindings.iter().map(mapping).collect()
}

fn shown(record: &SandboxRecord) -> ShownSandbox {
    let dir = std::path::Path::new("/run/pontoon/sandboxes").join(record.id.short());
    ShownSandbox {
        record: Arc::new(record.clone()),
        hosts: dir.join("hosts"),
        hostname: dir.join("hostname"),
        resolv_conf: dir.join("resolv.conf"),
    }
}
