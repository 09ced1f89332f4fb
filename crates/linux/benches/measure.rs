//! How long the kernel takes for what a request needs. Prints; asserts nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/world/mod.rs"]
mod world;

use ipnet::IpNet;
use pontoon_kernel::{Kernel, Netns, Op, Reservation, RouteTarget, Sockets};
use pontoon_types::{PortRange, Protocol};
use std::time::{Duration, Instant};
use world::{bridge, name, veth, world};

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 100];
    println!("{what:45} min {:>9.1?}  p50 {:>9.1?}  p95 {:>9.1?}", at(0), at(50), at(95));
}

fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let value = act();
    (value, begin.elapsed())
}

fn measure() {
    world(|linux, folder| {
        const N: usize = 50;
        bridge(linux, "br0");
        let path = |i: usize| folder.join(format!("ns{i}"));
        let ns: Vec<_> = (0..N).map(|i| timed(|| linux.create_netns(&path(i)).unwrap())).collect();
        report("create_netns", ns.iter().map(|(_, time)| *time).collect());
        let all: Vec<Netns> = ns.into_iter().map(|(ns, _)| ns).collect();
        let enter = all.iter().map(|ns| timed(|| linux.sysctl(ns, "net/ipv4/ip_forward").unwrap()).1).collect();
        report("enter, read a sysctl", enter);
        let look = all.iter().map(|ns| timed(|| linux.link(ns, &name("lo")).unwrap()).1).collect();
        report("enter, open a socket, look up lo", look);
        let look = all.iter().map(|_| timed(|| linux.link(&Netns::Host, &name("lo")).unwrap()).1).collect();
        report("look up lo in the host", look);
        let pair = |i: usize, isolated| {
            let mut spec = veth(&format!("v{i}"), "br0", &all[i], "eth0");
            spec.isolated = isolated;
            timed(|| linux.apply(&Netns::Host, &[Op::CreateVeth(spec)]).unwrap()).1
        };
        report("veth pair, bridged and up", (0..N / 2).map(|i| pair(i, false)).collect());
        report("veth pair, bridged, isolated and up", (N / 2..N).map(|i| pair(i, true)).collect());
        let configure = |i: usize| {
            let eth0 = name("eth0");
            let ops = [
                Op::AddAddress(eth0.clone(), format!("10.0.0.{}/24", i + 2).parse().unwrap()),
                Op::AddAddress(eth0.clone(), format!("fd00::{}/64", i + 2).parse().unwrap()),
                Op::Up(eth0.clone()),
                Op::SetRoute {
                    destination: "0.0.0.0/0".parse::<IpNet>().unwrap(),
                    target: RouteTarget::Via("10.0.0.1".parse().unwrap()),
                    link: Some(eth0.clone()),
                },
                Op::SetRoute {
                    destination: "::/0".parse().unwrap(),
                    target: RouteTarget::Via("fd00::1".parse().unwrap()),
                    link: Some(eth0),
                },
            ];
            timed(|| linux.apply(&all[i], &ops).unwrap()).1
        };
        report("2 addresses, up, 2 routes", (0..N).map(configure).collect());
        report(
            "settle",
            (0..N).map(|i| timed(|| linux.settle(&Netns::Host, &name(&format!("v{i}"))).unwrap()).1).collect(),
        );
        let announce = |i: usize| {
            let address = format!("10.0.0.{}", i + 2).parse().unwrap();
            timed(|| linux.announce(&all[i], &name("eth0"), address).unwrap()).1
        };
        report("announce", (0..N).map(announce).collect());
        report(
            "observe the host, 50 links",
            (0..20).map(|_| timed(|| linux.observe(&Netns::Host).unwrap()).1).collect(),
        );
        let retire = |i: usize| timed(|| linux.apply(&Netns::Host, &[Op::Retire(name(&format!("v{i}")))]).unwrap()).1;
        report("retire one", vec![retire(0)]);
        report("reap one", vec![timed(|| assert!(linux.reap(&Netns::Host).unwrap())).1]);
        report("retire", (1..N).map(retire).collect());
        report("reap 49", vec![timed(|| assert!(linux.reap(&Netns::Host).unwrap())).1]);
        report("release_netns", (0..N).map(|i| timed(|| linux.release_netns(&path(i)).unwrap()).1).collect());
    });
}

fn measure_reservations() {
    world(|linux, _| {
        let one = |protocol, address: &str, start, end| Reservation {
            protocol,
            address: address.parse().unwrap(),
            ports: PortRange { start, end },
        };
        let both = |protocol, start, end| [one(protocol, "0.0.0.0", start, end), one(protocol, "::", start, end)];
        for _ in 0..3 {
            let times = (1000..1100).map(|p| timed(|| linux.reserve(&one(Protocol::Tcp, "0.0.0.0", p, p)).unwrap()).1);
            report("reserve one tcp port", times.collect());
            let mut all = Vec::from(both(Protocol::Tcp, 20_000, 29_999));
            let (held, time) = timed(|| linux.reserve_all(&all).unwrap());
            report("reserve 10,000 tcp, both families", vec![time]);
            report("give them back", vec![timed(|| drop(held)).1]);
            all.extend(both(Protocol::Udp, 20_000, 29_999));
            let (again, time) = timed(|| linux.reserve_all(&all).unwrap());
            report("reserve 10,000 tcp and udp, both families*", vec![time]);
            drop(again);
            std::thread::sleep(Duration::from_millis(500));
            let (again, time) = timed(|| linux.reserve_all(&all).unwrap());
            report("reserve 10,000 tcp and udp, both families", vec![time]);
            drop(again);
            std::thread::sleep(Duration::from_millis(500));
        }
    });
}

fn measure_flows() {
    world(|linux, _| {
        world::command("nft 'add table inet t; add chain inet t in { type filter hook input priority 0; }'");
        world::command("nft 'add rule inet t in ct state new accept'");
        let quiet = std::net::UdpSocket::bind("127.0.0.1:53").unwrap();
        let of = |text: &str| [pontoon_kernel::FlowFilter::Address(text.parse().unwrap())];
        std::net::UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"x", "127.0.0.1:53").unwrap();
        let none = of("127.0.0.9");
        report("forget none of 1 flow", (0..20).map(|_| timed(|| linux.forget_flows(&none).unwrap()).1).collect());
        for port in 20_000..30_000 {
            std::net::UdpSocket::bind(("127.0.0.5", port)).unwrap().send_to(b"x", "127.0.0.1:53").unwrap();
        }
        let times = (0..20).map(|_| timed(|| linux.forget_flows(&none).unwrap()).1);
        report("forget none of 10,000 flows", times.collect());
        let other = of("fd00::9");
        report("forget none, other family", (0..20).map(|_| timed(|| linux.forget_flows(&other).unwrap()).1).collect());
        let all = of("127.0.0.5");
        let (count, time) = timed(|| linux.forget_flows(&all).unwrap());
        report(&format!("forget {count} flows"), vec![time]);
        report("forget, nothing tracked", (0..20).map(|_| timed(|| linux.forget_flows(&all).unwrap()).1).collect());
        drop(quiet);
    });
}

fn main() {
    // Cargo's own test runner builds benches too, and asks them to be quick.
    if std::env::args().any(|argument| argument == "--bench") {
        measure();
        measure_reservations();
        measure_flows();
    }
}
