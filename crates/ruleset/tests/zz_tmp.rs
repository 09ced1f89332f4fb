mod support;
use support::socket::{ask, Tcp, Udp};
use support::world::*;
use pontoon_types::Protocol;
#[test]
fn tmp() {
    for hooks in [false, true] {
    let w = World::new(hooks);
    w.publish(&[mapping(Protocol::Tcp, "0.0.0.0", "8080", "10.1.0.11", 80), mapping(Protocol::Tcp, "::", "8080", "fd01::11", 80)]);
    for _ in 0..3 { ask(&w.a2, Tcp, "192.0.2.1:8080").unwrap(); ask(&w.a2, Tcp, "[2001:db8::1]:8080").unwrap(); ask(&w.a1, Tcp, "192.0.2.1:8080").unwrap(); }
    eprintln!("{}", w.host.run(|| std::fs::read_to_string("/proc/thread-self/net/snmp").unwrap()).lines().filter(|l| l.starts_with("Icmp:")).collect::<Vec<_>>().join("\n"));
    eprintln!("{}", w.host.run(|| std::fs::read_to_string("/proc/thread-self/net/snmp6").unwrap()).lines().filter(|l| l.contains("Redirects")).collect::<Vec<_>>().join("\n"));
    eprintln!("{}", w.a2.command("ip", "route get 192.0.2.1"));
    eprintln!("{}", w.a2.command("ip", "-6 route get 2001:db8::1"));
    let _ = Udp;
    }
}
