//! Sets of servers by what they are, so that sandboxes that ask the same servers from the same place share one.
//!
//! Owns: the rules of CVE-2024-29018: which servers a sandbox may ask at all, and from where.

use super::Shared;
use super::set::{Server, ServerSet};
use pontoon_cnm::{Upstream, Upstreams};
use pontoon_kernel::Netns;
use pontoon_types::SandboxId;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Asking more servers than this in parallel helps nobody.
const MAX_SERVERS: usize = 8;
/// Ourselves, as seen from inside.
const RESOLVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));

/// What makes two sets the same. Servers that are asked from inside a sandbox belong to that sandbox alone.
type Identity = (Vec<Upstream>, Option<SandboxId>);

/// The sets in use.
#[derive(Default)]
pub(crate) struct Registry(Mutex<HashMap<Identity, Weak<ServerSet>>>);

impl Registry {
    /// The set of servers that a sandbox may ask now.
    pub(crate) fn set(&self, shared: &Shared, sandbox: SandboxId, ns: &Netns, wanted: &Upstreams) -> Arc<ServerSet> {
        let servers = permitted(wanted);
        let inside = servers.iter().any(|server| !server.from_host);
        let identity = (servers, inside.then_some(sandbox));
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = sets.get(&identity).and_then(Weak::upgrade) {
            return set;
        }
        sets.retain(|_, set| set.strong_count() > 0);
        let set = Arc::new(make(shared, ns, &identity.0));
        sets.insert(identity, Arc::downgrade(&set));
        set
    }
}

/// Servers that may be asked.
fn permitted(wanted: &Upstreams) -> Vec<Upstream> {
    let mut servers: Vec<Upstream> = Vec::new();
    for server in &wanted.servers {
        let to_ourselves = !server.from_host && server.address == RESOLVER;
        let forbidden = server.from_host && !wanted.forward_host;
        if !to_ourselves && !forbidden && !servers.contains(server) && servers.len() < MAX_SERVERS {
            servers.push(server.clone());
        }
    }
    servers
}

fn make(shared: &Shared, ns: &Netns, servers: &[Upstream]) -> ServerSet {
    let settings = &shared.settings;
    let servers = servers.iter().map(|server| {
        let ns = if server.from_host { Netns::Host } else { ns.clone() };
        let address = match server.address {
            IpAddr::V4(address) => SocketAddr::from((address, settings.upstream_port)),
            IpAddr::V6(address) => SocketAddrV6::new(address, settings.upstream_port, 0, server.link).into(),
        };
        Server::new(address, ns)
    });
    ServerSet::new(servers.collect(), settings.cache_bytes, shared.kept.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstreams(servers: &[(&str, bool)], forward_host: bool) -> Upstreams {
        let server = |(address, from_host): &(&str, bool)| Upstream {
            address: address.parse().unwrap(),
            from_host: *from_host,
            link: 0,
        };
        Upstreams { servers: servers.iter().map(server).collect(), forward_host, ndots_set: false }
    }

    #[test]
    fn a_sandbox_without_a_way_out_asks_only_servers_that_it_reaches_itself() {
        let wanted = [("192.0.2.53", true), ("10.0.0.53", false), ("127.0.0.11", false), ("127.0.0.11", true)];
        let names =
            |list: Vec<Upstream>| list.into_iter().map(|s| (s.address.to_string(), s.from_host)).collect::<Vec<_>>();
        let own = |list: &[(&str, bool)]| list.iter().map(|(ip, host)| (ip.to_string(), *host)).collect::<Vec<_>>();
        let open = names(permitted(&upstreams(&wanted, true)));
        assert_eq!(open, own(&[("192.0.2.53", true), ("10.0.0.53", false), ("127.0.0.11", true)]));
        assert_eq!(names(permitted(&upstreams(&wanted, false))), own(&[("10.0.0.53", false)]));
    }
}
