//! Who reaches whom under the rule set: both families, TCP and UDP, with and without `br_netfilter`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod support;

use pontoon_kernel::nft::Transaction;
use pontoon_ruleset::{BridgeRules, plan, static_table, wanted};
use pontoon_types::{PortMapping, Protocol};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use support::Namespace;
use support::socket::{self, Tcp, Transport, Udp, ask, ask_as, silent, silent_as};
use support::world::{FORWARDER, World, bridges, mapping};

/// Everything that is published in [`worlds`].
fn published() -> Vec<PortMapping> {
    let both = [Protocol::Tcp, Protocol::Udp];
    let mappings = |protocol| {
        [
            mapping(protocol, "0.0.0.0", "8080", "10.1.0.11", 80),
            mapping(protocol, "::", "8080", "fd01::11", 80),
            mapping(protocol, "192.0.2.1", "8081", "10.1.0.11", 80),
            mapping(protocol, "2001:db8::1", "8081", "fd01::11", 80),
            mapping(protocol, "127.0.0.1", "8082", "10.1.0.11", 80),
            mapping(protocol, "::1", "8082", "fd01::11", 80),
            mapping(protocol, "0.0.0.0", "8000-8010", "10.1.0.12", 8000),
            mapping(protocol, "::", "8000-8010", "fd01::12", 8000),
            mapping(protocol, "0.0.0.0", "9080-9081", "10.1.0.12", 80),
            mapping(protocol, "::", "8090", "10.1.0.11", 80),
            mapping(protocol, "2001:db8::1", "8091-8099", "10.1.0.11", 80),
            mapping(protocol, "0.0.0.0", "8180", "10.2.0.11", 80),
            mapping(protocol, "::", "8180", "fd02::11", 80),
        ]
    };
    both.into_iter().flat_map(mappings).collect()
}

/// Two worlds with everything published: without and with `br_netfilter`.
fn worlds() -> &'static [World; 2] {
    static WORLDS: OnceLock<[World; 2]> = OnceLock::new();
    WORLDS.get_or_init(|| {
        [false, true].map(|hooks| {
            let world = World::new(hooks);
            world.publish(&published());
            world
        })
    })
}

/// Each line: where to, and what is answered.
fn all_answer(client: impl Fn(&World) -> &Namespace, table: &[(&str, &str)]) {
    for (world, hooks) in worlds().iter().zip([false, true]) {
        for (address, answer) in table {
            for transport in [Tcp, Udp] {
                let told = ask(client(world), transport, address);
                let told = told.unwrap_or_else(|error| error.to_string());
                assert_eq!(told, *answer, "{transport:?} to {address}, br_netfilter {hooks}");
            }
        }
    }
}

/// Nothing comes back from any of them. Asked all at once: each takes its while.
fn all_silent(client: impl Fn(&World) -> &Namespace + Sync, addresses: &[&str]) {
    std::thread::scope(|scope| {
        for (world, hooks) in worlds().iter().zip([false, true]) {
            for address in addresses {
                for transport in [Tcp, Udp] {
                    let client = client(world);
                    scope.spawn(move || {
                        let silent = silent(client, transport, address);
                        assert!(silent, "{transport:?} to {address}, br_netfilter {hooks}");
                    });
                }
            }
        }
    });
}

#[test]
fn a_remote_host_reaches_published_ports_and_is_seen_by_its_own_address() {
    all_answer(
        |world| &world.lan,
        &[
            ("192.0.2.1:8080", "a1 sees 192.0.2.2"),
            ("10.1.0.1:8080", "a1 sees 192.0.2.2"),
            ("10.3.0.1:8080", "a1 sees 192.0.2.2"),
            ("[2001:db8::1]:8080", "a1 sees 2001:db8::2"),
            ("[fd01::1]:8080", "a1 sees 2001:db8::2"),
            ("192.0.2.1:8081", "a1 sees 192.0.2.2"),
            ("[2001:db8::1]:8081", "a1 sees 2001:db8::2"),
            ("192.0.2.1:8000", "a2 sees 192.0.2.2"),
            ("192.0.2.1:8005", "a2 sees 192.0.2.2"),
            ("[2001:db8::1]:8005", "a2 sees 2001:db8::2"),
            ("192.0.2.1:9080", "a2 sees 192.0.2.2"),
            ("192.0.2.1:9081", "a2 sees 192.0.2.2"),
            ("192.0.2.1:8180", "b1 sees 192.0.2.2"),
            ("[2001:db8::1]:8180", "b1 sees 2001:db8::2"),
        ],
    );
}

#[test]
fn what_the_kernel_cannot_translate_goes_to_the_forwarder() {
    all_answer(
        |world| &world.lan,
        &[
            ("[2001:db8::1]:8090", "forwarder sees 2001:db8::2"),
            ("[fd01::1]:8090", "forwarder sees 2001:db8::2"),
            ("[2001:db8::1]:8095", "forwarder sees 2001:db8::2"),
        ],
    );
    all_answer(
        |world| &world.host,
        &[
            ("[::1]:8080", "forwarder sees ::1"),
            ("[::1]:8082", "forwarder sees ::1"),
            ("[::1]:8005", "forwarder sees ::1"),
            ("[::1]:8090", "forwarder sees ::1"),
            ("[2001:db8::1]:8090", "forwarder sees 2001:db8::1"),
        ],
    );
    for world in worlds() {
        for transport in [Tcp, Udp] {
            for port in [8080, 8005, 8090] {
                let address = format!("[{}%eth0]:{port}", world.link_local());
                let told = ask(&world.lan, transport, &address).unwrap();
                assert!(told.starts_with("forwarder sees fe80::"), "{address}: {told}");
            }
            let told = ask_as(&world.host, transport, "::1", "[2001:db8::1]:8080").unwrap();
            assert_eq!(told, "forwarder sees ::1");
        }
    }
}

#[test]
fn the_host_reaches_published_ports_on_every_address_of_its_own() {
    all_answer(
        |world| &world.host,
        &[
            ("127.0.0.1:8080", "a1 sees 10.1.0.1"),
            ("127.0.0.2:8080", "a1 sees 10.1.0.1"),
            ("127.0.0.1:8082", "a1 sees 10.1.0.1"),
            ("127.0.0.1:8005", "a2 sees 10.1.0.1"),
            ("127.0.0.1:9081", "a2 sees 10.1.0.1"),
            ("192.0.2.1:8080", "a1 sees 10.1.0.1"),
            ("192.0.2.1:8081", "a1 sees 10.1.0.1"),
            ("[2001:db8::1]:8080", "a1 sees fd01::1"),
            ("[2001:db8::1]:8081", "a1 sees fd01::1"),
        ],
    );
}

#[test]
fn the_host_reaches_every_endpoint_and_its_own_loopback() {
    all_answer(
        |world| &world.host,
        &[
            ("10.1.0.11:81", "a1 sees 10.1.0.1"),
            ("[fd01::11]:81", "a1 sees fd01::1"),
            ("10.2.0.11:81", "b1 sees 10.2.0.1"),
            ("10.3.0.11:81", "i1 sees 10.3.0.1"),
            ("[fd03::11]:81", "i1 sees fd03::1"),
            ("127.0.0.1:90", "loopback sees 127.0.0.1"),
            ("192.0.2.1:91", "host sees 192.0.2.1"),
            ("[::1]:91", "host sees ::1"),
        ],
    );
}

#[test]
fn neighbours_see_each_other_unchanged_and_published_ports_through_the_host() {
    all_answer(
        |world| &world.a2,
        &[
            ("10.1.0.11:80", "a1 sees 10.1.0.12"),
            ("10.1.0.11:81", "a1 sees 10.1.0.12"),
            ("[fd01::11]:81", "a1 sees fd01::12"),
            ("192.0.2.1:8080", "a1 sees 10.1.0.1"),
            ("10.1.0.1:8080", "a1 sees 10.1.0.1"),
            ("[2001:db8::1]:8080", "a1 sees fd01::1"),
            ("[fd01::1]:8080", "a1 sees fd01::1"),
            // Itself, by a port and by a range.
            ("192.0.2.1:8000", "a2 sees 10.1.0.1"),
            ("[2001:db8::1]:8000", "a2 sees fd01::1"),
            ("192.0.2.1:9080", "a2 sees 10.1.0.1"),
            // The way to the host's own services is still the same after that.
            ("192.0.2.1:91", "host sees 10.1.0.12"),
            ("10.1.0.1:91", "host sees 10.1.0.12"),
            ("[fd01::1]:91", "host sees fd01::12"),
        ],
    );
    all_answer(|world| &world.i2, &[("10.3.0.11:81", "i1 sees 10.3.0.12"), ("[fd03::11]:81", "i1 sees fd03::12")]);
}

#[test]
fn the_outside_sees_the_hosts_address() {
    all_answer(
        |world| &world.a1,
        &[("192.0.2.2:80", "lan sees 192.0.2.1"), ("[2001:db8::2]:80", "lan sees 2001:db8::1")],
    );
}

#[test]
fn other_networks_reach_published_ports_and_nothing_else() {
    all_answer(|world| &world.b1, &[("192.0.2.1:8080", "a1 sees 10.1.0.1"), ("[2001:db8::1]:8080", "a1 sees fd01::1")]);
    all_silent(|world| &world.b1, &["10.1.0.11:80", "10.1.0.11:81", "[fd01::11]:80", "10.3.0.11:80", "[fd03::11]:80"]);
}

#[test]
fn a_remote_host_with_routes_does_not_reach_the_endpoints_addresses() {
    all_silent(
        |world| &world.lan,
        &["10.1.0.11:80", "10.1.0.11:81", "10.1.0.12:8005", "[fd01::11]:80", "[fd01::11]:81", "10.2.0.11:80"],
    );
}

#[test]
fn without_icc_neighbours_meet_only_at_published_ports() {
    all_silent(|world| &world.b1, &["10.2.0.12:80", "[fd02::12]:80"]);
    all_answer(|world| &world.b2, &[("192.0.2.1:8180", "b1 sees 10.2.0.1"), ("[2001:db8::1]:8180", "b1 sees fd02::1")]);
    // What is bridged the rules see with br_netfilter only; port isolation is for the rest.
    let bridged = &worlds()[1].b2;
    assert!(silent(bridged, Tcp, "10.2.0.11:80") && silent(bridged, Udp, "[fd02::11]:80"));
}

#[test]
fn nothing_crosses_the_border_of_an_internal_network() {
    all_silent(
        |world| &world.i1,
        &[
            "192.0.2.2:80",
            "[2001:db8::2]:80",
            "10.1.0.11:80",
            "192.0.2.1:8080",
            "[2001:db8::1]:8080",
            "10.3.0.1:8080",
            "[fd03::1]:8090",
        ],
    );
    all_answer(|world| &world.i1, &[("10.3.0.1:91", "host sees 10.3.0.11"), ("[fd03::1]:91", "host sees fd03::11")]);
    all_silent(|world| &world.a1, &["10.3.0.11:80", "[fd03::11]:80"]);
    all_silent(|world| &world.lan, &["10.3.0.11:80", "[fd03::11]:80"]);
}

#[test]
fn an_isolated_network_does_not_reach_the_host() {
    all_silent(|world| &world.z1, &["192.0.2.1:91", "192.0.2.1:8080"]);
}

#[test]
fn nobody_reaches_the_hosts_loopback_or_what_is_published_there() {
    all_silent(|world| &world.lan, &["127.0.0.1:8080", "127.0.0.1:8082", "127.0.0.1:90"]);
    all_silent(|world| &world.mallory, &["127.0.0.1:8080", "127.0.0.1:8082", "127.0.0.1:90"]);
}

#[test]
fn nobody_reaches_the_forwarder_but_through_a_published_port() {
    let (tcp, udp) = (FORWARDER.tcp, FORWARDER.udp);
    for world in worlds() {
        for (client, address) in [(&world.lan, "[2001:db8::1]"), (&world.host, "[::1]"), (&world.a1, "[fd01::1]")] {
            assert!(silent(client, Tcp, &format!("{address}:{tcp}")), "{address}");
            assert!(silent(client, Udp, &format!("{address}:{udp}")), "{address}");
        }
    }
}

#[test]
fn icmp_errors_come_back_to_who_caused_them() {
    for world in worlds() {
        for (client, address) in
            [(&world.a1, "192.0.2.2:9"), (&world.a1, "[2001:db8::2]:9"), (&world.lan, "192.0.2.1:9")]
        {
            let error = ask(client, Udp, address).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused, "{address}");
        }
    }
}

/// A socket that tells whether anything was received.
fn witness(namespace: &Namespace, address: &str) -> std::net::UdpSocket {
    let address = address.parse().unwrap();
    let socket: std::net::UdpSocket = namespace.run(|| socket::bound(Udp, address)).unwrap().into();
    socket.set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
    socket
}

fn hears(witness: &std::net::UdpSocket) -> bool {
    witness.recv_from(&mut [0; 64]).is_ok()
}

#[test]
fn nobody_speaks_to_the_host_as_its_loopback() {
    let world = World::new(false);
    let ear = witness(&world.host, "10.1.0.1:5000");
    assert!(silent_as(&world.mallory, Udp, "127.0.0.5", "10.1.0.1:5000"));
    assert!(hears(&ear), "without rules the host is fooled");
    world.publish(&[]);
    assert!(silent_as(&world.mallory, Udp, "127.0.0.5", "10.1.0.1:5000"));
    assert!(!hears(&ear));
}

/// Without rules, or without the one that matters, these attacks succeed: the tests above could fail.
#[test]
fn without_the_rules_every_attack_succeeds() {
    let world = World::new(false);
    let open: &[(&Namespace, &str, &str)] = &[
        (&world.lan, "10.1.0.11:81", "a1 sees 192.0.2.2"),
        (&world.lan, "[fd01::11]:81", "a1 sees 2001:db8::2"),
        (&world.mallory, "127.0.0.1:90", "loopback sees 10.1.0.13"),
        (&world.b1, "10.1.0.11:80", "a1 sees 10.2.0.11"),
        (&world.b1, "10.2.0.12:80", "b2 sees 10.2.0.11"),
        (&world.i1, "192.0.2.2:80", "lan sees 10.3.0.11"),
        (&world.lan, "[fd03::11]:80", "i1 sees 2001:db8::2"),
        (&world.z1, "192.0.2.1:91", "host sees 10.4.0.11"),
    ];
    let check = |transport: Transport| {
        for (client, address, answer) in open {
            let told = ask(client, transport, address).unwrap_or_else(|error| error.to_string());
            assert_eq!(told, *answer, "{transport:?} to {address}");
        }
    };
    check(Tcp);
    check(Udp);
    let mut weak = wanted(FORWARDER, &bridges(), &published()).unwrap();
    weak.chains.iter_mut().filter(|chain| chain.name == "raw").for_each(|chain| chain.rules.clear());
    world.commit(&plan(&weak, None)).unwrap();
    assert_eq!(ask(&world.lan, Tcp, "127.0.0.1:8082").unwrap(), "a1 sees 192.0.2.2");
}

#[test]
fn without_masquerading_the_outside_sees_the_endpoint_and_still_cannot_begin() {
    let world = World::new(false);
    let plain = bridges().map(|bridge| BridgeRules { masquerade4: false, masquerade6: false, ..bridge });
    let table = wanted(FORWARDER, &plain, &published()).unwrap();
    world.commit(&plan(&table, None)).unwrap();
    for transport in [Tcp, Udp] {
        assert_eq!(ask(&world.a1, transport, "192.0.2.2:80").unwrap(), "lan sees 10.1.0.11");
        assert_eq!(ask(&world.a1, transport, "[2001:db8::2]:80").unwrap(), "lan sees fd01::11");
        assert!(silent(&world.lan, transport, "10.1.0.11:80"));
    }
}

#[test]
fn a_flow_that_began_while_the_rules_were_gone_ends_when_they_are_back() {
    let world = World::new(false);
    world.publish(&published());
    world.commit(&Transaction::delete(pontoon_ruleset::table_id())).unwrap();
    // A table of another hand keeps connection tracking awake.
    let tracking =
        "table inet other {\nchain c {\ntype filter hook forward priority 5\nct state established accept\n}\n}\n";
    let output = world.host.nft(tracking);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let client: std::net::UdpSocket =
        world.lan.run(|| socket::bound(Udp, "192.0.2.2:7000".parse().unwrap())).unwrap().into();
    client.connect("10.1.0.11:80").unwrap();
    client.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    client.send(b"?").unwrap();
    client.recv(&mut [0; 64]).unwrap();
    world.publish(&published());
    client.set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
    client.send(b"?").unwrap();
    assert!(client.recv(&mut [0; 64]).is_err());
}

#[test]
fn replacing_the_rules_lets_nothing_through_and_keeps_nothing_out() {
    let world = World::new(false);
    world.publish(&published());
    let ear = witness(&world.a1, "10.1.0.11:5000");
    let table = wanted(FORWARDER, &bridges(), &published()).unwrap();
    let done = AtomicBool::new(false);
    // Every rule is another, as after an upgrade; what they do is the same.
    let mut other = table.clone();
    for rule in other.chains.iter_mut().flat_map(|chain| &mut chain.rules) {
        rule.comment.push_str(" (old)");
    }
    std::thread::scope(|scope| {
        let good = scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) || count < 20 {
                for transport in [Tcp, Udp] {
                    assert_eq!(ask(&world.lan, transport, "192.0.2.1:8080").unwrap(), "a1 sees 192.0.2.2");
                }
                count += 1;
            }
        });
        let bad = scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) || count < 1000 {
                let socket = world.lan.run(|| std::net::UdpSocket::bind("192.0.2.2:0").unwrap());
                // Also within one flow, so that no cached decision lets a later packet pass.
                for _ in 0..20 {
                    let _ = socket.send_to(b"!", "10.1.0.11:5000");
                }
                count += 20;
            }
        });
        for turn in 0..200 {
            let next = if turn % 2 == 0 { &other } else { &table };
            let transaction = plan(next, world.observe().as_ref());
            assert!(transaction.changes.len() > next.chains.len());
            world.commit(&transaction).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        good.join().unwrap();
        bad.join().unwrap();
    });
    assert!(!hears(&ear));
}

#[test]
fn ports_that_are_no_longer_published_are_closed() {
    let world = World::new(false);
    world.publish(&published());
    assert_eq!(ask(&world.lan, Tcp, "192.0.2.1:8080").unwrap(), "a1 sees 192.0.2.2");
    world.commit(&plan(&static_table(FORWARDER), world.observe().as_ref())).unwrap();
    let error = ask(&world.lan, Tcp, "192.0.2.1:8080").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}
