//! Cost does not grow with what is there. Times are printed, not asserted: see `docs/benchmarks.md` for measured ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod support;

use pontoon_kernel::nft::Element;
use pontoon_kernel::{Kernel, Netns};
use pontoon_linux::Linux;
use pontoon_ruleset::{add, mapping_elements, plan, remove, wanted};
use pontoon_types::{PortMapping, Protocol};
use std::time::Instant;
use support::Namespace;
use support::world::{FORWARDER, bridges, mapping};

fn timed<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = act();
    eprintln!("{what}: {:.3} ms", start.elapsed().as_secs_f64() * 1e3);
    result
}

fn elements(mappings: &[PortMapping]) -> Vec<Element> {
    mappings.iter().flat_map(|mapping| mapping_elements(mapping).unwrap()).collect()
}

/// `count` ports from `first` on, on both families.
fn ports(first: u16, count: u16) -> Vec<PortMapping> {
    let both = |port: u16| {
        let range = port.to_string();
        [
            mapping(Protocol::Tcp, "0.0.0.0", &range, "10.1.0.11", 80),
            mapping(Protocol::Tcp, "::", &range, "fd01::11", 80),
        ]
    };
    (first..first + count).flat_map(both).collect()
}

#[test]
fn ten_thousand_ports_go_in_at_once_and_one_more_costs_the_same() {
    let namespace = Namespace::new();
    namespace.run(|| {
        let linux = Linux::new().unwrap();
        let commit = |transaction| linux.commit(&Netns::Host, &transaction).unwrap();
        let empty = wanted(FORWARDER, &bridges(), &[]).unwrap();
        timed("create the table with four bridges", || commit(plan(&empty, None)));
        let one = elements(&ports(1, 1));
        timed("add one port to an empty table", || commit(add(one.clone())));
        timed("remove one port from an empty table", || commit(remove(one.clone())));
        let few = elements(&ports(100, 200));
        timed("add 200 ports on two families", || commit(add(few.clone())));
        timed("remove 200 ports on two families", || commit(remove(few)));

        let many = elements(&ports(20_000, 10_000));
        timed("add 10,000 ports on two families", || commit(add(many.clone())));
        timed("add one port beside them", || commit(add(one.clone())));
        timed("remove one port beside them", || commit(remove(one)));
        let full = wanted(FORWARDER, &bridges(), &ports(20_000, 10_000)).unwrap();
        let observed = timed("read the table", || linux.table(&Netns::Host, &full.id).unwrap());
        assert!(plan(&full, observed.as_ref()).is_empty());
        timed("remove 10,000 ports on two families", || commit(remove(many)));
        let observed = linux.table(&Netns::Host, &full.id).unwrap();
        assert!(plan(&empty, observed.as_ref()).is_empty());
    });
}

#[test]
fn a_range_of_ten_thousand_is_a_handful_of_elements() {
    let both = [Protocol::Tcp, Protocol::Udp];
    let ranges = |protocol| {
        [
            mapping(protocol, "0.0.0.0", "20000-29999", "10.1.0.11", 20000),
            mapping(protocol, "::", "20000-29999", "fd01::11", 20000),
        ]
    };
    let elements = elements(&both.into_iter().flat_map(ranges).collect::<Vec<_>>());
    assert!(elements.len() <= 8, "{}", elements.len());
    Namespace::new().run(|| {
        let linux = Linux::new().unwrap();
        linux.commit(&Netns::Host, &plan(&wanted(FORWARDER, &bridges(), &[]).unwrap(), None)).unwrap();
        timed("publish 20000-29999, tcp and udp, two families", || {
            linux.commit(&Netns::Host, &add(elements)).unwrap();
        });
    });
}
