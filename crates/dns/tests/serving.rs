//! Sandboxes served over real sockets: both transports, many sandboxes, changes while clients ask, the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says by panicking that it failed")]

mod support;

use hickory_proto::rr::RecordType;
use pontoon_cnm::{DnsPorts, Resolver as _};
use pontoon_dns::Settings;
use pontoon_types::{EndpointId, SandboxId};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::client::{self, addresses, ask, connect, framed, query, read_framed};
use support::{World, from_host, ip, namespace, network, outside, record, sees, usual_names};

fn world() -> World {
    World::new(Settings::default())
}

#[test]
fn names_are_answered_over_both_transports_in_both_families() {
    let world = world();
    let (_, ports) = world.sandbox(&usual_names(), from_host(&[]));
    for (kind, expected) in [(RecordType::A, "10.0.0.2"), (RecordType::AAAA, "fd00::2")] {
        assert_eq!(addresses(&ask(ports.udp, "web", kind)), [ip(expected)]);
        assert_eq!(addresses(&client::tcp(ports.tcp, &query("web", kind))), [ip(expected)]);
    }
    let cut = ask(ports.udp, "many", RecordType::A);
    assert!(cut.metadata.truncation && addresses(&cut).len() < 40);
    assert_eq!(addresses(&client::tcp(ports.tcp, &query("many", RecordType::A))).len(), 40);
    let metrics = world.resolver.metrics();
    assert_eq!((metrics.udp_queries, metrics.tcp_queries, metrics.answered_locally), (3, 3, 6));
}

#[test]
fn one_connection_takes_many_queries_in_pieces_and_at_once() {
    let world = world();
    let (_, ports) = world.sandbox(&usual_names(), from_host(&[]));
    let queries: Vec<_> = (0..400).map(|n| query(if n % 2 == 0 { "web" } else { "many" }, RecordType::A)).collect();
    let bytes: Vec<u8> = queries.iter().flat_map(framed).collect();
    let mut stream = connect(ports.tcp);
    for piece in bytes.chunks(17) {
        stream.write_all(piece).unwrap();
    }
    // A client that has said all still gets its answers.
    stream.shutdown(Shutdown::Write).unwrap();
    for asked in &queries {
        assert_eq!(read_framed(&mut stream).metadata.id, asked.metadata.id);
    }
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "then the connection is closed");
}

#[test]
fn a_silent_connection_is_closed_and_too_many_are_refused() {
    let settings =
        Settings { idle_timeout: Duration::from_millis(300), connections_per_sandbox: 2, ..Settings::default() };
    let world = World::new(settings);
    let (_, ports) = world.sandbox(&usual_names(), from_host(&[]));
    let mut silent = connect(ports.tcp);
    silent.write_all(&[0, 40, 1]).unwrap();
    assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0);
    let mut open: Vec<_> = (0..3).map(|_| connect(ports.tcp)).collect();
    let mut answered = 0;
    for stream in &mut open {
        let _ = stream.write_all(&framed(&query("web", RecordType::A)));
        answered += usize::from(stream.read(&mut [0; 512]).is_ok_and(|length| length > 0));
    }
    assert_eq!((answered, world.resolver.metrics().connections_refused), (2, 1));
}

#[test]
fn each_sandbox_sees_only_its_own_networks() {
    let world = world();
    let sandboxes: Vec<_> = (1..=200u8)
        .map(|n| {
            let (name, address) = (format!("own{n}"), format!("10.2.0.{n}"));
            let names = sees(vec![network("n", &[(&[&name], &[&address]), (&["me"], &[&address])])]);
            (name, address, world.sandbox(&names, from_host(&[])).1)
        })
        .collect();
    assert_eq!(world.resolver.served(), 200);
    for (index, (name, address, ports)) in sandboxes.iter().enumerate() {
        assert_eq!(addresses(&ask(ports.udp, "me", RecordType::A)), [ip(address)]);
        assert_eq!(addresses(&ask(ports.udp, name, RecordType::A)), [ip(address)]);
        let (other, ..) = &sandboxes[(index + 1) % sandboxes.len()];
        assert!(addresses(&ask(ports.udp, other, RecordType::A)).is_empty());
    }
}

#[test]
fn the_ports_of_before_are_taken_again_unless_somebody_else_has_them() {
    let world = world();
    let (first, second) = (SandboxId::random(), SandboxId::random());
    let open = |id, wanted| world.resolver.open(id, &namespace(id), usual_names(), from_host(&[]), wanted).unwrap();
    let ports = open(first, None);
    assert_eq!(open(first, None), ports, "opening twice changes nothing");
    let others = open(second, Some(ports));
    assert!(others.udp != ports.udp && others.tcp != ports.tcp);
    world.resolver.close(first);
    wait_until_free(ports);
    assert_eq!(open(first, Some(ports)), ports);
    assert_eq!(addresses(&ask(ports.udp, "web", RecordType::A)), [ip("10.0.0.2")]);
}

/// A thread may still hold the sockets for the length of a batch.
fn wait_until_free(ports: DnsPorts) {
    let end = Instant::now() + client::PATIENCE;
    while UdpSocket::bind(("127.0.0.11", ports.udp)).is_err() || TcpListener::bind(("127.0.0.11", ports.tcp)).is_err() {
        assert!(Instant::now() < end, "the sockets of a closed sandbox stay open");
        std::thread::yield_now();
    }
}

#[test]
fn closing_a_sandbox_ends_all_that_was_done_for_it() {
    let world = world();
    let mute = outside::silent(0);
    let world = World {
        resolver: pontoon_dns::Resolver::new(
            world.sockets.clone(),
            Settings { upstream_port: mute.port, ..Settings::default() },
        )
        .unwrap(),
        ..world
    };
    let (id, ports) = world.sandbox(&usual_names(), support::from_sandbox(&[mute.address]));
    let mut stream = connect(ports.tcp);
    stream.write_all(&framed(&query("unknown.example", RecordType::A))).unwrap();
    let waiting = UdpSocket::bind("127.0.0.1:0").unwrap();
    let asked = query("unknown2.example", RecordType::A).to_vec().unwrap();
    waiting.send_to(&asked, ("127.0.0.11", ports.udp)).unwrap();
    let end = Instant::now() + client::PATIENCE;
    while mute.seen().len() < 2 {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
    world.resolver.close(id);
    let start = Instant::now();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    wait_until_free(ports);
    // Nothing holds the namespace: not for the four seconds that a server outside has.
    assert!(start.elapsed() < Duration::from_secs(2));
    world.resolver.close(id);
    world.resolver.update(id, usual_names(), from_host(&[]));
}

#[test]
fn no_query_is_lost_while_names_and_memberships_change() {
    let world = world();
    let mynet = network("mynet", &[(&["stable"], &["10.0.0.2"])]);
    let names = sees(vec![mynet.clone()]);
    let (id, ports) = world.sandbox(&names, from_host(&[]));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Acquire) {
                let come_and_go = EndpointId::random();
                mynet.names.insert(come_and_go, record(&["other", "many"], &["10.0.0.9"]));
                let more = sees(vec![mynet.clone(), network("second", &[(&["x"], &["10.9.0.1"])])]);
                world.resolver.update(id, more, from_host(&[]));
                mynet.names.remove(come_and_go);
                world.resolver.update(id, names.clone(), from_host(&[]));
                let (another, _) = world.sandbox(&names, from_host(&[]));
                world.resolver.close(another);
            }
        });
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(("127.0.0.11", ports.udp)).unwrap();
        socket.set_read_timeout(Some(client::PATIENCE)).unwrap();
        let asked = query("stable", RecordType::A).to_vec().unwrap();
        (0..20).for_each(|_| assert_eq!(socket.send(&asked).unwrap(), asked.len()));
        let mut buffer = [0; 512];
        for _ in 0..5000 {
            let length = socket.recv(&mut buffer).expect("no query is lost");
            let reply = hickory_proto::op::Message::from_vec(&buffer[..length]).unwrap();
            assert_eq!(addresses(&reply), [ip("10.0.0.2")]);
            socket.send(&asked).unwrap();
        }
        stop.store(true, Ordering::Release);
    });
}

#[test]
fn a_flood_of_nonsense_leaves_the_resolver_answering() {
    let world = world();
    let (_, ports) = world.sandbox(&usual_names(), from_host(&[]));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut noise = [0u8; 3000];
    getrandom::fill(&mut noise).unwrap();
    for round in 0..2000usize {
        let start = round % 97;
        let _ = socket.send_to(&noise[start..start + round % 2900], ("127.0.0.11", ports.udp));
    }
    let mut stream = connect(ports.tcp);
    let _ = stream.write_all(&noise);
    drop(stream);
    // The noise may have filled the socket: like any client, ask again.
    let asked = query("web", RecordType::A);
    let reply = (0..20).find_map(|_| client::try_udp(ports.udp, &asked, Duration::from_secs(1)));
    assert_eq!(addresses(&reply.expect("an answer")), [ip("10.0.0.2")]);
    assert_eq!(addresses(&client::tcp(ports.tcp, &query("web", RecordType::A))), [ip("10.0.0.2")]);
}
