//! The table inside a sandbox leads 127.0.0.11:53 to the resolver, and disturbs nobody.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod support;

use pontoon_kernel::nft::Observed;
use pontoon_kernel::{Kernel, Netns};
use pontoon_linux::Linux;
use pontoon_ruleset::{dns_table, plan};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;
use support::Namespace;
use support::socket::{Tcp, Udp, ask, serve};

/// A sandbox whose resolver sends back what it is sent; its UDP and TCP ports.
fn sandbox() -> (Namespace, u16, u16) {
    let sandbox = Namespace::new();
    let (udp, tcp) =
        sandbox.run(|| (UdpSocket::bind("127.0.0.11:0").unwrap(), TcpListener::bind("127.0.0.11:0").unwrap()));
    let ports = (udp.local_addr().unwrap().port(), tcp.local_addr().unwrap().port());
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok((length, peer)) = udp.recv_from(&mut buffer) {
            udp.send_to(&buffer[..length], peer).unwrap();
        }
    });
    std::thread::spawn(move || {
        for mut stream in tcp.incoming().flatten() {
            let mut bytes = Vec::new();
            let _ = stream.read_to_end(&mut bytes);
            let _ = stream.write_all(&bytes);
        }
    });
    (sandbox, ports.0, ports.1)
}

fn observe(sandbox: &Namespace) -> Option<Observed> {
    sandbox.run(|| Linux::new().unwrap().table(&Netns::Host, &dns_table(1, 1).id).unwrap())
}

fn lead(sandbox: &Namespace, udp: u16, tcp: u16) {
    let transaction = plan(&dns_table(udp, tcp), observe(sandbox).as_ref());
    sandbox.run(|| Linux::new().unwrap().commit(&Netns::Host, &transaction).unwrap());
}

/// The answer to a datagram from an unconnected socket, which tells who answered.
fn datagram(sandbox: &Namespace, to: &str, bytes: &[u8]) -> std::io::Result<(Vec<u8>, String)> {
    sandbox.run(|| {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        socket.send_to(bytes, to)?;
        let mut buffer = vec![0; 65536];
        let (length, from) = socket.recv_from(&mut buffer)?;
        buffer.truncate(length);
        Ok((buffer, from.to_string()))
    })
}

fn stream(sandbox: &Namespace, to: &str, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    sandbox.run(|| {
        let mut stream = TcpStream::connect_timeout(&to.parse().unwrap(), Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(bytes)?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    })
}

#[test]
fn queries_and_answers_of_any_size_pass_and_come_from_port_53() {
    let (sandbox, udp, tcp) = sandbox();
    assert!(stream(&sandbox, "127.0.0.11:53", b"?").is_err(), "nothing is there without the table");
    lead(&sandbox, udp, tcp);
    for size in [1, 12, 512, 4096, 65507] {
        let bytes = vec![7; size];
        let (answer, from) = datagram(&sandbox, "127.0.0.11:53", &bytes).unwrap();
        assert_eq!((answer == bytes, from.as_str()), (true, "127.0.0.11:53"), "{size}");
    }
    for size in [1, 65535, 4 << 20] {
        let bytes = vec![7; size];
        assert!(stream(&sandbox, "127.0.0.11:53", &bytes).unwrap() == bytes, "{size}");
    }
}

#[test]
fn a_service_on_port_53_of_every_address_is_not_disturbed() {
    let (sandbox, udp, tcp) = sandbox();
    serve(&sandbox, "own", Udp, "0.0.0.0:53");
    serve(&sandbox, "own", Tcp, "0.0.0.0:53");
    lead(&sandbox, udp, tcp);
    for address in ["127.0.0.1:53", "127.0.0.12:53"] {
        for transport in [Udp, Tcp] {
            assert!(ask(&sandbox, transport, address).unwrap().starts_with("own sees 127."), "{address}");
        }
    }
    assert_eq!(datagram(&sandbox, "127.0.0.11:53", b"?").unwrap().0, b"?");
    assert_eq!(stream(&sandbox, "127.0.0.11:53", b"?").unwrap(), b"?");
}

#[test]
fn queries_are_not_tracked_even_where_connections_are() {
    let (sandbox, udp, tcp) = sandbox();
    lead(&sandbox, udp, tcp);
    // What a sandbox with rules of its own has.
    let own = "table ip own {\nchain c {\ntype nat hook output priority -100\n}\nchain f {\ntype filter hook output priority 0\nct state new accept\n}\n}\n";
    let output = sandbox.nft(own);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tracked = || sandbox.run(|| std::fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_count").unwrap());
    assert_eq!(datagram(&sandbox, "127.0.0.11:53", b"?").unwrap().0, b"?");
    assert_eq!(stream(&sandbox, "127.0.0.11:53", b"?").unwrap(), b"?");
    assert_eq!(tracked().trim(), "0");
    serve(&sandbox, "own", Udp, "127.0.0.1:54");
    ask(&sandbox, Udp, "127.0.0.1:54").unwrap();
    assert_eq!(tracked().trim(), "1", "tracking works there");
}

#[test]
fn a_resolver_that_starts_again_on_other_ports_is_found() {
    let (sandbox, udp, tcp) = sandbox();
    lead(&sandbox, 1, 2);
    assert!(stream(&sandbox, "127.0.0.11:53", b"?").is_err());
    lead(&sandbox, udp, tcp);
    assert_eq!(datagram(&sandbox, "127.0.0.11:53", b"?").unwrap().0, b"?");
    assert_eq!(stream(&sandbox, "127.0.0.11:53", b"?").unwrap(), b"?");
    let again = plan(&dns_table(udp, tcp), observe(&sandbox).as_ref());
    assert!(again.is_empty(), "{again}");
}
