//! Who reaches whom: one table for both transports and families, in one world with every kind of network.

use pontoon_test_support::{Family, Member, Place, Shape, Transport, World, answer, ask, patient, serve, serve_all};
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

/// A row: who asks, which address, and which server answers with which client's address; `None` is nobody at all.
struct Row<'a> {
    from: &'a Place,
    to: SocketAddr,
    seen: Option<String>,
    why: &'static str,
}

/// Rows that are collected, then all tried at once.
#[derive(Default)]
struct Table<'a>(Vec<Row<'a>>);

impl<'a> Table<'a> {
    fn reaches(&mut self, why: &'static str, from: &'a Place, to: SocketAddr, server: &str, client: IpAddr) {
        self.0.push(Row { from, to, seen: Some(answer(server, client)), why });
    }

    fn fails(&mut self, why: &'static str, from: &'a Place, to: SocketAddr) {
        self.0.push(Row { from, to, seen: None, why });
    }

    /// Tries every row over both transports, and fails with all that differ.
    fn check(self) {
        let wrong = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for row in &self.0 {
                let wrong = &wrong;
                scope.spawn(move || {
                    let failures = row.check();
                    wrong.lock().unwrap().extend(failures);
                });
            }
        });
        let wrong: Vec<String> = wrong.into_inner().unwrap();
        assert!(!self.0.is_empty() && wrong.is_empty(), "{} of {}:\n{}", wrong.len(), self.0.len(), wrong.join("\n"));
    }
}

impl Row<'_> {
    fn check(&self) -> Vec<String> {
        let one = |transport| {
            let got = match self.seen {
                Some(_) => patient(self.from, transport, self.to),
                None => ask(self.from, transport, self.to),
            };
            let right = match (&got, &self.seen) {
                (Ok(got), Some(seen)) => got == seen,
                (got, seen) => got.is_err() && seen.is_none(),
            };
            let (from, to) = (self.from.name(), self.to);
            (!right).then(|| format!("{}: {from} to {to}, {transport:?}: {got:?}, wanted {:?}", self.why, self.seen))
        };
        Transport::BOTH.into_iter().filter_map(one).collect()
    }
}

/// Networks `front` and `back` (nat), `quiet` (icc off), `inner` (internal), `sealed` (isolated), `old` (IPv4 only),
/// each with two sandboxes that serve at port 80. `web` in `front` publishes ports.
struct Everything {
    world: World,
    bridged_hooks: bool,
    web: Member,
    near: Member,
    db: Member,
    quiet: [Member; 2],
    inner: [Member; 2],
    sealed: [Member; 2],
    old: Member,
}

const ICC: &str = "com.docker.network.bridge.enable_icc=false";
const SEALED: &str = "-o com.docker.network.bridge.gateway_mode_ipv4=isolated \
                      -o com.docker.network.bridge.gateway_mode_ipv6=isolated";

impl Everything {
    fn new(bridged_hooks: bool) -> Option<Self> {
        let world = World::shaped(Shape { bridged_hooks, ..Shape::default() })?;
        world.network("--ipv6 front");
        world.network("--ipv6 back");
        world.network(&format!("--ipv6 -o {ICC} quiet"));
        world.network("--ipv6 --internal inner");
        world.network(&format!("--ipv6 --internal {SEALED} sealed"));
        world.network("old");
        let [lan4, lan6] = world.lan().host;
        let ports = [
            "8080:80".to_owned(),
            "127.0.0.1:8081:80".to_owned(),
            "[::1]:8082:80".to_owned(),
            format!("{lan4}:8083:80"),
            format!("[{lan6}]:8084:80"),
            "9000-9009:9000-9009".to_owned(),
            "9100-9109:9000-9009".to_owned(),
        ];
        let both =
            |ports: &[String]| -> String { ports.iter().map(|port| format!(" -p {port}/tcp -p {port}/udp")).collect() };
        let web = world.sandbox("web", &format!("--network front{}", both(&ports)));
        let old = world.sandbox("old", &format!("--network old{}", both(&["8090:80".to_owned()])));
        let pair = |network: &str| {
            ["1", "2"].map(|number| world.sandbox(&format!("{network}{number}"), &format!("--network {network}")))
        };
        let everything = Self {
            near: world.sandbox("near", "--network front"),
            db: world.sandbox("db", "--network back"),
            quiet: [
                world.sandbox("quiet1", "--network quiet"),
                world.sandbox("quiet2", &format!("--network quiet{}", both(&["8095:80".to_owned()]))),
            ],
            inner: pair("inner"),
            sealed: pair("sealed"),
            web,
            old,
            world,
            bridged_hooks,
        };
        everything.serve();
        Some(everything)
    }

    fn serve(&self) {
        let pairs = [&self.quiet, &self.inner, &self.sealed].into_iter().flatten();
        for member in [&self.near, &self.db, &self.old].into_iter().chain(pairs) {
            serve_all(member, &[80]);
        }
        serve_all(&self.web, &[80, 9000, 9005, 9009]);
        serve_all(self.world.host(), &[70]);
        for transport in Transport::BOTH {
            serve(self.world.host(), transport, "127.0.0.1:71");
            serve(self.world.host(), transport, "[::1]:71");
        }
        serve_all(self.world.lan(), &[80]);
        serve_all(self.world.wan(), &[80]);
    }

    /// The bridge's own addresses in a network with both families.
    fn gateway(&self, network: &str) -> [IpAddr; 2] {
        [Family::V4, Family::V6].map(|family| self.world.gateway(network, family).unwrap())
    }
}

fn at(ip: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(ip, port)
}

fn local(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Everything that can be reached or not within and between networks.
fn networks<'a>(all: &'a Everything, table: &mut Table<'a>) {
    let Everything { web, near, db, quiet, inner, sealed, .. } = all;
    let (host, lan, wan) = (all.world.host(), all.world.lan(), all.world.wan());
    for family in [0, 1] {
        let own = near.at("front", 0)[family].ip();
        let to = |member: &Member, network: &str| member.at(network, 80)[family];
        let gateway = |network: &str| all.gateway(network)[family];
        let own_of = |member: &Member, network: &str| member.at(network, 0)[family].ip();
        table.reaches("same network", near, to(web, "front"), "web", own);
        table.fails("another network", db, to(web, "front"));
        table.fails("another network", near, to(db, "back"));
        table.fails("icc off", &quiet[0], to(&quiet[1], "quiet"));
        table.reaches("the host reaches all", host, to(&quiet[1], "quiet"), "quiet2", gateway("quiet"));
        table.reaches("the host reaches all", host, to(web, "front"), "web", gateway("front"));
        table.reaches("the host reaches internal", host, to(&inner[0], "inner"), "inner1", gateway("inner"));
        table.reaches("within internal", &inner[0], to(&inner[1], "inner"), "inner2", own_of(&inner[0], "inner"));
        table.reaches("within isolated", &sealed[0], to(&sealed[1], "sealed"), "sealed2", own_of(&sealed[0], "sealed"));
        table.fails("out of internal", &inner[0], at(wan.own[family], 80));
        table.fails("out of internal", &inner[0], to(web, "front"));
        table.fails("into internal", near, to(&inner[0], "inner"));
        table.fails("into isolated", host, to(&sealed[0], "sealed"));
        table.fails("out of isolated", &sealed[0], at(wan.own[family], 80));
        table.fails("isolated to the host", &sealed[0], at(lan.host[family], 70));
        table.reaches("to the outside, as the host", near, at(wan.own[family], 80), "wan", wan.host[family]);
        table.reaches("to the lan, as the host", near, at(lan.own[family], 80), "lan", lan.host[family]);
        table.reaches("to the host's own services", near, at(gateway("front"), 70), "host", own);
        table.reaches(
            "internal to the host by its gateway",
            &inner[0],
            at(gateway("inner"), 70),
            "host",
            own_of(&inner[0], "inner"),
        );
        for (member, network) in [(web, "front"), (db, "back"), (&inner[0], "inner"), (&sealed[0], "sealed")] {
            table.fails("a neighbour with a route", lan, to(member, network));
        }
    }
    table.fails("a neighbour with a route", lan, at(all.old.ip4("old"), 80));
}

/// Ports published on every address.
fn published<'a>(all: &'a Everything, table: &mut Table<'a>) {
    let Everything { web, near, db, inner, sealed, .. } = all;
    let (host, lan, wan) = (all.world.host(), all.world.lan(), all.world.wan());
    let gateway = all.gateway("front");
    for family in [0, 1] {
        for port in [8080, 9000, 9005, 9009, 9100, 9105, 9109] {
            table.reaches("published, from the lan", lan, at(lan.host[family], port), "web", lan.own[family]);
        }
        table.reaches("published, from the outside", wan, at(wan.host[family], 8080), "web", wan.own[family]);
        table.reaches("published, from the host", host, at(lan.host[family], 8080), "web", gateway[family]);
        table.reaches("published, hairpin", near, at(lan.host[family], 8080), "web", gateway[family]);
        table.reaches("published, to oneself", web, at(lan.host[family], 8080), "web", gateway[family]);
        table.reaches("published, by the gateway", near, at(gateway[family], 8080), "web", gateway[family]);
        // It leaves its own network by masquerade, and so comes from the bridge that leads to the other one.
        table.reaches("published, from another network", db, at(lan.host[family], 8080), "web", gateway[family]);
        for member in [&inner[0], &sealed[0]] {
            table.fails("published, from internal", member, at(lan.host[family], 8080));
        }
        table.fails("published, from internal by its gateway", &inner[0], at(all.gateway("inner")[family], 8080));
        table.fails("not published", lan, at(lan.host[family], 8079));
    }
    for address in ["127.0.0.1:8080", "127.0.0.1:9005", "127.0.0.1:9109"] {
        table.reaches("published, from the host by loopback", host, local(address), "web", gateway[0]);
    }
    for address in ["[::1]:8080", "[::1]:9005", "[::1]:9109"] {
        table.reaches("published, from the host by loopback", host, local(address), "web", gateway[1]);
    }
}

/// Ports published on one address, and those that only the forwarder can carry.
fn specific<'a>(all: &'a Everything, table: &mut Table<'a>) {
    let Everything { near, db, .. } = all;
    let (host, lan, wan) = (all.world.host(), all.world.lan(), all.world.wan());
    let gateway = all.gateway("front");
    table.reaches("on 127.0.0.1", host, local("127.0.0.1:8081"), "web", gateway[0]);
    table.reaches("on ::1", host, local("[::1]:8082"), "web", gateway[1]);
    for (family, port) in [(0, 8081), (1, 8082)] {
        for from in [&**lan, near, db] {
            table.fails("on loopback only", from, at(lan.host[family], port));
        }
        table.fails("on loopback only", host, at(lan.host[family], port));
    }
    for (family, port) in [(0, 8083), (1, 8084)] {
        table.reaches("on one address", lan, at(lan.host[family], port), "web", lan.own[family]);
        table.reaches("on one address", host, at(lan.host[family], port), "web", gateway[family]);
        table.reaches("on one address", near, at(lan.host[family], port), "web", gateway[family]);
        table.fails("on another address", wan, at(wan.host[family], port));
        table.fails("on another address", host, local(["127.0.0.1:8083", "[::1]:8084"][family]));
    }
    let old_gateway = all.world.gateway("old", Family::V4).unwrap();
    for family in [0, 1] {
        table.reaches("icc off, published", lan, at(lan.host[family], 8095), "quiet2", lan.own[family]);
        table.reaches("icc off, published", near, at(lan.host[family], 8095), "quiet2", all.gateway("quiet")[family]);
        let (quiet, to) = (&all.quiet[0], at(lan.host[family], 8095));
        if all.bridged_hooks {
            // Translated within the bridge the packet goes from port to port, and those are cut off from each other:
            // the bridge keeps what the rules would let through.
            table.fails("icc off, published, from the same network", quiet, to);
        } else {
            table.reaches(
                "icc off, published, from the same network",
                quiet,
                to,
                "quiet2",
                all.gateway("quiet")[family],
            );
        }
    }
    table.reaches("IPv4 only", lan, at(lan.host[0], 8090), "old", lan.own[0]);
    table.reaches("IPv6 to IPv4, from the lan", lan, at(lan.host[1], 8090), "old", old_gateway);
    table.reaches("IPv6 to IPv4, from the host", host, local("[::1]:8090"), "old", old_gateway);
    table.reaches("IPv4 only, by loopback", host, local("127.0.0.1:8090"), "old", old_gateway);
}

/// Tries the table in one world, and once more after the daemon was killed and came back.
fn everybody_reaches_whom_they_should(bridged_hooks: bool) {
    let Some(all) = Everything::new(bridged_hooks) else { return };
    let check = || {
        for rows in [networks, published, specific] {
            let mut table = Table::default();
            rows(&all, &mut table);
            table.check();
        }
    };
    check();
    all.world.kill9_daemon();
    all.world.start_daemon();
    check();
}

#[test]
fn everybody_reaches_whom_they_should_and_nobody_else() {
    everybody_reaches_whom_they_should(false);
}

#[test]
fn the_same_holds_where_bridged_packets_go_through_the_rules() {
    everybody_reaches_whom_they_should(true);
}
