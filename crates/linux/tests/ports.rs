//! Reserved host ports, and sockets opened inside namespaces.
#![allow(clippy::unwrap_used)]

mod world;

use pontoon_kernel::{Kernel, Kind, Netns, Reservation, Sockets};
use pontoon_types::{PortRange, Protocol};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;
use world::{command, eventually, inside, world};

const HOST: Netns = Netns::Host;

fn run(protocol: Protocol, address: &str, start: u16, end: u16) -> Reservation {
    Reservation { protocol, address: address.parse().unwrap(), ports: PortRange { start, end } }
}

fn one(protocol: Protocol, address: &str, port: u16) -> Reservation {
    run(protocol, address, port, port)
}

fn socket(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), port)
}

/// Whether another program could take the port now; tried as a server would, with `SO_REUSEADDR`.
fn is_free(linux: &pontoon_linux::Linux, protocol: Protocol, address: &str, port: u16) -> bool {
    match protocol {
        Protocol::Tcp => linux.tcp_listener(&HOST, socket(address, port)).is_ok(),
        _ => linux.udp(&HOST, socket(address, port)).is_ok(),
    }
}

#[test]
fn a_reserved_port_cannot_be_bound_by_anyone_and_is_free_afterwards() {
    world(|linux, _| {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            for (address, other) in
                [("0.0.0.0", "::"), ("::", "0.0.0.0"), ("127.0.0.1", "127.0.0.2"), ("::1", "0.0.0.0")]
            {
                let held = linux.reserve(&one(protocol, address, 8080)).unwrap();
                assert_eq!(held.reservation(), &one(protocol, address, 8080));
                assert!(!is_free(linux, protocol, address, 8080), "{address}/{protocol}");
                let loopback = if address.contains(':') { "::1" } else { "127.0.0.1" };
                assert!(!is_free(linux, protocol, loopback, 8080), "{address}/{protocol}");
                assert!(is_free(linux, protocol, other, 8080), "{address} and {other}/{protocol}");
                assert!(is_free(linux, protocol, address, 8081));
                drop(held);
                assert!(is_free(linux, protocol, address, 8080), "{address}/{protocol}");
            }
        }
    });
}

#[test]
fn the_error_for_a_taken_port_is_dockers() {
    world(|linux, _| {
        let listener = TcpListener::bind("0.0.0.0:80").unwrap();
        let datagrams = UdpSocket::bind("[::1]:53").unwrap();
        let error = linux.reserve(&one(Protocol::Tcp, "0.0.0.0", 80)).unwrap_err();
        assert_eq!(error.kind, Kind::Busy);
        assert_eq!(error.to_string(), "failed to bind host port 0.0.0.0:80/tcp: address already in use");
        let error = linux.reserve(&one(Protocol::Udp, "::", 53)).unwrap_err();
        assert_eq!(error.kind, Kind::Busy);
        assert_eq!(error.to_string(), "failed to bind host port [::]:53/udp: address already in use");
        let error = linux.reserve(&one(Protocol::Tcp, "198.51.100.1", 80)).unwrap_err();
        assert_eq!(error.kind, Kind::NotAvailable);
        assert_eq!(error.to_string(), "failed to bind host port 198.51.100.1:80/tcp: cannot assign requested address");
        drop((listener, datagrams));
    });
}

#[test]
fn the_first_taken_port_is_named_and_nothing_is_kept() {
    world(|linux, _| {
        for (start, end) in [(8000, 8010), (20_000, 29_999)] {
            let taken = [end - 1, start + 7].map(|port| UdpSocket::bind(("0.0.0.0", port)).unwrap());
            let error = linux.reserve(&run(Protocol::Udp, "0.0.0.0", start, end)).unwrap_err();
            assert_eq!(error.act, format!("failed to bind host port 0.0.0.0:{}/udp", start + 7));
            drop(taken);
            // What it had taken before it failed is free again.
            drop(linux.reserve(&run(Protocol::Udp, "0.0.0.0", start, end)).unwrap());
        }
    });
}

#[test]
fn both_families_are_reserved_together_and_given_back_one_by_one() {
    world(|linux, _| {
        for (start, end) in [(8000, 8003), (20_000, 20_499)] {
            for protocol in [Protocol::Tcp, Protocol::Udp] {
                for first in [0, 1] {
                    let both = [run(protocol, "0.0.0.0", start, end), run(protocol, "::", start, end)];
                    let mut held = linux.reserve_all(&both).unwrap();
                    assert_eq!(held.iter().map(|held| held.reservation().clone()).collect::<Vec<_>>(), both);
                    for address in ["0.0.0.0", "::", "127.0.0.1", "::1"] {
                        assert!(!is_free(linux, protocol, address, start), "{address}/{protocol}");
                    }
                    drop(held.remove(first));
                    let (free, kept) = if first == 0 { ("0.0.0.0", "::") } else { ("::", "0.0.0.0") };
                    for port in [start, end] {
                        eventually(|| is_free(linux, protocol, free, port));
                        assert!(!is_free(linux, protocol, kept, port), "{kept} {port}/{protocol}");
                    }
                    let again = linux.reserve(&run(protocol, free, start, end)).unwrap();
                    assert_eq!(linux.reserve(&run(protocol, kept, start, end)).unwrap_err().kind, Kind::Busy);
                    drop((held, again));
                    drop(linux.reserve_all(&both).unwrap());
                }
            }
        }
    });
}

#[test]
fn both_families_are_reserved_whatever_the_host_lets_new_sockets_take_along() {
    world(|linux, _| {
        for (setting, start, end) in [("0", 2000, 2000), ("1", 2000, 2000), ("0", 3000, 3100), ("1", 3000, 3100)] {
            command(&format!("echo {setting} > /proc/sys/net/ipv6/bindv6only"));
            for protocol in [Protocol::Tcp, Protocol::Udp] {
                let wanted = [run(protocol, "0.0.0.0", start, end), run(protocol, "::", start, end)];
                let held = linux.reserve_all(&wanted).unwrap();
                for address in ["0.0.0.0", "127.0.0.1", "::", "::1"] {
                    assert!(!is_free(linux, protocol, address, end), "{setting}: {protocol} {address}");
                }
                drop(held);
                linux.reserve_all(&wanted).unwrap();
            }
        }
    });
}

#[test]
fn one_taken_family_fails_both_and_the_other_order_names_it_too() {
    world(|linux, _| {
        let taken = linux.tcp_listener(&HOST, socket("::", 8080)).unwrap();
        for order in [["0.0.0.0", "::"], ["::", "0.0.0.0"]] {
            let error = linux.reserve_all(&order.map(|address| one(Protocol::Tcp, address, 8080))).unwrap_err();
            assert_eq!(error.act, "failed to bind host port [::]:8080/tcp");
            assert!(is_free(linux, Protocol::Tcp, "0.0.0.0", 8080));
        }
        drop(taken);
    });
}

#[test]
fn a_released_run_can_be_reserved_again_at_once() {
    world(|linux, _| {
        for _ in 0..5 {
            drop(linux.reserve(&run(Protocol::Tcp, "0.0.0.0", 20_000, 24_999)).unwrap());
        }
    });
}

#[test]
fn a_long_run_uses_none_of_the_processs_descriptors() {
    world(|linux, _| {
        let open = || std::fs::read_dir("/proc/thread-self/fd").unwrap().count();
        let before = open();
        let held = linux.reserve(&run(Protocol::Udp, "::", 20_000, 29_999)).unwrap();
        assert!(open() < before + 10);
        for port in [20_000, 24_999, 25_000, 29_999] {
            assert!(!is_free(linux, Protocol::Udp, "::1", port));
        }
        drop(held);
        eventually(|| is_free(linux, Protocol::Udp, "::1", 29_999));
    });
}

#[test]
fn ended_connections_do_not_keep_a_port_but_a_listener_does() {
    world(|linux, _| {
        let listener = linux.tcp_listener(&HOST, socket("127.0.0.1", 8080)).unwrap();
        listener.set_nonblocking(false).unwrap();
        let client = TcpStream::connect("127.0.0.1:8080").unwrap();
        let (server, _) = listener.accept().unwrap();
        assert_eq!(linux.reserve(&one(Protocol::Tcp, "0.0.0.0", 8080)).unwrap_err().kind, Kind::Busy);
        drop(listener);
        // The server closes first, so that TIME-WAIT is on its side.
        drop(server);
        drop(client);
        eventually(|| command("ss -Htan").contains("TIME-WAIT"));
        let held = linux.reserve(&one(Protocol::Tcp, "0.0.0.0", 8080)).unwrap();
        assert!(!is_free(linux, Protocol::Tcp, "127.0.0.1", 8080));
        drop(held);
    });
}

#[test]
fn nothing_that_is_sent_to_a_reserved_port_is_kept_or_accepted() {
    world(|linux, _| {
        let held = [
            linux.reserve(&one(Protocol::Udp, "0.0.0.0", 5353)).unwrap(),
            linux.reserve(&one(Protocol::Tcp, "0.0.0.0", 5353)).unwrap(),
        ];
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..10 {
            client.send_to(&[0; 1000], "127.0.0.1:5353").unwrap();
        }
        let queued = command("ss -Hlun 'sport = 5353'");
        assert_eq!(queued.split_whitespace().nth(1), Some("0"), "{queued}");
        assert!(TcpStream::connect_timeout(&socket("127.0.0.1", 5353), Duration::from_secs(2)).is_err());
        drop(held);
    });
}

#[test]
fn sctp_ports_can_be_reserved_where_the_kernel_has_sctp_and_where_it_has_not() {
    world(|linux, _| {
        let held = linux.reserve(&run(Protocol::Sctp, "0.0.0.0", 7000, 7100)).unwrap();
        assert_eq!(held.reservation().protocol, Protocol::Sctp);
        drop(linux.reserve_all(&[one(Protocol::Sctp, "0.0.0.0", 80), one(Protocol::Sctp, "::", 80)]).unwrap());
    });
}

#[test]
fn sockets_belong_to_the_namespace_they_were_opened_in() {
    world(|linux, folder| {
        let ns = linux.create_netns(&folder.join("ns")).unwrap();
        for address in ["127.0.0.1", "::1"] {
            let listener = linux.tcp_listener(&ns, socket(address, 80)).unwrap();
            let name = listener.local_addr().unwrap();
            assert_eq!(name, socket(address, 80));
            assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
            assert_eq!(linux.tcp_listener(&ns, name).unwrap_err().kind, Kind::Busy);
            let error = linux.tcp_connect(&HOST, name, Duration::from_secs(2)).unwrap_err();
            assert_eq!(error.cause, "connection refused");
            let client = linux.tcp_connect(&ns, name, Duration::from_secs(2)).unwrap();
            assert_eq!(client.peer_addr().unwrap(), name);
            let (from, to) =
                (linux.udp(&ns, socket(address, 0)).unwrap(), linux.udp(&ns, socket(address, 53)).unwrap());
            from.send_to(b"hello", to.local_addr().unwrap()).unwrap();
            let mut buffer = [0; 10];
            assert_eq!(to.recv(&mut buffer).unwrap(), 5);
            assert_eq!(to.recv(&mut buffer).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
            drop(linux.udp(&HOST, socket(address, 53)).unwrap());
        }
        let error = linux.udp(&ns, socket("192.0.2.1", 53)).unwrap_err();
        assert_eq!(error.kind, Kind::NotAvailable);
        assert_eq!(error.act, "bind 192.0.2.1:53/udp");
        let both = (
            linux.tcp_listener(&ns, socket("::", 99)).unwrap(),
            linux.tcp_listener(&ns, socket("0.0.0.0", 99)).unwrap(),
        );
        drop(both);
    });
}

#[test]
fn a_connection_that_nobody_answers_is_given_up_in_time() {
    world(|linux, folder| {
        let path = folder.join("ns");
        let ns = linux.create_netns(&path).unwrap();
        inside(
            &path,
            "nft 'add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; }'",
        );
        let error = linux.tcp_connect(&ns, socket("127.0.0.1", 80), Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.cause, "connection timed out");
    });
}
