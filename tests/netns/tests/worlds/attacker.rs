//! Attackers with forged packets: a neighbour on the LAN, and a sandbox that may send raw frames.
//!
//! Each attack is also tried where the rules are gone, and must succeed there: so none of these can pass by accident.

use pontoon_test_support::{Ethernet, Family, Frame, Member, Place, Sniffer, World, send};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// A forged packet, and where it must not arrive.
struct Attack<'a> {
    what: &'static str,
    from: &'a Place,
    link: &'static str,
    ethernet: Ethernet,
    source: SocketAddr,
    target: SocketAddr,
    at: Watched<'a>,
    /// Whether it arrives where there are no rules; some are stopped by the kernel as well, or need our translation.
    real: bool,
}

/// Where it is looked for.
#[derive(Clone, Copy)]
enum Watched<'a> {
    /// Anything that arrives on the wire of the sandbox.
    Wire(&'a Sniffer),
    /// What a service on the host is given.
    Service(&'a UdpSocket),
}

impl Attack<'_> {
    /// Sends it with `mark` in it, over UDP and, where the wire is watched, also as the beginning of a connection.
    fn send(&self, mark: &str) {
        let udp = Frame::udp(self.ethernet, self.source, self.target, format!("{mark}-udp").as_bytes());
        send(self.from, self.link, &udp);
        if matches!(self.at, Watched::Wire(_)) {
            let syn = Frame::syn(self.ethernet, self.source, self.target, format!("{mark}-syn").as_bytes());
            send(self.from, self.link, &syn);
        }
    }

    /// What of it has arrived.
    fn arrived(&self, mark: &str) -> Vec<String> {
        let marks = [format!("{mark}-udp"), format!("{mark}-syn")];
        match self.at {
            Watched::Wire(sniffer) => marks.into_iter().filter(|mark| sniffer.heard(mark.as_bytes())).collect(),
            Watched::Service(service) => {
                let got = drain(service);
                marks.into_iter().filter(|mark| got.contains(mark)).collect()
            }
        }
    }

    /// Whether it arrives within a while.
    fn arrives(&self, mark: &str) -> bool {
        match self.at {
            Watched::Wire(sniffer) => (0..100).any(|_| {
                std::thread::sleep(Duration::from_millis(10));
                sniffer.heard(format!("{mark}-udp").as_bytes())
            }),
            Watched::Service(service) => {
                service.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
                let mut buffer = [0; 256];
                let wanted = format!("{mark}-udp");
                let got = std::iter::from_fn(|| service.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec()));
                got.into_iter().any(|datagram| datagram == wanted.as_bytes())
            }
        }
    }
}

/// Everything a service was given so far.
fn drain(service: &UdpSocket) -> Vec<String> {
    service.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let mut buffer = [0; 256];
    let mut all = Vec::new();
    while let Ok(length) = service.recv(&mut buffer) {
        all.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    all
}

/// A world with something to attack.
struct Target {
    world: World,
    web: Member,
    near: Member,
    mallory: Member,
    other: Member,
    /// The host's links to `lan`, `front` and `back`, and the bridges' addresses in the two.
    links: [String; 3],
    gateways: [[IpAddr; 2]; 2],
    wire: Sniffer,
    /// On 127.0.0.1:90, on [::1]:90, and on every address of the host: port 91 for IPv4, 92 for IPv6.
    services: [UdpSocket; 4],
}

impl Target {
    fn new() -> Option<Self> {
        let world = World::new()?;
        world.network("--ipv6 front");
        world.network("--ipv6 back");
        let ports = "-p 8080:80/tcp -p 8080:80/udp -p 127.0.0.1:8081:80/tcp -p 127.0.0.1:8081:80/udp";
        let web = world.sandbox("web", &format!("--network front {ports}"));
        let [near, mallory, other] = [("near", "front"), ("mallory", "front"), ("other", "back")]
            .map(|(name, network)| world.sandbox(name, &format!("--network {network}")));
        // A host that somebody made careless: its own loopback is routed to and from the LAN.
        world.host().sysctl("net/ipv4/conf/lan/route_localnet", "1");
        let services = ["127.0.0.1:90", "[::1]:90", "0.0.0.0:91", "[::]:92"]
            .map(|address| world.host().run(|| UdpSocket::bind(address).unwrap()));
        let wire = Sniffer::start(&web);
        let links = ["lan".to_owned(), bridge_of(&world, "front"), bridge_of(&world, "back")];
        let gateways = ["front", "back"]
            .map(|network| [Family::V4, Family::V6].map(|family| world.gateway(network, family).unwrap()));
        Some(Self { world, web, near, mallory, other, links, gateways, wire, services })
    }

    /// All of them.
    fn attacks(&self) -> Vec<Attack<'_>> {
        let mut all = Vec::new();
        for family in [Family::V4, Family::V6] {
            self.on_addresses(family, &mut all);
            self.on_loopback(family, &mut all);
        }
        all
    }

    fn on_addresses<'a>(&'a self, family: Family, all: &mut Vec<Attack<'a>>) {
        let of = |member: &Member, network: &str| {
            if family == Family::V4 { member.ip4(network) } else { member.ip6(network) }
        };
        let (web, near, other) = (of(&self.web, "front"), of(&self.near, "front"), of(&self.other, "back"));
        let lan = self.world.lan().own[usize::from(family == Family::V6)];
        let mut attack = |what, attacker: Attacker, source: IpAddr| {
            let (from, link, ethernet) = self.attacker(attacker);
            let (source, target) = (SocketAddr::new(source, 5000), SocketAddr::new(web, 80));
            all.push(Attack { what, from, link, ethernet, source, target, at: Watched::Wire(&self.wire), real: true });
        };
        attack("a neighbour sends to a sandbox's own address", Attacker::Lan, lan);
        attack("a neighbour sends as if it were in the network", Attacker::Lan, near);
        attack("a neighbour sends as if it were in another network", Attacker::Lan, other);
        attack("a sandbox of another network sends to the address", Attacker::Other, other);
        attack("a sandbox of another network sends as if it were in this one", Attacker::Other, near);
    }

    fn on_loopback<'a>(&'a self, family: Family, all: &mut Vec<Attack<'a>>) {
        let v4 = family == Family::V4;
        let loopback: IpAddr = if v4 { "127.0.0.1" } else { "::1" }.parse().unwrap();
        let index = usize::from(!v4);
        let bridge = self.gateways[0][index];
        let of_mallory = if v4 { self.mallory.ip4("front") } else { self.mallory.ip6("front") };
        let lan = self.world.lan();
        let (inside, outside) = (&self.services[index], &self.services[2 + index]);
        let mut attack = |what, attacker: Attacker, source: IpAddr, target: SocketAddr, service: &'a UdpSocket| {
            let (from, link, ethernet) = self.attacker(attacker);
            // The kernel itself drops ::1 on any wire, and what claims to come from an address of its own.
            let real = v4 && !source.is_loopback();
            let source = SocketAddr::new(source, 5000);
            all.push(Attack { what, from, link, ethernet, source, target, at: Watched::Service(service), real });
        };
        let at = SocketAddr::new;
        let open = if v4 { 91 } else { 92 };
        attack("a neighbour sends to the host's loopback", Attacker::Lan, lan.own[index], at(loopback, 90), inside);
        attack("a neighbour sends as the host's loopback", Attacker::Lan, loopback, at(lan.host[index], open), outside);
        attack("a sandbox sends to the host's loopback", Attacker::Mallory, of_mallory, at(loopback, 90), inside);
        attack("a sandbox sends as the host's loopback", Attacker::Mallory, loopback, at(bridge, open), outside);
        if v4 {
            let (from, link, ethernet) = self.attacker(Attacker::Lan);
            let (source, target) = (at(lan.own[0], 5000), at(loopback, 8081));
            let what = "a neighbour sends to a port published on loopback";
            all.push(Attack { what, from, link, ethernet, source, target, at: Watched::Wire(&self.wire), real: false });
        }
    }

    /// Where an attacker stands, and that its frames go to the host.
    fn attacker(&self, attacker: Attacker) -> (&Place, &'static str, Ethernet) {
        let (place, link): (&Place, _) = match attacker {
            Attacker::Lan => (self.world.lan(), &self.links[0]),
            Attacker::Mallory => (&self.mallory, &self.links[1]),
            Attacker::Other => (&self.other, &self.links[2]),
        };
        let ethernet = Ethernet { from: place.mac("eth0"), to: self.world.host().mac(link) };
        (place, "eth0", ethernet)
    }

    /// Waits until what was sent before must have arrived: honest packets on the same ways have.
    fn settle(&self, round: &str) {
        let mark = format!("honest-{round}");
        let say = |from: &Place, to: SocketAddr| {
            let local = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            from.run(|| UdpSocket::bind(local).unwrap().send_to(mark.as_bytes(), to).unwrap());
        };
        for family in [0, 1] {
            say(self.world.lan(), SocketAddr::new(self.world.lan().host[family], 8080));
            self.wire.wait_for(mark.as_bytes());
        }
        for (from, [bridge, _]) in [&self.mallory, &self.other].into_iter().zip(self.gateways) {
            say(from, SocketAddr::new(bridge, 8080));
        }
        self.wire.wait_for(mark.as_bytes());
    }
}

#[derive(Clone, Copy)]
enum Attacker {
    Lan,
    Mallory,
    Other,
}

/// The link of a network's bridge.
fn bridge_of(world: &World, network: &str) -> String {
    let id = world.api().network(network, false, "").unwrap().id;
    format!("br-{}", &id[..12])
}

/// Sends every attack twice, and says which got through.
fn through(target: &Target, round: &str) -> Vec<String> {
    let attacks = target.attacks();
    for repeat in ["a", "b"] {
        attacks.iter().enumerate().for_each(|(index, attack)| attack.send(&mark(round, index)));
        target.settle(&format!("{round}-{repeat}"));
    }
    let arrived = |(index, attack): (usize, &Attack<'_>)| {
        let arrived = attack.arrived(&mark(round, index));
        (!arrived.is_empty()).then(|| format!("{} ({} to {}): {arrived:?}", attack.what, attack.source, attack.target))
    };
    attacks.iter().enumerate().filter_map(arrived).collect()
}

fn mark(round: &str, index: usize) -> String {
    format!("forged-{round}-{index}")
}

#[test]
fn forged_packets_reach_neither_sandboxes_nor_the_hosts_loopback_before_and_after_a_restart() {
    let Some(target) = Target::new() else { return };
    assert_eq!(through(&target, "first"), Vec::<String>::new());
    target.world.kill9_daemon();
    assert_eq!(through(&target, "killed"), Vec::<String>::new());
    target.world.start_daemon();
    assert_eq!(through(&target, "restarted"), Vec::<String>::new());
    // The same with all rules gone: the attacks are real.
    target.world.kill9_daemon();
    target.world.host().tell("nft flush ruleset");
    let attacks = target.attacks();
    for (index, attack) in attacks.iter().enumerate().filter(|(_, attack)| attack.real) {
        let mark = mark("real", index);
        attack.send(&mark);
        assert!(attack.arrives(&mark), "{} ({} to {})", attack.what, attack.source, attack.target);
    }
    drop(attacks);
    target.world.start_daemon();
    assert_eq!(through(&target, "repaired"), Vec::<String>::new());
}

#[test]
fn a_router_advertisement_from_a_sandbox_changes_nothing_on_the_host() {
    let Some(world) = World::new() else { return };
    // A host that would believe any router, even though it forwards.
    world.host().sysctl("net/ipv6/conf/default/accept_ra", "2");
    world.network("--ipv6 front");
    world.network("old");
    for network in ["front", "old"] {
        let bridge = bridge_of(&world, network);
        assert_eq!(world.host().read_sysctl(&format!("net/ipv6/conf/{bridge}/accept_ra")), "0", "{network}");
    }
    let mallory = world.sandbox("mallory", "--network front");
    let before = world.snapshot();
    let mac = mallory.mac("eth0");
    let on_the_bridge = Sniffer::start(world.host());
    let prefix: Ipv6Addr = "2001:db8:bad::".parse().unwrap();
    let advertisement = Frame::router_advertisement(mac, "fe80::bad".parse().unwrap(), prefix);
    for _ in 0..3 {
        send(&mallory, "eth0", &advertisement);
    }
    on_the_bridge.wait_for(&prefix.octets());
    // The kernel has dealt with it once it answers something that came later.
    mallory.tell(&format!("ping -c 1 -W 5 {}", world.gateway("front", Family::V6).unwrap()));
    let changed: Vec<String> = before.difference(&world.snapshot());
    assert_eq!(changed, Vec::<String>::new());
}

#[test]
fn a_network_without_ipv6_leaves_it_off_in_the_sandbox_even_with_a_router_beside_it() {
    let Some(world) = World::new() else { return };
    world.network("old");
    let (quiet, mallory) = (world.sandbox("quiet", "--network old"), world.sandbox("mallory", "--network old"));
    assert_eq!(quiet.read_sysctl("net/ipv6/conf/eth0/disable_ipv6"), "1");
    let wire = Sniffer::start(&quiet);
    let prefix: Ipv6Addr = "2001:db8:bad::".parse().unwrap();
    send(&mallory, "eth0", &Frame::router_advertisement(mallory.mac("eth0"), "fe80::bad".parse().unwrap(), prefix));
    wire.wait_for(&prefix.octets());
    mallory.tell(&format!("ping -c 1 -W 5 {}", quiet.ip4("old")));
    assert_eq!(quiet.tell("ip -6 -o address show dev eth0"), "");
    assert!(quiet.tell("ip -6 -o address show dev lo").contains("::1"), "loopback keeps its own");
}
