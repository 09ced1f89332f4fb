//! A sandbox of a world, as a place with addresses.

use crate::host::Host;
use crate::place::Place;
use pontoon_api_types::{EndpointSettings, Sandbox};
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// A sandbox: its namespace, and what the daemon says of it.
#[derive(Clone)]
pub struct Member {
    place: Place,
    sandbox: Sandbox,
}

impl Member {
    /// The sandbox as the daemon described it.
    pub fn new(sandbox: Sandbox, host: &Arc<Host>) -> Self {
        let key = sandbox.network_settings.sandbox_key.clone();
        let net = host.open(Path::new(&key)).unwrap_or_else(|error| panic!("open {key}: {error}"));
        Self { place: Place::new(&sandbox.name, Arc::new(net), host.clone()), sandbox }
    }

    /// What the daemon said when it was made.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.sandbox.id
    }

    /// Its endpoint in a network.
    #[track_caller]
    pub fn endpoint(&self, network: &str) -> &EndpointSettings {
        let endpoint = self.sandbox.network_settings.networks.get(network);
        endpoint.unwrap_or_else(|| panic!("{} is not in {network}", self.name()))
    }

    /// Its IPv4 address in a network.
    #[track_caller]
    pub fn ip4(&self, network: &str) -> IpAddr {
        self.endpoint(network).ip_address.ip().expect("an IPv4 address")
    }

    /// Its IPv6 address in a network.
    #[track_caller]
    pub fn ip6(&self, network: &str) -> IpAddr {
        self.endpoint(network).global_ipv6_address.ip().expect("an IPv6 address")
    }

    /// A port of its IPv4 address in a network.
    #[track_caller]
    pub fn at4(&self, network: &str, port: u16) -> SocketAddr {
        SocketAddr::new(self.ip4(network), port)
    }

    /// A port of its addresses in a network, IPv4 first.
    #[track_caller]
    pub fn at(&self, network: &str, port: u16) -> [SocketAddr; 2] {
        [SocketAddr::new(self.ip4(network), port), SocketAddr::new(self.ip6(network), port)]
    }
}

impl Deref for Member {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}
