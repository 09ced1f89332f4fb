//! Tracked connections.
#![allow(clippy::unwrap_used)]

mod world;

use pontoon_kernel::{FlowFilter, FlowKey, Kernel, Netns, Sockets};
use pontoon_linux::Linux;
use pontoon_types::{PortRange, Protocol};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;
use world::{command, world};

/// Has the world's namespace track connections, and redirect ports 8053 to 5353.
fn tracking() {
    command(
        "nft 'add table inet t
        add chain inet t out { type nat hook output priority -100; }
        add rule inet t out udp dport 8053 redirect to 5353
        add rule inet t out tcp dport 8053 redirect to 5353
        add chain inet t in { type filter hook input priority 0; }
        add rule inet t in ct state new accept'",
    );
}

fn send(from: &str, to: &str) -> SocketAddr {
    let socket = UdpSocket::bind(from).unwrap();
    socket.send_to(b"x", to).unwrap();
    socket.local_addr().unwrap()
}

fn count(linux: &Linux) -> usize {
    let count = linux.sysctl(&Netns::Host, "net/netfilter/nf_conntrack_count").unwrap().unwrap();
    count.parse().unwrap()
}

fn address(text: &str) -> FlowFilter {
    FlowFilter::Address(text.parse().unwrap())
}

fn port(protocol: Protocol, at: &str, start: u16, end: u16) -> FlowFilter {
    FlowFilter::HostPort { protocol, address: at.parse().unwrap(), ports: PortRange { start, end } }
}

#[test]
fn flows_of_an_address_are_forgotten_and_no_others() {
    world(|linux, _| {
        tracking();
        let _quiet = [UdpSocket::bind("0.0.0.0:53").unwrap(), UdpSocket::bind("[::1]:53").unwrap()];
        assert_eq!(linux.forget_flows(&[address("127.0.0.5")]).unwrap(), 0);
        send("127.0.0.5:0", "127.0.0.1:53");
        send("127.0.0.1:0", "127.0.0.5:53");
        send("127.0.0.6:0", "127.0.0.1:53");
        send("[::1]:0", "[::1]:53");
        assert_eq!(count(linux), 4);
        assert_eq!(linux.forget_flows(&[]).unwrap(), 0);
        assert_eq!(linux.forget_flows(&[address("127.0.0.7"), address("fd00::1")]).unwrap(), 0);
        assert_eq!(linux.forget_flows(&[address("127.0.0.5")]).unwrap(), 2);
        assert_eq!(count(linux), 2);
        assert_eq!(linux.forget_flows(&[address("127.0.0.6"), address("::1")]).unwrap(), 2);
        assert_eq!(count(linux), 0);
    });
}

#[test]
fn the_address_behind_a_translation_counts_too() {
    world(|linux, _| {
        command("nft 'add table inet t; add chain inet t out { type nat hook output priority -100; }'");
        command("nft 'add rule inet t out udp dport 53 dnat ip to 127.0.0.9:5353'");
        let _quiet = UdpSocket::bind("127.0.0.9:5353").unwrap();
        send("127.0.0.1:0", "127.0.0.2:53");
        assert_eq!(linux.forget_flows(&[address("127.0.0.9")]).unwrap(), 1);
        assert_eq!(count(linux), 0);
    });
}

#[test]
fn flows_to_host_ports_are_forgotten_by_protocol_address_and_range() {
    world(|linux, _| {
        tracking();
        let _quiet = [5353, 54, 55].map(|port| UdpSocket::bind(("0.0.0.0", port)).unwrap());
        for to in ["127.0.0.1:8053", "127.0.0.1:54", "127.0.0.2:54", "127.0.0.1:55"] {
            send("127.0.0.1:0", to);
        }
        for (filter, wanted) in [
            (port(Protocol::Tcp, "0.0.0.0", 1, 65_535), 0),
            (port(Protocol::Udp, "::", 1, 65_535), 0),
            // Where a redirected packet arrives is not what its sender asked for.
            (port(Protocol::Udp, "0.0.0.0", 5353, 5353), 0),
            (port(Protocol::Udp, "0.0.0.0", 8000, 8099), 1),
            (port(Protocol::Udp, "127.0.0.2", 54, 55), 1),
            (port(Protocol::Udp, "0.0.0.0", 54, 55), 2),
        ] {
            assert_eq!(linux.forget_flows(std::slice::from_ref(&filter)).unwrap(), wanted, "{filter:?}");
        }
    });
}

#[test]
fn a_single_port_is_of_one_family() {
    world(|linux, _| {
        tracking();
        let _quiet = [UdpSocket::bind("127.0.0.1:53").unwrap(), UdpSocket::bind("[::1]:53").unwrap()];
        for (first, second) in [("0.0.0.0", "::"), ("::", "0.0.0.0"), ("127.0.0.1", "::1"), ("::1", "127.0.0.1")] {
            send("127.0.0.1:0", "127.0.0.1:53");
            send("[::1]:0", "[::1]:53");
            for at in [first, second] {
                assert_eq!(linux.forget_flows(&[port(Protocol::Tcp, at, 53, 53)]).unwrap(), 0, "{at}");
                assert_eq!(linux.forget_flows(&[port(Protocol::Udp, at, 53, 53)]).unwrap(), 1, "{at}");
            }
        }
    });
}

#[test]
fn many_filters_at_once_are_served_by_one_listing() {
    world(|linux, _| {
        tracking();
        let _quiet = UdpSocket::bind("0.0.0.0:53").unwrap();
        let all: Vec<_> = (1..=50).map(|number| address(&format!("127.0.0.{number}"))).collect();
        for number in 1..=60 {
            send(&format!("127.0.0.{number}:0"), "127.0.1.1:53");
        }
        assert_eq!(linux.forget_flows(&all).unwrap(), 50);
        assert_eq!(linux.forget_flows(&[port(Protocol::Udp, "127.0.1.1", 1, 1000)]).unwrap(), 10);
        assert_eq!(count(linux), 0);
    });
}

#[test]
fn forgetting_survives_a_table_that_changes_meanwhile() {
    world(|linux, _| {
        tracking();
        let _quiet = UdpSocket::bind("127.0.0.1:53").unwrap();
        for _ in 0..3000 {
            send("127.0.0.5:0", "127.0.0.1:53");
        }
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let busy = scope.spawn(|| {
                // At least once, however quick the other side is.
                loop {
                    send("127.0.0.6:0", "127.0.0.1:53");
                    if done.load(std::sync::atomic::Ordering::Relaxed) {
                        break;
                    }
                }
            });
            let outcome = linux.forget_flows(&[address("127.0.0.5")]);
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            busy.join().unwrap();
            outcome.unwrap();
        });
        assert_eq!(linux.forget_flows(&[address("127.0.0.5")]).unwrap(), 0);
        assert!(count(linux) > 0);
    });
}

#[test]
fn the_original_destination_of_a_redirected_datagram_is_found_by_its_reply() {
    world(|linux, _| {
        tracking();
        for (here, quiet) in [("127.0.0.1", "0.0.0.0:5353"), ("::1", "[::]:5353")] {
            let address: IpAddr = here.parse().unwrap();
            let server = UdpSocket::bind(quiet).unwrap();
            let asked = SocketAddr::new(address, 8053);
            let client = send(&SocketAddr::new(address, 0).to_string(), &asked.to_string());
            let reply =
                FlowKey { protocol: Protocol::Udp, source: SocketAddr::new(address, 5353), destination: client };
            assert_eq!(linux.original_destination(&reply).unwrap(), Some(asked), "{here}");
            let other = FlowKey { destination: SocketAddr::new(address, 1), ..reply };
            assert_eq!(linux.original_destination(&other).unwrap(), None);
            let wrong = FlowKey { protocol: Protocol::Tcp, ..reply };
            assert_eq!(linux.original_destination(&wrong).unwrap(), None);
            drop(server);
        }
        let mixed = FlowKey {
            protocol: Protocol::Udp,
            source: "127.0.0.1:1".parse().unwrap(),
            destination: "[::1]:1".parse().unwrap(),
        };
        assert_eq!(linux.original_destination(&mixed).unwrap(), None);
    });
}

#[test]
fn the_original_destination_of_a_redirected_connection_is_found() {
    world(|linux, _| {
        tracking();
        for here in ["127.0.0.1", "::1"] {
            let address: IpAddr = here.parse().unwrap();
            let listener = linux.tcp_listener(&Netns::Host, SocketAddr::new(address, 5353)).unwrap();
            listener.set_nonblocking(false).unwrap();
            let asked = SocketAddr::new(address, 8053);
            let client = linux.tcp_connect(&Netns::Host, asked, Duration::from_secs(2)).unwrap();
            let (server, _) = listener.accept().unwrap();
            assert_eq!(linux.tcp_original_destination(&server).unwrap(), asked);
            drop(client);
        }
    });
}
