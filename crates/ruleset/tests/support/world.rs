//! A host with four bridge networks, containers in them, and a neighbour on the LAN who tries everything.

use super::Namespace;
use super::socket::{Tcp, Udp, serve};
use pontoon_kernel::nft::{Observed, Transaction};
use pontoon_kernel::{Kernel, Netns, Result};
use pontoon_linux::Linux;
use pontoon_ruleset::{BridgeKind, BridgeRules, ForwarderPorts, plan, table_id, wanted};
use pontoon_types::{PortMapping, PortRange, Protocol};

/// Where the stand-in for the forwarder listens.
pub const FORWARDER: ForwarderPorts = ForwarderPorts { tcp: 47001, udp: 47002 };

/// `a1`, `a2` and `mallory` in `br-a` (nat); `b1` and `b2` in `br-b` (nat, icc off); `i1` and `i2` in `br-i` (internal);
/// `z1` in `br-z` (isolated); `lan` beside the host. `br-a` is 10.1.0.1/24 and fd01::1/64, `br-b` 10.2.0.1 and fd02::1,
/// and so on; `a1` has .11 and ::11, `a2` .12 and ::12, `mallory` .13 and ::13.
///
/// `lan`, `mallory`, `i1` and `z1` are attackers: they have routes to everything by way of the host, `lan` and
/// `mallory` even to 127.0.0.0/8. `b1` sends to `b2` by way of the host.
pub struct World {
    pub host: Namespace,
    pub lan: Namespace,
    pub a1: Namespace,
    pub a2: Namespace,
    pub mallory: Namespace,
    pub b1: Namespace,
    pub b2: Namespace,
    pub i1: Namespace,
    pub i2: Namespace,
    pub z1: Namespace,
}

impl World {
    /// Builds it, with servers everywhere; no rules yet. With `bridged_hooks`, bridged packets go through the rules too
    /// (`br_netfilter`), as on many hosts.
    pub fn new(bridged_hooks: bool) -> Self {
        let host = Namespace::new();
        let hooks = if bridged_hooks { "1" } else { "0" };
        host.sysctl("net/bridge/bridge-nf-call-iptables", hooks);
        host.sysctl("net/bridge/bridge-nf-call-ip6tables", hooks);
        host.sysctl("net/ipv4/ip_forward", "1");
        host.sysctl("net/ipv6/conf/all/forwarding", "1");
        let lan = lan(&host);
        for (name, net, addressed) in [("br-a", 1, true), ("br-b", 2, true), ("br-i", 3, true), ("br-z", 4, false)] {
            bridge(&host, name, net, addressed);
        }
        let container = |name: &'static str, bridge: &str, net, last| container(&host, name, bridge, net, last);
        let world = Self {
            a1: container("a1", "br-a", 1, 11),
            a2: container("a2", "br-a", 1, 12),
            b1: container("b1", "br-b", 2, 11),
            b2: container("b2", "br-b", 2, 12),
            mallory: container("mallory", "br-a", 1, 13),
            i1: container("i1", "br-i", 3, 11),
            i2: container("i2", "br-i", 3, 12),
            z1: container("z1", "br-z", 4, 11),
            lan,
            host,
        };
        world.arm();
        for transport in [Tcp, Udp] {
            serve(&world.host, "loopback", transport, "127.0.0.1:90");
            serve(&world.host, "host", transport, "0.0.0.0:91");
            serve(&world.host, "host", transport, "[::]:91");
        }
        serve(&world.host, "forwarder", Tcp, &format!("[::]:{}", FORWARDER.tcp));
        serve(&world.host, "forwarder", Udp, &format!("[::]:{}", FORWARDER.udp));
        world
    }

    /// Gives the attackers their routes.
    fn arm(&self) {
        loopback_by(&self.lan, "192.0.2.1");
        loopback_by(&self.mallory, "10.1.0.1");
        self.b1.ip("route add 10.2.0.12/32 via 10.2.0.1");
        self.b1.ip("-6 route add fd02::12/128 via fd02::1");
        // The host answers ARP for all its addresses on every link; with a way back, nothing but a rule stops `z1`.
        self.z1.ip("route add 192.0.2.1/32 dev eth0");
        self.host.ip("route add 10.4.0.0/24 dev br-z");
    }

    /// The address that `lan` sees the host's link by.
    pub fn link_local(&self) -> String {
        let text = self.host.command("ip", "-6 -o address show dev wan scope link");
        text.split_whitespace().nth(3).unwrap().split('/').next().unwrap().to_owned()
    }

    /// Brings the host's table to what these mappings want.
    pub fn publish(&self, mappings: &[PortMapping]) {
        let wanted = wanted(FORWARDER, &bridges(), mappings).unwrap();
        self.commit(&plan(&wanted, self.observe().as_ref())).unwrap();
    }

    /// Commits in the host's namespace.
    pub fn commit(&self, transaction: &Transaction) -> Result<()> {
        commit(&self.host, transaction)
    }

    /// The host's table.
    pub fn observe(&self) -> Option<Observed> {
        self.host.run(|| Linux::new().unwrap().table(&Netns::Host, &table_id()).unwrap())
    }
}

/// Commits in `namespace`.
pub fn commit(namespace: &Namespace, transaction: &Transaction) -> Result<()> {
    namespace.run(|| Linux::new().unwrap().commit(&Netns::Host, transaction))
}

/// The bridges as the rule set knows them.
pub fn bridges() -> [BridgeRules; 4] {
    let rules = |name: &str, kind, icc| BridgeRules {
        name: name.parse().unwrap(),
        kind,
        icc,
        masquerade4: true,
        masquerade6: true,
    };
    [
        rules("br-a", BridgeKind::Nat, true),
        rules("br-b", BridgeKind::Nat, false),
        rules("br-i", BridgeKind::Internal, true),
        rules("br-z", BridgeKind::Isolated, true),
    ]
}

/// `host_ip:first-last:container_ip:first/protocol`
pub fn mapping(protocol: Protocol, host_ip: &str, host: &str, container_ip: &str, container_start: u16) -> PortMapping {
    let host: PortRange = host.parse().unwrap();
    PortMapping {
        protocol,
        host_ip: host_ip.parse().unwrap(),
        host,
        container_ip: container_ip.parse().unwrap(),
        container_start,
    }
}

/// The neighbour: 192.0.2.2 and 2001:db8::2, with routes to everything through the host at .1 and ::1.
fn lan(host: &Namespace) -> Namespace {
    let lan = Namespace::new();
    host.connect("wan", &lan, "eth0");
    host.ip("address add 192.0.2.1/24 dev wan");
    host.ip("address add 2001:db8::1/64 dev wan nodad");
    lan.ip("address add 192.0.2.2/24 dev eth0");
    lan.ip("address add 2001:db8::2/64 dev eth0 nodad");
    lan.ip("route add 10.0.0.0/8 via 192.0.2.1");
    lan.ip("-6 route add fd00::/8 via 2001:db8::1");
    for transport in [Tcp, Udp] {
        serve(&lan, "lan", transport, "0.0.0.0:80");
        serve(&lan, "lan", transport, "[::]:80");
    }
    lan
}

/// Sends 127.0.0.0/8 to a neighbour instead of the own loopback.
fn loopback_by(namespace: &Namespace, gateway: &str) {
    namespace.sysctl("net/ipv4/conf/eth0/route_localnet", "1");
    namespace.ip("address add 127.0.0.5/32 dev eth0");
    namespace.ip("address delete 127.0.0.1/8 dev lo");
    namespace.ip(&format!("route add 127.0.0.0/8 via {gateway} dev eth0"));
}

fn bridge(host: &Namespace, name: &str, net: u8, addressed: bool) {
    host.ip(&format!("link add {name} type bridge"));
    host.sysctl(&format!("net/ipv4/conf/{name}/route_localnet"), "1");
    if addressed {
        host.ip(&format!("address add 10.{net}.0.1/24 dev {name}"));
        host.ip(&format!("address add fd0{net}::1/64 dev {name} nodad"));
    }
    host.ip(&format!("link set {name} up"));
}

fn container(host: &Namespace, name: &'static str, bridge: &str, net: u8, last: u8) -> Namespace {
    let container = Namespace::new();
    let port = format!("v-{name}");
    host.connect(&port, &container, "eth0");
    host.ip(&format!("link set {port} master {bridge}"));
    host.ip(&format!("link set {port} type bridge_slave hairpin on"));
    container.ip(&format!("address add 10.{net}.0.{last}/24 dev eth0"));
    container.ip(&format!("address add fd0{net}::{last}/64 dev eth0 nodad"));
    container.ip(&format!("route add default via 10.{net}.0.1"));
    container.ip(&format!("-6 route add default via fd0{net}::1"));
    for transport in [Tcp, Udp] {
        for port in [80, 81, 8000, 8001, 8005] {
            serve(&container, name, transport, &format!("0.0.0.0:{port}"));
            serve(&container, name, transport, &format!("[::]:{port}"));
        }
    }
    container
}
