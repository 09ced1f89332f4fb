//! The way to servers outside: who is asked, from where, how long, and what is kept (dns.md sections 6 and 11).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says by panicking that it failed")]

mod support;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{RData, Record, RecordType};
use pontoon_cnm::{Resolver as _, Upstreams};
use pontoon_dns::{Clock, Settings};
use pontoon_kernel::Netns;
use std::collections::BTreeSet;
use std::net::{IpAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use support::client::{self, addresses, ask, pointers, query, try_udp, with_edns};
use support::outside::{self, Seen, Server, USUAL, no_such_name, reply_to, status, usual};
use support::{World, from_host, from_sandbox, ip, namespace, sees, usual_names};

fn world(port: u16) -> World {
    World::new(Settings { upstream_port: port, ..Settings::default() })
}

/// One server with this behaviour, and a sandbox that may ask it.
fn asking(behaviour: impl Fn(&Seen) -> Vec<Vec<u8>> + Send + Sync + 'static) -> (World, Server, u16) {
    let server = Server::start(0, behaviour);
    let world = world(server.port);
    let (_, ports) = world.sandbox(&usual_names(), from_host(&[server.address]));
    (world, server, ports.udp)
}

fn code(message: &Message) -> ResponseCode {
    message.metadata.response_code
}

#[test]
fn unknown_names_are_asked_outside_and_the_answer_is_the_clients() {
    let (world, server, port) = asking(|seen| vec![outside::addresses(&seen.message, 300, &[USUAL])]);
    let asked = query("WWW.Example.com", RecordType::A);
    let reply = client::udp(port, &asked);
    assert_eq!(addresses(&reply), [IpAddr::V4(USUAL)]);
    assert!(reply.queries[0].name().eq_case(asked.queries[0].name()), "letter by letter");
    for (name, kind) in
        [("example.com", RecordType::TXT), ("9.9.0.10.in-addr.arpa", RecordType::PTR), ("nobody", RecordType::A)]
    {
        client::udp(port, &query(name, kind));
    }
    let names: Vec<String> = server.seen().iter().map(|seen| seen.message.queries[0].name().to_string()).collect();
    assert_eq!(names, ["WWW.Example.com.", "example.com.", "9.9.0.10.in-addr.arpa.", "nobody."]);
    // Names of ours are never asked for, whatever the type.
    for kind in [RecordType::AAAA, RecordType::TXT, RecordType::MX] {
        assert_eq!(code(&client::udp(port, &query("old", kind))), ResponseCode::NoError);
    }
    assert_eq!(server.seen().len(), 4);
    assert_eq!(world.resolver.metrics().forwarded, 4);
}

#[test]
fn what_a_server_says_is_passed_on_and_silence_is_servfail() {
    for expected in [ResponseCode::NXDomain, ResponseCode::NoError, ResponseCode::FormErr, ResponseCode::NotImp] {
        let (_world, _server, port) = asking(move |seen| vec![status(&seen.message, expected)]);
        assert_eq!(code(&ask(port, "x.example", RecordType::A)), expected);
    }
    for refusal in [ResponseCode::ServFail, ResponseCode::Refused] {
        let (_world, _server, port) = asking(move |seen| vec![status(&seen.message, refusal)]);
        assert_eq!(code(&ask(port, "x.example", RecordType::A)), ResponseCode::ServFail);
    }
    let world = world(53);
    let (_, ports) = world.sandbox(&usual_names(), from_host(&[]));
    let reply = client::udp(ports.udp, &with_edns(query("x.example", RecordType::A), 1232, true));
    assert_eq!(code(&reply), ResponseCode::ServFail);
    assert!(reply.edns.unwrap().flags().dnssec_ok);
    assert_eq!(reply.queries.len(), 1);
}

#[test]
fn a_later_server_answers_when_the_first_refuses_or_is_gone() {
    let good = usual(0);
    let refusing = Server::start(good.port, |seen| vec![status(&seen.message, ResponseCode::Refused)]);
    let failing = Server::start(good.port, |seen| vec![status(&seen.message, ResponseCode::ServFail)]);
    let bare = Server::start(good.port, |seen| {
        let [high, low] = seen.message.metadata.id.to_be_bytes();
        vec![vec![high, low, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0]]
    });
    let nobody = outside::own_address();
    for first in [refusing.address, failing.address, bare.address, nobody] {
        let world = world(good.port);
        let (_, ports) = world.sandbox(&usual_names(), from_host(&[first, good.address]));
        let start = Instant::now();
        assert_eq!(addresses(&ask(ports.udp, "x.example", RecordType::A)), [IpAddr::V4(USUAL)], "{first}");
        assert!(start.elapsed() < Duration::from_secs(3), "{first}");
    }
}

#[test]
fn a_dead_first_server_costs_a_moment_and_soon_nothing() {
    let dead = outside::silent(0);
    let good = usual(dead.port);
    let world = world(dead.port);
    let (_, ports) = world.sandbox(&usual_names(), from_host(&[dead.address, good.address]));
    for round in 0..30 {
        let start = Instant::now();
        let reply = ask(ports.udp, &format!("x{round}.example"), RecordType::A);
        assert_eq!(addresses(&reply), [IpAddr::V4(USUAL)]);
        assert!(start.elapsed() < Duration::from_secs(3), "query {round}");
    }
    assert_eq!(good.seen().len(), 30);
    // Twice it was waited for; then it is left alone but for a try every few seconds.
    let tried = dead.seen().len();
    assert!((2..=8).contains(&tried), "asked {tried} times");
}

#[test]
fn a_later_servers_no_does_not_overrule_a_better_server_that_is_a_little_slow() {
    let gate = Arc::new(Barrier::new(2));
    let (opened, opening) = (gate.clone(), gate);
    let slow = Server::start(0, move |seen| {
        opened.wait();
        // The other one's answer should be the first to arrive; if it is not, nothing is shown, but nothing fails.
        std::thread::park_timeout(Duration::from_millis(30));
        vec![outside::addresses(&seen.message, 60, &[USUAL])]
    });
    let negative = Server::start(slow.port, move |seen| {
        opening.wait();
        vec![no_such_name(&seen.message, 60)]
    });
    let world = world(slow.port);
    let (_, ports) = world.sandbox(&usual_names(), from_host(&[slow.address, negative.address]));
    assert_eq!(addresses(&ask(ports.udp, "inside.corp.example", RecordType::A)), [IpAddr::V4(USUAL)]);
}

#[test]
fn a_truncated_answer_is_fetched_over_tcp_and_cut_for_the_client() {
    let many: Vec<_> = (1..=60).map(|n| std::net::Ipv4Addr::new(192, 0, 2, n)).collect();
    let (_world, server, port) = asking(move |seen| {
        let mut whole = Message::from_vec(&outside::addresses(&seen.message, 300, &many)).unwrap();
        if !seen.over_tcp {
            whole.answers.truncate(1);
            whole.metadata.truncation = true;
        }
        vec![whole.to_vec().unwrap()]
    });
    let reply = client::udp(port, &with_edns(query("big.example", RecordType::A), 4096, false));
    assert_eq!((addresses(&reply).len(), reply.metadata.truncation), (60, false));
    let cut = client::udp(port, &with_edns(query("big.example", RecordType::A), 700, false));
    assert!(cut.metadata.truncation && cut.edns.is_some());
    assert!((30..60).contains(&addresses(&cut).len()), "as many as fit: {}", addresses(&cut).len());
    assert_eq!(server.seen().iter().map(|seen| seen.over_tcp).collect::<Vec<_>>(), [false, true], "then it was kept");
    let plain = ask(port, "big.example", RecordType::A);
    assert!(plain.metadata.truncation && plain.edns.is_none() && !plain.answers.is_empty());
}

#[test]
fn a_truncated_answer_that_tcp_does_not_complete_is_passed_on_as_it_is() {
    let (_world, _server, port) = asking(|seen| {
        let mut reply = Message::from_vec(&outside::addresses(&seen.message, 300, &[USUAL])).unwrap();
        reply.metadata.truncation = true;
        if seen.over_tcp { Vec::new() } else { vec![reply.to_vec().unwrap()] }
    });
    let reply = ask(port, "big.example", RecordType::A);
    assert!(reply.metadata.truncation);
    assert_eq!(addresses(&reply), [IpAddr::V4(USUAL)]);
}

#[test]
fn connections_are_forwarded_too_and_answered_as_answers_come() {
    use std::io::Write;
    let server = Server::start(0, |seen| {
        let slow = seen.message.queries[0].name().to_string().starts_with("slow");
        if slow { Vec::new() } else { vec![outside::addresses(&seen.message, 300, &[USUAL])] }
    });
    let world = world(server.port);
    let (_, ports) = world.sandbox(&usual_names(), from_host(&[server.address]));
    let mut stream = client::connect(ports.tcp);
    let (slow, quick) = (query("slow.example", RecordType::A), query("quick.example", RecordType::A));
    stream.write_all(&[client::framed(&slow), client::framed(&quick)].concat()).unwrap();
    let first = client::read_framed(&mut stream);
    assert_eq!((first.metadata.id, addresses(&first)), (quick.metadata.id, vec![IpAddr::V4(USUAL)]));
    let second = client::read_framed(&mut stream);
    assert_eq!((second.metadata.id, code(&second)), (slow.metadata.id, ResponseCode::ServFail));
}

/// A clock that is moved by hand.
fn clock() -> (Clock, Arc<AtomicU64>) {
    let (start, passed) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let seconds = passed.clone();
    (Clock::new(move || start + Duration::from_secs(seconds.load(Ordering::Relaxed))), passed)
}

#[test]
fn answers_are_kept_as_long_as_they_may_and_their_lifetimes_count_down() {
    let (clock, passed) = clock();
    let server = Server::start(0, |seen| match seen.message.queries[0].name().to_string().as_str() {
        "gone.example." => vec![no_such_name(&seen.message, 30)],
        "empty.example." => vec![status(&seen.message, ResponseCode::NoError)],
        "never.example." => vec![outside::addresses(&seen.message, 0, &[USUAL])],
        "long.example." => vec![outside::addresses(&seen.message, 1_000_000, &[USUAL])],
        _ => vec![outside::addresses(&seen.message, 100, &[USUAL])],
    });
    let world = World::new(Settings { upstream_port: server.port, clock, ..Settings::default() });
    let (_, ports) = world.sandbox(&usual_names(), from_host(&[server.address]));
    let asked_outside = |name: &str| {
        let before = server.seen().len();
        let reply = ask(ports.udp, name, RecordType::A);
        (server.seen().len() - before, reply.answers.first().map(|record| record.ttl))
    };
    let table: &[(u64, &str, usize, Option<u32>)] = &[
        (0, "x.example", 1, Some(100)),
        (0, "x.example", 0, Some(100)),
        (40, "X.example", 0, Some(60)),
        (99, "x.example", 0, Some(1)),
        (100, "x.example", 1, Some(100)),
        (100, "gone.example", 1, None),
        (129, "gone.example", 0, None),
        (130, "gone.example", 1, None),
        (130, "empty.example", 1, None),
        (130, "empty.example", 1, None),
        (130, "never.example", 1, Some(0)),
        (130, "never.example", 1, Some(0)),
        (130, "long.example", 1, Some(1_000_000)),
        (3729, "long.example", 0, Some(996_401)),
        (3730, "long.example", 1, Some(1_000_000)),
    ];
    for (at, name, expected, ttl) in table {
        passed.store(*at, Ordering::Relaxed);
        assert_eq!(asked_outside(name), (*expected, *ttl), "{name} after {at} s");
    }
    assert_eq!(world.resolver.metrics().answered_from_cache, 5);
}

#[test]
fn queries_that_may_be_answered_differently_are_kept_apart() {
    let (_world, server, port) = asking(|seen| vec![outside::addresses(&seen.message, 300, &[USUAL])]);
    let plain = query("x.example", RecordType::A);
    let with_options = |code: u16| {
        let mut message = with_edns(plain.clone(), 1232, false);
        message.edns.as_mut().unwrap().options_mut().insert(EdnsOption::Unknown(code, vec![1, 2, 3, 4, 5, 6, 7, 8]));
        message
    };
    let mut unchecked = plain.clone();
    unchecked.metadata.checking_disabled = true;
    let distinct = [
        plain.clone(),
        with_edns(plain.clone(), 1232, false),
        with_edns(plain.clone(), 1232, true),
        unchecked,
        query("x.example", RecordType::AAAA),
    ];
    for _ in 0..3 {
        distinct.iter().for_each(|message| drop(client::udp(port, message)));
    }
    assert_eq!(server.seen().len(), distinct.len());
    assert!(server.seen()[2].message.edns.as_ref().unwrap().flags().dnssec_ok, "the DNSSEC bit is passed on");
    // A cookie is between the client and us; unknown options are for the server, whose answer is for this client alone.
    client::udp(port, &with_options(10));
    assert_eq!(server.seen().len(), distinct.len());
    for round in 1..=2 {
        client::udp(port, &with_options(65001));
        assert_eq!(server.seen().len(), distinct.len() + round);
    }
    let passed = server.seen().pop().unwrap().message.edns.unwrap();
    assert!(passed.option(EdnsCode::Unknown(65001)).is_some());
}

#[test]
fn the_same_question_from_many_clients_is_asked_once() {
    let gate = Arc::new(Barrier::new(2));
    let opened = gate.clone();
    let server = Server::start(0, move |seen| {
        opened.wait();
        vec![outside::addresses(&seen.message, 0, &[USUAL])]
    });
    let world = world(server.port);
    let names = usual_names();
    let ports: Vec<u16> = (0..4).map(|_| world.sandbox(&names, from_host(&[server.address])).1.udp).collect();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..20)
            .map(|n| {
                let port = ports[n % ports.len()];
                scope.spawn(move || ask(port, "x.example", RecordType::A))
            })
            .collect();
        let end = Instant::now() + client::PATIENCE;
        while world.resolver.metrics().forwarded < 20 {
            assert!(Instant::now() < end);
            std::thread::yield_now();
        }
        gate.wait();
        clients.into_iter().for_each(|client| assert_eq!(addresses(&client.join().unwrap()), [IpAddr::V4(USUAL)]));
    });
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_sandbox_with_too_many_on_their_way_is_refused_and_others_are_not() {
    let mute = outside::silent(0);
    let settings = Settings { upstream_port: mute.port, forwards_per_sandbox: 8, ..Settings::default() };
    let world = World::new(settings);
    let (_, flooding) = world.sandbox(&usual_names(), from_host(&[mute.address]));
    let (_, quiet) = world.sandbox(&usual_names(), from_host(&[]));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(client::PATIENCE)).unwrap();
    for number in 0..12 {
        let asked = query(&format!("x{number}.example"), RecordType::A).to_vec().unwrap();
        socket.send_to(&asked, ("127.0.0.11", flooding.udp)).unwrap();
    }
    let mut buffer = [0; 512];
    for _ in 0..4 {
        let length = socket.recv(&mut buffer).unwrap();
        assert_eq!(code(&Message::from_vec(&buffer[..length]).unwrap()), ResponseCode::Refused);
    }
    assert_eq!(
        addresses(&ask(flooding.udp, "web", RecordType::A)),
        [ip("10.0.0.2")],
        "names of ours need no way outside"
    );
    assert_eq!(code(&ask(quiet.udp, "x.example", RecordType::A)), ResponseCode::ServFail);
    for _ in 0..8 {
        let length = socket.recv(&mut buffer).unwrap();
        assert_eq!(code(&Message::from_vec(&buffer[..length]).unwrap()), ResponseCode::ServFail);
    }
    assert_eq!((world.resolver.metrics().refused, world.resolver.metrics().failed), (4, 9));
}

#[test]
fn only_the_server_that_was_asked_can_answer_and_only_what_was_asked() {
    let (world, server, port) = asking(|seen| {
        let right = outside::addresses(&seen.message, 60, &[USUAL]);
        let forged = outside::addresses(&seen.message, 60, &[std::net::Ipv4Addr::new(6, 6, 6, 6)]);
        let mut other_id = forged.clone();
        other_id[1] ^= 1;
        let mut other_question = forged.clone();
        other_question[13] ^= 1;
        let mut a_query = forged.clone();
        a_query[2] &= 0x7f;
        let stranger = UdpSocket::bind((outside::own_address(), 0)).unwrap();
        stranger.send_to(&forged, seen.from).unwrap();
        vec![other_id, other_question, a_query, forged[..20].to_vec(), Vec::new(), right]
    });
    assert_eq!(addresses(&ask(port, "x.example", RecordType::A)), [IpAddr::V4(USUAL)]);
    assert_eq!(world.resolver.metrics().answers_discarded, 5);
    (0..40).for_each(|n| drop(ask(port, &format!("x{n}.example"), RecordType::A)));
    let seen = server.seen();
    let ids: BTreeSet<u16> = seen.iter().map(|seen| seen.message.metadata.id).collect();
    let ports: BTreeSet<u16> = seen.iter().map(|seen| seen.from.port()).collect();
    assert!(ids.len() > 35 && ports.len() > 35, "{} ids, {} ports", ids.len(), ports.len());
}

#[test]
fn a_sandbox_without_a_way_out_sends_nothing_to_the_hosts_servers() {
    let server = usual(0);
    let world = world(server.port);
    let internal = Upstreams { forward_host: false, ..from_host(&[server.address]) };
    let (id, ports) = world.sandbox(&usual_names(), internal.clone());
    for kind in [RecordType::A, RecordType::TXT, RecordType::PTR, RecordType::Unknown(4711)] {
        assert_eq!(code(&ask(ports.udp, "secret.example", kind)), ResponseCode::ServFail);
        assert_eq!(code(&client::tcp(ports.tcp, &query("secret.example", kind))), ResponseCode::ServFail);
    }
    assert_eq!((server.seen().len(), world.sockets.asking_from(&Netns::Host)), (0, 0));
    // Connected to a network with a way out, and disconnected again: what was learnt meanwhile is not told afterwards.
    world.resolver.update(id, usual_names(), from_host(&[server.address]));
    assert_eq!(addresses(&ask(ports.udp, "secret.example", RecordType::A)), [IpAddr::V4(USUAL)]);
    world.resolver.update(id, usual_names(), internal);
    assert_eq!(code(&ask(ports.udp, "secret.example", RecordType::A)), ResponseCode::ServFail);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn servers_given_by_the_user_are_asked_from_inside_even_without_a_way_out() {
    let server = usual(0);
    let world = world(server.port);
    let (first, ports) = world.sandbox(&usual_names(), from_sandbox(&[server.address]));
    let (second, others) = world.sandbox(&usual_names(), from_sandbox(&[server.address]));
    for port in [ports.udp, others.udp, ports.udp, others.udp] {
        assert_eq!(addresses(&ask(port, "x.example", RecordType::A)), [IpAddr::V4(USUAL)]);
    }
    // The same address inside two sandboxes may be two servers: each sandbox asked its own, and kept its own answer.
    assert_eq!(server.seen().len(), 2);
    let from = |id| world.sockets.asking_from(&namespace(id));
    assert_eq!((from(first), from(second), world.sockets.asking_from(&Netns::Host)), (1, 1, 0));
}

#[test]
fn sandboxes_with_the_same_servers_of_the_host_share_what_is_kept() {
    let server = usual(0);
    let world = world(server.port);
    let ports: Vec<u16> = (0..3).map(|_| world.sandbox(&usual_names(), from_host(&[server.address])).1.udp).collect();
    ports.iter().for_each(|port| drop(ask(*port, "x.example", RecordType::A)));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn servers_are_reached_over_ipv6() {
    let server = Server::at(ip("::1"), 0, |seen| vec![outside::addresses(&seen.message, 60, &[USUAL])]);
    let world = world(server.port);
    let (_, ports) = world.sandbox(&usual_names(), from_host(&[server.address]));
    assert_eq!(addresses(&ask(ports.udp, "x.example", RecordType::A)), [IpAddr::V4(USUAL)]);
}

#[test]
fn a_changed_list_of_servers_is_followed_at_once() {
    let first = usual(0);
    let second = Server::start(first.port, |seen| {
        vec![outside::addresses(&seen.message, 60, &[std::net::Ipv4Addr::new(192, 0, 2, 81)])]
    });
    let world = world(first.port);
    let (id, ports) = world.sandbox(&usual_names(), from_host(&[first.address]));
    assert_eq!(addresses(&ask(ports.udp, "x.example", RecordType::A)), [IpAddr::V4(USUAL)]);
    world.resolver.update(id, usual_names(), from_host(&[second.address]));
    assert_eq!(addresses(&ask(ports.udp, "x.example", RecordType::A)), [ip("192.0.2.81")]);
}

#[test]
fn unknown_single_labels_stay_inside_when_ndots_is_set() {
    let server = usual(0);
    let world = world(server.port);
    let upstreams = Upstreams { ndots_set: true, ..from_host(&[server.address]) };
    let (_, ports) = world.sandbox(&usual_names(), upstreams);
    let reply = ask(ports.udp, "nobody", RecordType::A);
    assert_eq!((code(&reply), reply.answers.len(), server.seen().len()), (ResponseCode::NoError, 0, 0));
    assert_eq!(addresses(&ask(ports.udp, "nobody.example", RecordType::A)), [IpAddr::V4(USUAL)]);
}

#[test]
fn an_address_that_the_outside_gives_the_same_name_is_left_to_the_outside() {
    let server = Server::start(0, |seen| {
        let mut reply = reply_to(&seen.message);
        let asked = seen.message.queries[0].name().clone();
        let real = client::name_of("nas.lan");
        match seen.message.queries[0].query_type() {
            RecordType::PTR => {
                let target = hickory_proto::rr::rdata::PTR(real);
                reply.add_answer(Record::from_rdata(asked, 60, RData::PTR(target)));
            }
            _ => {
                let alias = hickory_proto::rr::rdata::CNAME(real.clone());
                reply.add_answer(Record::from_rdata(asked, 60, RData::CNAME(alias)));
                let address = hickory_proto::rr::rdata::A::new(10, 0, 0, 7);
                reply.add_answer(Record::from_rdata(real, 60, RData::A(address)));
            }
        }
        vec![reply.to_vec().unwrap()]
    });
    let world = world(server.port);
    let names = sees(vec![support::network("lan", &[(&["nas.lan"], &["10.0.0.7"])])]);
    let (_, ports) = world.sandbox(&names, from_host(&[server.address]));
    let name = || pointers(&ask(ports.udp, "7.0.0.10.in-addr.arpa", RecordType::PTR));
    assert_eq!(name(), ["nas.lan.lan."]);
    ask(ports.udp, "files.lan", RecordType::A);
    assert_eq!(name(), ["nas.lan."]);
}

#[test]
fn a_lost_datagram_is_sent_again() {
    let count = AtomicU64::new(0);
    let (_world, server, port) = asking(move |seen| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Vec::new(),
        _ => vec![outside::addresses(&seen.message, 60, &[USUAL])],
    });
    let reply = try_udp(port, &query("x.example", RecordType::A), Duration::from_millis(3500));
    assert_eq!(addresses(&reply.expect("before the server's time is over")), [IpAddr::V4(USUAL)]);
    assert_eq!(server.seen().len(), 2);
}
