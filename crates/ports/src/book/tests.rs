//! Docker's rules for choosing ports, and the law that no port has two owners.

use super::*;
use crate::EphemeralPorts;
use pontoon_types::{ErrorKind, Kind};
use proptest::prelude::*;

fn ephemeral(range: &str, reserved: &str) -> EphemeralPorts {
    EphemeralPorts { range: range.parse().unwrap(), reserved: reserved.parse().unwrap() }
}

fn context(ephemeral: &EphemeralPorts) -> Context<'_> {
    Context {
        container_v4: Some([10, 0, 0, 2].into()),
        container_v6: Some("fd00::2".parse().unwrap()),
        default_host_ip: None,
        host_has_v6: true,
        is_v4_gateway: true,
        is_v6_gateway: true,
        forwarder: true,
        ephemeral,
    }
}

/// `[host_ip#][host:]container[/protocol]`, e.g. `127.0.0.1#8080:80/udp`.
fn binding(text: &str) -> PortBinding {
    let (host_ip, rest) = text.split_once('#').map_or(("", text), |(ip, rest)| (ip, rest));
    let (ports, protocol) = rest.split_once('/').unwrap_or((rest, "tcp"));
    let (host, container) = ports.split_once(':').map_or(("", ports), |(host, inside)| (host, inside));
    PortBinding {
        container: container.parse().unwrap(),
        protocol: protocol.parse().unwrap(),
        host_ip: host_ip.parse().ok(),
        host: host.parse().ok(),
    }
}

fn publish(book: &mut Book, owner: &str, texts: &[&str], ports: &EphemeralPorts) -> Result<Vec<String>, Error> {
    let bindings: Vec<PortBinding> = texts.iter().map(|text| binding(text)).collect();
    book.publish(owner, &bindings, &context(ports)).map(|mappings| shown(&mappings))
}

fn shown(mappings: &[PortMapping]) -> Vec<String> {
    mappings.iter().map(crate::describe).collect()
}

#[test]
fn both_families_and_all_addresses_of_a_port_share_one_ephemeral_number() {
    let (mut book, ports) = (Book::default(), ephemeral("40000-40009", ""));
    publish(&mut book, "other", &["::#40000:1"], &ports).unwrap();
    assert_eq!(
        publish(&mut book, "web", &["80", "127.0.0.1#90", "127.0.0.2#90", "80/udp"], &ports).unwrap(),
        [
            "0.0.0.0:40001:10.0.0.2:80/tcp",
            "127.0.0.1:40000:10.0.0.2:90/tcp",
            "127.0.0.2:40000:10.0.0.2:90/tcp",
            "[::]:40001:[fd00::2]:80/tcp",
            "0.0.0.0:40000:10.0.0.2:80/udp",
            "[::]:40000:[fd00::2]:80/udp",
        ]
    );
}

#[test]
fn the_search_goes_on_after_the_last_port_and_then_starts_again() {
    let (mut book, ports) = (Book::default(), ephemeral("40000-40002", ""));
    let mut next = |owner: &str| publish(&mut book, owner, &["0.0.0.0#80"], &ports).map(|m| m[0][8..13].to_owned());
    assert_eq!(next("a").unwrap(), "40000");
    assert_eq!(next("b").unwrap(), "40001");
    book.release("a");
    let mut next = |owner: &str| publish(&mut book, owner, &["0.0.0.0#80"], &ports).map(|m| m[0][8..13].to_owned());
    assert_eq!(next("c").unwrap(), "40002", "a released port is not used again at once");
    assert_eq!(next("d").unwrap(), "40000");
    let error = next("e").unwrap_err();
    assert_eq!((error.to_string().as_str(), error.kind()), ("all ports are allocated", ErrorKind::Conflict));
}

#[test]
fn a_range_gives_its_first_free_port() {
    let (mut book, ports) = (Book::default(), ephemeral("40000-40009", "8000-8010"));
    publish(&mut book, "a", &["127.0.0.1#8000:1"], &ports).unwrap();
    let mapped = publish(&mut book, "b", &["0.0.0.0#8000-8002:80", "0.0.0.0#8000-8002:81"], &ports).unwrap();
    assert_eq!(mapped, ["0.0.0.0:8001-8002:10.0.0.2:80/tcp"], "reserved ports are allowed in a range");
    assert_eq!(
        publish(&mut book, "c", &["0.0.0.0#8000-8002:80"], &ports).unwrap_err().to_string(),
        "all ports are allocated"
    );
}

#[test]
fn reserved_ports_are_left_out_of_ephemeral_choices_only() {
    let (mut book, ports) = (Book::default(), ephemeral("40000-40003", "40000-40001,40003"));
    assert_eq!(publish(&mut book, "a", &["0.0.0.0#80"], &ports).unwrap(), ["0.0.0.0:40002:10.0.0.2:80/tcp"]);
    assert!(publish(&mut book, "b", &["0.0.0.0#80"], &ports).is_err());
    assert!(publish(&mut book, "c", &["0.0.0.0#40003:80"], &ports).is_ok());
}

#[test]
fn taken_ports_are_refused_with_dockers_words() {
    for (first, second, text) in [
        ("80:80", "80:81", "Bind for 0.0.0.0:80 failed: port is already allocated"),
        ("::#80:80", "::#80:81", "Bind for :::80 failed: port is already allocated"),
        ("0.0.0.0#80:80", "127.0.0.1#80:80", "Bind for 0.0.0.0:80 failed: port is already allocated"),
        ("127.0.0.1#80:80", "80:80", "Bind for 127.0.0.1:80 failed: port is already allocated"),
        ("80-90:80-90/udp", "85:1/udp", "Bind for 0.0.0.0:85 failed: port is already allocated"),
        ("85:1", "80-90:80-90", "Bind for 0.0.0.0:85 failed: port is already allocated"),
    ] {
        let (mut book, ports) = (Book::default(), EphemeralPorts::default());
        publish(&mut book, "web", &[first], &ports).unwrap();
        let before = book.occupancy.clone();
        let error = publish(&mut book, "db", &["127.0.0.7#7777:7", second], &ports).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), (text, ErrorKind::Conflict));
        assert!(error.hint().unwrap().ends_with("is held by web"));
        assert_eq!(book.occupancy, before, "nothing is left of a refused publication");
        assert!(book.mappings("db").is_empty());
    }
}

#[test]
fn what_does_not_conflict_is_allowed() {
    let (mut book, ports) = (Book::default(), EphemeralPorts::default());
    for (owner, text) in [
        ("a", "127.0.0.1#80:80"),
        ("b", "127.0.0.2#80:80"),
        ("c", "0.0.0.0#80:80/udp"),
        ("d", "::#80:80"),
        ("e", "0.0.0.0#81:80"),
    ] {
        publish(&mut book, owner, &[text], &ports).unwrap();
    }
}

#[test]
fn one_owner_cannot_have_a_port_twice_but_may_ask_twice_for_the_same() {
    let (mut book, ports) = (Book::default(), EphemeralPorts::default());
    assert!(publish(&mut book, "a", &["0.0.0.0#80:80", "127.0.0.1#80:80"], &ports).is_err());
    assert!(publish(&mut book, "a", &["0.0.0.0#80:80", "0.0.0.0#80:81"], &ports).is_err());
    assert!(publish(&mut book, "a", &["::#80", "::1#80"], &ports).is_err());
    assert!(publish(&mut book, "a", &["0.0.0.0#90-99:80", "127.0.0.1#90-99:80"], &ports).is_err());
    assert_eq!(book.occupancy, Occupancy::default());
    let twice = publish(&mut book, "a", &["80:80", "80:80", "0.0.0.0#80:80"], &ports).unwrap();
    assert_eq!(twice, ["0.0.0.0:80:10.0.0.2:80/tcp", "[::]:80:[fd00::2]:80/tcp"]);
}

#[test]
fn an_ephemeral_run_is_contiguous_where_it_can_be() {
    let (mut book, ports) = (Book::default(), ephemeral("40000-40009", ""));
    publish(&mut book, "a", &["0.0.0.0#40003:1"], &ports).unwrap();
    assert_eq!(
        publish(&mut book, "b", &["0.0.0.0#7000-7004"], &ports).unwrap(),
        ["0.0.0.0:40004-40008:10.0.0.2:7000/tcp"]
    );
    assert_eq!(
        publish(&mut book, "c", &["0.0.0.0#7000-7003"], &ports).unwrap(),
        ["0.0.0.0:40000-40002:10.0.0.2:7000/tcp", "0.0.0.0:40009:10.0.0.2:7003/tcp"]
    );
    let before = book.occupancy.clone();
    assert!(publish(&mut book, "d", &["0.0.0.0#7000-7009"], &ports).is_err());
    assert_eq!(book.occupancy, before);
}

#[test]
fn ten_thousand_ports_are_one_mapping_for_each_protocol_and_family() {
    let ports = EphemeralPorts::default();
    let single = |port: u16, protocol| PortBinding {
        container: PortRange::single(port),
        protocol,
        host_ip: None,
        host: Some(PortRange::single(port)),
    };
    let both = [Protocol::Tcp, Protocol::Udp];
    let bindings: Vec<PortBinding> =
        both.into_iter().flat_map(|protocol| (20_000..30_000).map(move |port| single(port, protocol))).collect();
    let mut book = Book::default();
    let mappings = book.publish("web", &bindings, &context(&ports)).unwrap();
    assert_eq!(
        shown(&mappings),
        [
            "0.0.0.0:20000-29999:10.0.0.2:20000/tcp",
            "[::]:20000-29999:[fd00::2]:20000/tcp",
            "0.0.0.0:20000-29999:10.0.0.2:20000/udp",
            "[::]:20000-29999:[fd00::2]:20000/udp",
        ]
    );
    assert_eq!(book.occupancy.runs(), 4);
    let run = [binding("20000-29999:20000-29999"), binding("20000-29999:20000-29999/udp")];
    book.release("web");
    assert_eq!(book.publish("web", &run, &context(&ports)).unwrap(), mappings, "the run form means the same");
}

#[test]
fn an_ipv4_only_container_is_reached_over_ipv6_by_the_forwarder() {
    let ports = EphemeralPorts::default();
    let context = Context { container_v6: None, ..context(&ports) };
    let mut book = Book::default();
    let mappings = book.publish("web", &[binding("80:80")], &context).unwrap();
    assert_eq!(shown(&mappings), ["0.0.0.0:80:10.0.0.2:80/tcp", "[::]:80:10.0.0.2:80/tcp"]);
    assert_eq!(mappings.iter().map(PortMapping::needs_forwarder).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn release_frees_everything_of_one_owner() {
    let (mut book, ports) = (Book::default(), EphemeralPorts::default());
    publish(&mut book, "web", &["80:80", "443:443"], &ports).unwrap();
    publish(&mut book, "web", &["81:81"], &ports).unwrap();
    assert_eq!(shown(book.mappings("web"))[0], "0.0.0.0:80-81:10.0.0.2:80/tcp");
    publish(&mut book, "db", &["5432:5432"], &ports).unwrap();
    assert_eq!(book.release("web").len(), 4);
    assert_eq!(book.release("web"), []);
    assert_eq!(book.release("db").len(), 2);
    assert_eq!(book.occupancy, Occupancy::default());
}

#[test]
fn an_aborted_plan_leaves_the_book_as_it_was() {
    let (mut book, ports) = (Book::default(), EphemeralPorts::default());
    publish(&mut book, "web", &["80-85:80-85", "7000"], &ports).unwrap();
    let before = (book.occupancy.clone(), book.owners.clone());
    let plan = book.plan_change("web", &[binding("82:82"), binding("127.0.0.1#84:9"), binding("90")], &context(&ports));
    let plan = plan.unwrap();
    assert!(publish(&mut book, "db", &["83:1"], &ports).is_err(), "the old ports are kept during the change");
    assert!(book.plan("db", &[binding("82:82")], &context(&ports)).is_err());
    book.abort(plan);
    assert_eq!((book.occupancy, book.owners), before);
}

#[test]
fn a_committed_change_frees_what_is_no_longer_wanted() {
    let (mut book, ports) = (Book::default(), EphemeralPorts::default());
    let first = publish(&mut book, "web", &["80-85:80-85", "0.0.0.0#7000"], &ports).unwrap();
    let plan = book.plan_change("web", &[binding("82:82"), binding("0.0.0.0#7000")], &context(&ports)).unwrap();
    let mappings = shown(&book.commit(plan));
    assert_eq!(mappings[0], "0.0.0.0:82:10.0.0.2:82/tcp");
    assert_eq!(mappings[1], first[1], "the ephemeral port stays");
    publish(&mut book, "db", &["83:83"], &ports).unwrap();
    assert!(publish(&mut book, "db", &["82:82"], &ports).is_err());
    let plan = book.plan_change("web", &[], &context(&ports)).unwrap();
    book.commit(plan);
    book.release("db");
    assert_eq!((book.occupancy, book.owners.len()), (Occupancy::default(), 0));
}

#[test]
fn a_restored_mapping_has_the_same_ports() {
    let (mut book, ports) = (Book::default(), EphemeralPorts::default());
    let bindings = [binding("80"), binding("8000-8010:81"), binding("443-445:443-445/udp")];
    let mappings = book.publish("web", &bindings, &context(&ports)).unwrap();
    let mut after = Book::default();
    let plan = after.plan_restore("web", &mappings).unwrap();
    assert_eq!(after.commit(plan), mappings);
    assert_eq!(after.occupancy, book.occupancy);
    assert!(after.plan_restore("db", &mappings).is_err());
    assert_eq!(after.occupancy, book.occupancy);
}

#[test]
fn stored_mappings_that_make_no_sense_are_refused() {
    let mapping = |start, end, container_start| PortMapping {
        protocol: Protocol::Tcp,
        host_ip: "0.0.0.0".parse().unwrap(),
        host: PortRange { start, end },
        container_ip: "10.0.0.2".parse().unwrap(),
        container_start,
    };
    for bad in [mapping(90, 80, 80), mapping(0, 0, 80), mapping(80, 90, 65_530), mapping(80, 80, 0)] {
        let mut book = Book::default();
        let refused = book.plan_restore("web", &[mapping(1, 9, 1), bad]);
        assert!(matches!(refused, Err(Error::Specification(_))));
        assert_eq!(book.occupancy, Occupancy::default());
    }
}

fn any_binding() -> impl Strategy<Value = PortBinding> {
    let host_ip = prop::sample::select(vec!["", "0.0.0.0", "127.0.0.1", "127.0.0.2", "::", "::1"]);
    let protocol = prop::sample::select(vec![Protocol::Tcp, Protocol::Udp]);
    let run = |start: u16, length: u16| PortRange { start, end: start + length };
    let ports = prop_oneof![
        (1u16..40, 0u16..6, 1u16..40).prop_map(move |(c, l, h)| (run(c, l), Some(run(h, l)))),
        (1u16..40, 0u16..6).prop_map(move |(c, l)| (run(c, l), None)),
        (1u16..40, 1u16..40, 0u16..6).prop_map(move |(c, h, l)| (run(c, 0), Some(run(h, l)))),
    ];
    (host_ip, protocol, ports).prop_map(|(host_ip, protocol, (container, host))| PortBinding {
        container,
        protocol,
        host_ip: host_ip.parse().ok(),
        host,
    })
}

proptest! {
    #[test]
    fn no_port_has_two_owners_and_all_are_free_in_the_end(
        acts in prop::collection::vec((0u8..4, 0u8..4, prop::collection::vec(any_binding(), 0..4)), 0..25),
    ) {
        let (mut book, ports) = (Book::default(), ephemeral("30-60", "40"));
        let context = context(&ports);
        for (owner, act, bindings) in acts {
            let owner = owner.to_string();
            match act {
                0 => drop(book.release(&owner)),
                1 => if let Ok(plan) = book.plan_change(&owner, &bindings, &context) { book.commit(plan); },
                2 => if let Ok(plan) = book.plan_change(&owner, &bindings, &context) { book.abort(plan) },
                _ => drop(book.publish(&owner, &bindings, &context)),
            }
            let held: Vec<Reservation> = book.owners.values().flatten().map(Reservation::of).collect();
            for (i, one) in held.iter().enumerate() {
                prop_assert!(book.occupancy.taken(one).is_some());
                prop_assert!(held[..i].iter().all(|other| !one.conflicts(other)), "{:?}", held);
            }
        }
        for owner in 0..4 { book.release(&owner.to_string()); }
        prop_assert_eq!(book.occupancy, Occupancy::default());
    }

    #[test]
    fn every_binding_is_served_on_every_address_with_one_host_port(
        bindings in prop::collection::vec(any_binding(), 1..5),
    ) {
        let (mut book, ports) = (Book::default(), ephemeral("1000-2000", ""));
        let context = context(&ports);
        let Ok(mappings) = book.publish("x", &bindings, &context) else { return Ok(()) };
        for binding in &bindings {
            let hosts: Vec<IpAddr> = match binding.host_ip {
                Some(address) => vec![address],
                None => vec!["0.0.0.0".parse().unwrap(), "::".parse().unwrap()],
            };
            for (i, port) in (binding.container.start..=binding.container.end).enumerate() {
                let served = |host_ip: &IpAddr| -> std::collections::BTreeSet<u16> {
                    mappings.iter().filter(|m| m.protocol == binding.protocol && m.host_ip == *host_ip)
                        .filter(|m| m.container().contains(port))
                        .map(|m| m.host.start + (port - m.container_start)).collect()
                };
                let mut common = served(&hosts[0]);
                for host_ip in &hosts[1..] { common.retain(|p| served(host_ip).contains(p)); }
                let suits = |p: u16| match binding.host {
                    None => context.ephemeral.range.contains(p),
                    Some(host) if host.count() == binding.container.count() => p == host.start + i as u16,
                    Some(host) => host.contains(p),
                };
                prop_assert!(common.iter().any(|&p| suits(p)), "{:?} {:?}", binding, mappings);
            }
        }
    }
}
