//! A world for the resolver on the loopback: sockets of "namespaces", servers outside, clients.
#![allow(dead_code)]

pub mod client;
pub mod outside;
pub mod sockets;

use pontoon_cnm::{
    DnsPorts, NameRecord, NetworkNames, Resolver as _, SandboxNames, Upstream, Upstreams, VisibleNetwork,
};
use pontoon_dns::{Resolver, Settings};
use pontoon_kernel::Netns;
use pontoon_types::{EndpointId, SandboxId};
use sockets::Loopback;
use std::net::IpAddr;
use std::sync::Arc;

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn record(names: &[&str], addresses: &[&str]) -> NameRecord {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| ip(text)).collect();
    NameRecord {
        names: names.iter().map(|name| name.to_string()).collect(),
        ipv4: addresses.iter().copied().find(IpAddr::is_ipv4),
        ipv6: addresses.iter().copied().find(IpAddr::is_ipv6),
    }
}

/// One network of this name with these endpoints.
pub fn network(name: &str, endpoints: &[(&[&str], &[&str])]) -> VisibleNetwork {
    let names = NetworkNames::default();
    for (own, addresses) in endpoints {
        names.insert(EndpointId::random(), record(own, addresses));
    }
    VisibleNetwork { name: name.into(), names: Arc::new(names), links: Vec::new() }
}

pub fn sees(networks: Vec<VisibleNetwork>) -> Arc<SandboxNames> {
    Arc::new(SandboxNames { networks })
}

/// The names that most tests use.
pub fn usual_names() -> Arc<SandboxNames> {
    let many: Vec<String> = (1..=40).map(|n| format!("10.0.1.{n}")).collect();
    let mynet =
        network("mynet", &[(&["web", "www", "0123456789ab"], &["10.0.0.2", "fd00::2"]), (&["old"], &["10.0.0.3"])]);
    for address in &many {
        mynet.names.insert(EndpointId::random(), record(&["many"], &[address]));
    }
    sees(vec![mynet, network("back.end", &[(&["six"], &["fd01::6"])])])
}

/// Servers outside, asked from the host.
pub fn from_host(addresses: &[IpAddr]) -> Upstreams {
    let server = |address: &IpAddr| Upstream { address: *address, from_host: true, link: 0 };
    Upstreams { servers: addresses.iter().map(server).collect(), forward_host: true, ndots_set: false }
}

/// Servers asked from inside the sandbox.
pub fn from_sandbox(addresses: &[IpAddr]) -> Upstreams {
    let server = |address: &IpAddr| Upstream { address: *address, from_host: false, link: 0 };
    Upstreams { servers: addresses.iter().map(server).collect(), forward_host: false, ndots_set: false }
}

/// A resolver with sandboxes.
pub struct World {
    pub sockets: Arc<Loopback>,
    pub resolver: Resolver,
}

impl World {
    pub fn new(settings: Settings) -> Self {
        let sockets = Arc::new(Loopback::default());
        let resolver = Resolver::new(sockets.clone(), settings).unwrap();
        Self { sockets, resolver }
    }

    /// A new sandbox.
    pub fn sandbox(&self, names: &Arc<SandboxNames>, upstreams: Upstreams) -> (SandboxId, DnsPorts) {
        let id = SandboxId::random();
        let ports = self.resolver.open(id, &namespace(id), names.clone(), upstreams, None).unwrap();
        (id, ports)
    }
}

/// The namespace of a sandbox.
pub fn namespace(id: SandboxId) -> Netns {
    Netns::At(format!("/run/test/{}", id.short()).into())
}
