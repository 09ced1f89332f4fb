//! Flows over the loopback, with first destinations told by the test instead of a redirect.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says by panicking that it failed")]

use pontoon_forwarder::{Counters, Forwarder, Limits, Listening, Originals, Ports};
use pontoon_kernel::fake::FakeHost;
use pontoon_kernel::{FlowKey, Netns, Reservation, Sockets};
use pontoon_types::{PortMapping, PortRange, Protocol};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

const PUBLISHED: &str = "[2001:db8::2]:80";
const BOUND: Duration = Duration::from_secs(10);

/// Everybody wanted to go to the same place, or that is not known.
struct All(Option<SocketAddr>);

impl Originals for All {
    fn tcp(&self, _: &StdStream) -> pontoon_kernel::Result<SocketAddr> {
        let unknown =
            pontoon_kernel::Error::new(pontoon_kernel::Kind::NotFound, "look up", "no such file or directory");
        self.0.ok_or(unknown)
    }

    fn udp(&self, answers: &FlowKey) -> pontoon_kernel::Result<Option<SocketAddr>> {
        assert!(answers.source.ip().is_loopback(), "{answers:?}");
        Ok(self.0)
    }
}

fn mapping(protocol: Protocol, target: SocketAddr) -> PortMapping {
    PortMapping {
        protocol,
        host_ip: "::".parse().unwrap(),
        host: PortRange::single(80),
        container_ip: target.ip(),
        container_start: target.port(),
    }
}

fn start_with(original: Option<&str>, limits: Limits) -> Forwarder {
    let listening = Listening::open(&FakeHost::new(), None).unwrap();
    listening.start(Arc::new(All(original.map(|text| text.parse().unwrap()))), limits).unwrap()
}

fn start() -> Forwarder {
    start_with(Some(PUBLISHED), Limits::default())
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, future).await.expect("nothing happened")
}

async fn until(forwarder: &Forwarder, reached: impl Fn(Counters) -> bool) {
    within(async {
        while !reached(forwarder.counters()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn tcp_service(forwarder: &Forwarder) -> TcpListener {
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    forwarder.set(&mapping(Protocol::Tcp, service.local_addr().unwrap()));
    service
}

async fn udp_service(forwarder: &Forwarder) -> UdpSocket {
    let service = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    forwarder.set(&mapping(Protocol::Udp, service.local_addr().unwrap()));
    service
}

async fn tcp_client(forwarder: &Forwarder) -> TcpStream {
    within(TcpStream::connect(("::1", forwarder.ports().tcp))).await.unwrap()
}

async fn udp_client(forwarder: &Forwarder) -> UdpSocket {
    let client = UdpSocket::bind("[::1]:0").await.unwrap();
    client.connect(("::1", forwarder.ports().udp)).await.unwrap();
    client
}

async fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 70_000];
    let (length, from) = within(socket.recv_from(&mut buffer)).await.unwrap();
    buffer.truncate(length);
    (buffer, from)
}

#[tokio::test]
async fn a_connection_is_carried_with_half_closes_in_both_directions() {
    let forwarder = start();
    let service = tcp_service(&forwarder).await;
    let mut client = tcp_client(&forwarder).await;
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    let (mut served, _) = within(service.accept()).await.unwrap();
    let mut text = String::new();
    within(served.read_to_string(&mut text)).await.unwrap();
    assert_eq!(text, "question");
    served.write_all(b"answer, after the client has ended").await.unwrap();
    drop(served);
    text.clear();
    within(client.read_to_string(&mut text)).await.unwrap();
    assert_eq!(text, "answer, after the client has ended");
    until(&forwarder, |counters| counters.tcp_open == 0).await;
    let counters = forwarder.counters();
    let wanted = Counters { tcp_total: 1, bytes_in: 8, bytes_out: text.len() as u64, ..Counters::default() };
    assert_eq!(counters, wanted);
}

#[tokio::test]
async fn much_data_arrives_whole_while_neither_side_waits_for_the_other() {
    let forwarder = start();
    let service = tcp_service(&forwarder).await;
    let data: Vec<u8> = (0..3_000_000u32).map(|i| i as u8).collect();
    let echo = tokio::spawn(async move {
        let (mut served, _) = service.accept().await.unwrap();
        let (mut reader, mut writer) = served.split();
        tokio::io::copy(&mut reader, &mut writer).await.unwrap();
    });
    let client = tcp_client(&forwarder).await;
    let (mut reader, mut writer) = client.into_split();
    let sent = data.clone();
    let sending = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut received = Vec::new();
    within(reader.read_to_end(&mut received)).await.unwrap();
    assert!(received == data);
    sending.await.unwrap();
    echo.await.unwrap();
}

#[tokio::test]
async fn a_sandbox_that_does_not_listen_closes_the_client() {
    let forwarder = start();
    let service = tcp_service(&forwarder).await;
    drop(service);
    let mut client = tcp_client(&forwarder).await;
    assert_eq!(within(client.read(&mut [0])).await.unwrap(), 0);
    until(&forwarder, |counters| counters.failed == 1 && counters.tcp_open == 0).await;
}

#[tokio::test]
async fn a_side_that_breaks_off_does_not_look_complete_to_the_other() {
    let forwarder = start();
    let service = tcp_service(&forwarder).await;
    let mut client = tcp_client(&forwarder).await;
    client.write_all(b"x").await.unwrap();
    let (served, _) = within(service.accept()).await.unwrap();
    socket2::SockRef::from(&served).set_linger(Some(Duration::ZERO)).unwrap();
    drop(served);
    let broken = within(client.read(&mut [0])).await.unwrap_err();
    assert_eq!(broken.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn what_is_not_published_is_turned_away() {
    for original in [Some("[2001:db8::2]:81"), Some("192.0.2.2:80"), None] {
        let forwarder = start_with(original, Limits::default());
        let _service = tcp_service(&forwarder).await;
        let service = udp_service(&forwarder).await;
        let mut client = tcp_client(&forwarder).await;
        assert_eq!(within(client.read(&mut [0])).await.unwrap(), 0, "{original:?}");
        udp_client(&forwarder).await.send(b"x").await.unwrap();
        until(&forwarder, |counters| counters.refused == 2).await;
        assert!(service.try_recv(&mut [0]).is_err());
        let counters = forwarder.counters();
        assert_eq!((counters.tcp_total, counters.udp_total), (0, 0));
    }
}

#[tokio::test]
async fn flows_end_when_their_port_is_published_no_longer_or_leads_elsewhere() {
    let forwarder = start();
    for replace in [false, true] {
        let tcp = tcp_service(&forwarder).await;
        let udp = udp_service(&forwarder).await;
        let mut client = tcp_client(&forwarder).await;
        within(tcp.accept()).await.unwrap();
        let asking = udp_client(&forwarder).await;
        asking.send(b"x").await.unwrap();
        let (_, from) = receive(&udp).await;
        if replace {
            let other = |protocol| mapping(protocol, "127.0.0.1:9".parse().unwrap());
            forwarder.replace(&[other(Protocol::Tcp), other(Protocol::Udp)]);
        } else {
            forwarder.remove(&mapping(Protocol::Tcp, tcp.local_addr().unwrap()));
            forwarder.change(&[], &[mapping(Protocol::Udp, udp.local_addr().unwrap())]);
        }
        assert_eq!(within(client.read(&mut [0])).await.unwrap_or(0), 0);
        until(&forwarder, |counters| counters.tcp_open + counters.udp_open == 0).await;
        // The old service's answers have nowhere to go: the socket they would come to is closed.
        udp.connect(from).await.unwrap();
        udp.send(b"late").await.unwrap();
        let refused = within(udp.recv(&mut [0; 8])).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_room_is_given_back() {
    let forwarder = start_with(Some(PUBLISHED), Limits { tcp: 1, ..Limits::default() });
    let service = tcp_service(&forwarder).await;
    let first = tcp_client(&forwarder).await;
    let (served, _) = within(service.accept()).await.unwrap();
    let mut second = tcp_client(&forwarder).await;
    assert_eq!(within(second.read(&mut [0])).await.unwrap_or(0), 0);
    assert_eq!(forwarder.counters().refused, 1);
    drop((first, served));
    until(&forwarder, |counters| counters.tcp_open == 0).await;
    let _third = tcp_client(&forwarder).await;
    within(service.accept()).await.unwrap();
}

#[tokio::test]
async fn datagrams_are_carried_both_ways_for_each_client_apart() {
    let forwarder = start();
    let service = udp_service(&forwarder).await;
    let (one, two) = (udp_client(&forwarder).await, udp_client(&forwarder).await);
    let mut seen = Vec::new();
    for (client, text) in [(&one, "one"), (&two, "two"), (&one, "one again")] {
        client.send(text.as_bytes()).await.unwrap();
        let (bytes, from) = receive(&service).await;
        assert_eq!(bytes, text.as_bytes());
        service.send_to(&bytes, from).await.unwrap();
        // A connected client only hears from the address it asked.
        assert_eq!(receive(client).await.0, text.as_bytes());
        seen.push(from);
    }
    assert_eq!(seen[0], seen[2]);
    assert_ne!(seen[0], seen[1]);
    let counters = forwarder.counters();
    assert_eq!((counters.udp_open, counters.bytes_in, counters.bytes_out), (2, 15, 15));
}

#[tokio::test]
async fn datagrams_that_come_before_the_first_is_looked_up_are_not_lost() {
    let forwarder = start();
    let service = udp_service(&forwarder).await;
    let client = udp_client(&forwarder).await;
    for i in 0..10u8 {
        client.send(&[i]).await.unwrap();
    }
    for i in 0..10u8 {
        assert_eq!(receive(&service).await.0, [i]);
    }
    assert_eq!(forwarder.counters().udp_total, 1);
}

#[tokio::test]
async fn datagrams_may_be_as_large_and_as_small_as_udp_lets_them() {
    let forwarder = start();
    let service = udp_service(&forwarder).await;
    let client = udp_client(&forwarder).await;
    for length in [65_507, 0, 1, 1472] {
        let data = vec![7; length];
        client.send(&data).await.unwrap();
        let (bytes, from) = receive(&service).await;
        assert_eq!(bytes.len(), length);
        service.send_to(&bytes, from).await.unwrap();
        assert_eq!(receive(&client).await.0, data);
    }
}

#[tokio::test]
async fn a_service_that_refuses_at_first_is_reached_when_it_is_up() {
    let forwarder = start();
    let service = udp_service(&forwarder).await;
    let address = service.local_addr().unwrap();
    drop(service);
    let client = udp_client(&forwarder).await;
    client.send(b"nobody there").await.unwrap();
    until(&forwarder, |counters| counters.bytes_in > 0).await;
    let service = UdpSocket::bind(address).await.unwrap();
    client.send(b"hello").await.unwrap();
    assert_eq!(receive(&service).await.0, b"hello");
    assert_eq!(forwarder.counters().udp_total, 1);
}

#[tokio::test]
async fn a_flow_without_datagrams_ends_and_a_later_one_begins_anew() {
    let forwarder = start_with(Some(PUBLISHED), Limits { udp_idle: Duration::from_millis(50), ..Limits::default() });
    let service = udp_service(&forwarder).await;
    let client = udp_client(&forwarder).await;
    for total in 1..=2 {
        client.send(b"x").await.unwrap();
        receive(&service).await;
        until(&forwarder, |counters| counters.udp_open == 0 && counters.udp_total == total).await;
    }
}

#[tokio::test]
async fn datagrams_of_clients_beyond_the_limit_are_dropped() {
    let forwarder = start_with(Some(PUBLISHED), Limits { udp: 1, ..Limits::default() });
    let service = udp_service(&forwarder).await;
    let (one, two) = (udp_client(&forwarder).await, udp_client(&forwarder).await);
    one.send(b"one").await.unwrap();
    receive(&service).await;
    two.send(b"two").await.unwrap();
    until(&forwarder, |counters| counters.refused == 1).await;
    one.send(b"one again").await.unwrap();
    assert_eq!(receive(&service).await.0, b"one again");
}

#[tokio::test]
async fn stopping_takes_nothing_new_waits_for_what_ends_and_breaks_the_rest() {
    let forwarder = start();
    let service = tcp_service(&forwarder).await;
    let mut client = tcp_client(&forwarder).await;
    let (served, _) = within(service.accept()).await.unwrap();
    let _stays = tcp_client(&forwarder).await;
    let _served = within(service.accept()).await.unwrap();
    drop(served);
    client.shutdown().await.unwrap();
    within(forwarder.stop(Duration::from_millis(200))).await;
    assert_eq!(within(client.read(&mut [0])).await.unwrap(), 0);
    assert_eq!(forwarder.counters().tcp_open, 0);
    assert!(TcpStream::connect(("::1", forwarder.ports().tcp)).await.is_err());
    within(forwarder.stop(Duration::ZERO)).await;
}

#[test]
fn the_wanted_ports_are_taken_and_others_where_somebody_has_them() {
    let host = FakeHost::new();
    let asked = || -> Vec<u16> { host.claims().iter().map(|claim| claim.asked.port()).collect() };
    Listening::open(&host, Some(Ports { tcp: 4000, udp: 4001 })).unwrap();
    assert_eq!(asked(), [4000, 4001]);
    let address = "::".parse().unwrap();
    host.occupy(Reservation { protocol: Protocol::Tcp, address, ports: PortRange::single(4000) });
    assert!(host.tcp_listener(&Netns::Host, "[::]:4000".parse().unwrap()).is_err());
    Listening::open(&host, Some(Ports { tcp: 4000, udp: 4001 })).unwrap();
    assert_eq!(asked()[2..], [0, 4001]);
}

#[test]
fn opening_says_what_failed_and_starting_needs_a_runtime() {
    let host = FakeHost::new();
    host.fail_on(2, pontoon_kernel::Kind::Exhausted);
    let error = Listening::open(&host, None).unwrap_err();
    assert_eq!(error.to_string(), "open the forwarder's UDP socket");
    let listening = Listening::open(&host, None).unwrap();
    assert!(listening.start(Arc::new(All(None)), Limits::default()).is_err());
}
