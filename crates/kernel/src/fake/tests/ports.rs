//! Ports, flows and sockets.

use super::*;
use crate::fake::Flow;
use crate::{FlowFilter, FlowKey, Kind, Reservation, Sockets};
use pontoon_types::{PortRange, Protocol};
use std::io::{Read, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

fn wish(protocol: Protocol, address: &str, start: u16, end: u16) -> Reservation {
    Reservation { protocol, address: address.parse().unwrap(), ports: PortRange { start, end } }
}

fn tcp(address: &str, start: u16, end: u16) -> Reservation {
    wish(Protocol::Tcp, address, start, end)
}

#[test]
fn a_port_is_held_by_one_and_free_again_when_let_go() {
    let host = FakeHost::new();
    let before = host.snapshot();
    let held = host.reserve(&tcp("0.0.0.0", 80, 90)).unwrap();
    assert_eq!(held.reservation(), &tcp("0.0.0.0", 80, 90));
    let error = host.reserve(&tcp("192.0.2.2", 85, 100)).unwrap_err();
    assert_eq!(error.kind, Kind::Busy);
    assert_eq!(error.to_string(), "failed to bind host port 192.0.2.2:85/tcp: address already in use");
    drop(held);
    assert_eq!(host.snapshot(), before);
    host.reserve(&tcp("192.0.2.2", 85, 100)).unwrap();
}

#[test]
fn several_reservations_are_all_made_or_none() {
    let host = FakeHost::new();
    host.occupy(tcp("::", 82, 82));
    let before = host.snapshot();
    let wishes = [tcp("::", 80, 80), tcp("::", 81, 81), tcp("::", 82, 82)];
    assert_eq!(host.reserve_all(&wishes).unwrap_err().act, "failed to bind host port [::]:82/tcp");
    assert_eq!(host.snapshot(), before);
    assert_eq!(host.reserve_all(&[tcp("::", 80, 80), tcp("::", 80, 80)]).unwrap_err().kind, Kind::Busy);
    assert_eq!(host.snapshot(), before);
    let held = host.reserve_all(&wishes[..2]).unwrap();
    assert_eq!(held.iter().map(|held| held.reservation().clone()).collect::<Vec<_>>(), wishes[..2]);
    drop(held);
    assert_eq!(host.snapshot(), before);
}

#[test]
fn protocols_families_and_addresses_are_apart() {
    let host = FakeHost::new();
    let kept: Vec<_> = [
        tcp("0.0.0.0", 80, 80),
        wish(Protocol::Udp, "0.0.0.0", 80, 80),
        wish(Protocol::Sctp, "0.0.0.0", 80, 80),
        tcp("::", 80, 80),
        tcp("127.0.0.1", 81, 81),
        tcp("127.0.0.2", 81, 81),
        tcp("192.0.2.2", 81, 81),
        tcp("::1", 81, 81),
        tcp("2001:db8::2", 81, 81),
    ]
    .iter()
    .map(|wish| host.reserve(wish).unwrap())
    .collect();
    assert_eq!(host.snapshot().ports.len(), kept.len());
    for taken in [tcp("::", 80, 80), tcp("::", 70, 90), tcp("0.0.0.0", 81, 81), tcp("127.0.0.1", 80, 80)] {
        assert_eq!(host.reserve(&taken).unwrap_err().kind, Kind::Busy, "{taken:?}");
    }
}

#[test]
fn an_address_that_the_host_does_not_have_cannot_be_bound() {
    let host = FakeHost::new();
    for address in ["198.51.100.1", "2001:db8::3"] {
        assert_eq!(host.reserve(&tcp(address, 80, 80)).unwrap_err().kind, Kind::NotAvailable);
    }
    host.apply(&Netns::Host, &[Op::AddAddress(name("eth0"), net("198.51.100.1/24"))]).unwrap();
    host.reserve(&tcp("198.51.100.1", 80, 80)).unwrap();
}

#[test]
fn another_program_holds_its_ports_until_it_lets_go() {
    let host = FakeHost::new();
    host.occupy(tcp("::", 8080, 8080));
    let error = host.reserve(&tcp("::", 8000, 8100)).unwrap_err();
    assert_eq!(error.act, "failed to bind host port [::]:8080/tcp");
    assert_eq!(host.tcp_listener(&Netns::Host, "[::1]:8080".parse().unwrap()).unwrap_err().kind, Kind::Busy);
    host.vacate(&tcp("::", 8080, 8080));
    host.reserve(&tcp("::", 8000, 8100)).unwrap();
}

fn flow(from: &str, to: &str, container: &str) -> Flow {
    let key = |source: &str, destination: &str| FlowKey {
        protocol: Protocol::Udp,
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
    };
    Flow { original: key(from, to), reply: key(container, from) }
}

#[test]
fn flows_are_forgotten_by_address_and_by_host_port() {
    let flows = [
        flow("198.51.100.7:1000", "192.0.2.2:53", "10.0.0.2:5353"),
        flow("198.51.100.7:1000", "192.0.2.9:53", "10.0.0.3:5353"),
        flow("[2001:db8::7]:1000", "[2001:db8::2]:53", "[fd00::2]:5353"),
    ];
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let port = |protocol, address, port| FlowFilter::HostPort {
        protocol,
        address: ip(address),
        ports: PortRange::single(port),
    };
    let cases = [
        (vec![FlowFilter::Address(ip("10.0.0.2"))], 1),
        (vec![FlowFilter::Address(ip("198.51.100.7"))], 2),
        (vec![port(Protocol::Udp, "0.0.0.0", 53)], 2),
        (vec![port(Protocol::Udp, "::", 53)], 1),
        (vec![port(Protocol::Udp, "192.0.2.2", 53)], 1),
        (vec![port(Protocol::Tcp, "0.0.0.0", 53)], 0),
        (vec![port(Protocol::Udp, "0.0.0.0", 54)], 0),
        (vec![], 0),
    ];
    for (filters, gone) in cases {
        let host = FakeHost::new();
        flows.iter().for_each(|flow| host.track(*flow));
        assert_eq!(host.forget_flows(&filters).unwrap(), gone, "{filters:?}");
        assert_eq!(host.snapshot().flows.len(), flows.len() - gone);
        assert_eq!(host.writes().len(), usize::from(gone > 0));
    }
}

#[test]
fn the_first_destination_is_found_by_the_answers() {
    let host = FakeHost::new();
    let tracked = flow("198.51.100.7:1000", "192.0.2.2:53", "10.0.0.2:5353");
    host.track(tracked);
    let first = host.original_destination(&tracked.reply).unwrap();
    assert_eq!(first, Some("192.0.2.2:53".parse().unwrap()));
    assert_eq!(host.original_destination(&tracked.original).unwrap(), None);
}

#[test]
fn sockets_are_real_and_reached_by_the_address_that_was_asked_for() {
    let (host, sandbox) = joined();
    let asked: SocketAddr = "127.0.0.11:53".parse().unwrap();
    let listener = host.tcp_listener(&sandbox, asked).unwrap();
    let claim = host.claims()[0];
    assert_eq!((claim.asked, claim.real), (asked, listener.local_addr().unwrap()));
    let timeout = Duration::from_secs(5);
    assert!(host.tcp_connect(&Netns::Host, asked, timeout).is_err(), "another namespace");
    let client = host.tcp_connect(&sandbox, asked, timeout).unwrap();
    client.set_nonblocking(false).unwrap();
    listener.set_nonblocking(false).unwrap();
    let (mut served, _) = listener.accept().unwrap();
    (&client).write_all(b"x").unwrap();
    served.read_exact(&mut [0]).unwrap();
}

#[test]
fn a_redirected_client_has_its_first_destination() {
    let host = FakeHost::new();
    let listener = host.tcp_listener(&Netns::Host, "[::]:0".parse().unwrap()).unwrap();
    listener.set_nonblocking(false).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (served, _) = listener.accept().unwrap();
    assert_eq!(host.tcp_original_destination(&served).unwrap_err().kind, Kind::NotFound);
    let first: SocketAddr = "[2001:db8::2]:80".parse().unwrap();
    host.redirect(client.local_addr().unwrap(), first);
    assert_eq!(host.tcp_original_destination(&served).unwrap(), first);
}
