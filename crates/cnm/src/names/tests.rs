//! Names: tables from dns.md sections 4, 5 and 11, and laws.

use super::*;
use pontoon_types::{EndpointId, Family, SandboxLink};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn record(names: &[&str], addresses: &[&str]) -> NameRecord {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| ip(text)).collect();
    NameRecord {
        names: names.iter().map(|name| name.to_string()).collect(),
        ipv4: addresses.iter().copied().find(IpAddr::is_ipv4),
        ipv6: addresses.iter().copied().find(IpAddr::is_ipv6),
    }
}

fn network(endpoints: &[(&[&str], &[&str])]) -> Arc<NetworkNames> {
    let names = NetworkNames::default();
    for (own, addresses) in endpoints {
        names.insert(EndpointId::random(), record(own, addresses));
    }
    Arc::new(names)
}

fn visible(name: &str, names: &Arc<NetworkNames>, links: &[(&str, &str)]) -> VisibleNetwork {
    let link = |(target, alias): &(&str, &str)| SandboxLink { target: target.to_string(), alias: alias.to_string() };
    VisibleNetwork { name: name.into(), names: names.clone(), links: links.iter().map(link).collect() }
}

fn sees(networks: Vec<VisibleNetwork>) -> SandboxNames {
    SandboxNames { networks }
}

fn found(addresses: &[&str]) -> Answer {
    Answer::Found(addresses.iter().map(|text| ip(text)).collect())
}

fn sorted(answer: Answer) -> Answer {
    match answer {
        Answer::Found(mut list) => {
            list.sort();
            Answer::Found(list)
        }
        other => other,
    }
}

#[test]
fn names_are_looked_for_as_docker_does() {
    let web = network(&[
        (&["web", "www", "0123456789ab"], &["10.0.0.2", "fd00::2"]),
        (&["db"], &["10.0.0.3"]),
        (&["six"], &["fd00::4"]),
        (&["dotted.name"], &["10.0.0.5"]),
        (&["x"], &["10.0.0.6"]),
        (&["Große"], &["10.0.0.7"]),
    ]);
    let other = network(&[(&["db", "only-here"], &["10.1.0.3"]), (&["a"], &["10.1.0.4"])]);
    let names = sees(vec![visible("front", &web, &[]), visible("back.end", &other, &[])]);
    use Family::{V4, V6};
    let cases = [
        ("web", V4, found(&["10.0.0.2"])),
        ("web", V6, found(&["fd00::2"])),
        ("web.", V4, found(&["10.0.0.2"])),
        ("WEB", V4, found(&["10.0.0.2"])),
        ("wWw", V6, found(&["fd00::2"])),
        ("0123456789ab", V4, found(&["10.0.0.2"])),
        ("db", V6, Answer::NoData),
        ("six", V4, Answer::NoData),
        ("db", V4, found(&["10.0.0.3"])),
        ("web.front", V4, found(&["10.0.0.2"])),
        ("WEB.front.", V4, found(&["10.0.0.2"])),
        ("web.FRONT", V4, Answer::Unknown),
        ("db.back.end", V4, found(&["10.1.0.3"])),
        ("db.end", V4, Answer::Unknown),
        ("dotted.name", V4, found(&["10.0.0.5"])),
        ("dotted.name.front", V4, found(&["10.0.0.5"])),
        ("a.back.end", V4, found(&["10.1.0.4"])),
        ("GROSSE", V4, Answer::Unknown),
        ("GROßE", V4, found(&["10.0.0.7"])),
        ("nobody", V4, Answer::Unknown),
        ("front", V4, Answer::Unknown),
        (".front", V4, Answer::Unknown),
        ("", V4, Answer::Unknown),
        (".", V4, Answer::Unknown),
        ("..", V4, Answer::Unknown),
        ("web..", V4, Answer::Unknown),
    ];
    for (name, family, expected) in cases {
        assert_eq!(names.forward(name, family), expected, "{name} {family:?}");
        assert_eq!(names.knows(name), expected != Answer::Unknown, "{name}");
    }
}

#[test]
fn the_first_network_that_knows_a_name_decides_alone() {
    let first = network(&[(&["db"], &["10.0.0.3"])]);
    let second = network(&[(&["db"], &["10.1.0.3", "fd01::3"])]);
    let names = sees(vec![visible("a", &first, &[]), visible("b", &second, &[])]);
    assert_eq!(names.forward("db", Family::V4), found(&["10.0.0.3"]));
    assert_eq!(names.forward("db", Family::V6), Answer::NoData);
    let swapped = sees(vec![visible("b", &second, &[]), visible("a", &first, &[])]);
    assert_eq!(swapped.forward("db", Family::V4), found(&["10.1.0.3"]));
    assert_eq!(swapped.forward("db.a", Family::V4), found(&["10.0.0.3"]));
}

#[test]
fn several_endpoints_with_one_name_answer_together_and_duplicates_collapse() {
    let names = network(&[
        (&["one", "svc"], &["10.0.0.2"]),
        (&["two", "svc", "SVC"], &["10.0.0.3"]),
        (&["twin", "svc"], &["10.0.0.3"]),
    ]);
    let view = sees(vec![visible("n", &names, &[])]);
    assert_eq!(sorted(view.forward("svc", Family::V4)), found(&["10.0.0.2", "10.0.0.3"]));
}

#[test]
fn link_aliases_come_first_and_hide_the_name_in_their_network_only() {
    let first = network(&[(&["db"], &["10.0.0.3"]), (&["cache"], &["10.0.0.4"]), (&["Upper"], &["10.0.0.8"])]);
    let second = network(&[(&["db"], &["10.1.0.3"]), (&["cache"], &["10.1.0.4"]), (&["store"], &["10.1.0.9"])]);
    let links: &[(&str, &str)] = &[("db", "store"), ("cache", "db"), ("gone", "cache"), ("UPPER", "Alias")];
    let names = sees(vec![visible("a", &first, links), visible("b", &second, &[])]);
    let cases = [
        // The alias wins over the name in another network.
        ("store", found(&["10.0.0.3"])),
        ("db", found(&["10.0.0.4"])),
        ("db.a", found(&["10.0.0.4"])),
        ("db.b", found(&["10.1.0.3"])),
        // Its target is not there: the name is skipped in its own network, and found in the other.
        ("cache", found(&["10.1.0.4"])),
        ("cache.a", Answer::Unknown),
        // Aliases are case-sensitive, targets are names.
        ("Alias", found(&["10.0.0.8"])),
        ("alias", Answer::Unknown),
        ("STORE", found(&["10.1.0.9"])),
    ];
    for (name, expected) in cases {
        assert_eq!(names.forward(name, Family::V4), expected, "{name}");
    }
}

#[test]
fn an_endpoint_without_addresses_has_no_names() {
    let names = network(&[(&["ghost"], &[])]);
    assert_eq!(sees(vec![visible("n", &names, &[])]).forward("ghost", Family::V4), Answer::Unknown);
}

#[test]
fn addresses_are_called_by_the_first_name_of_their_first_owner() {
    let names = NetworkNames::default();
    let (one, two) = (EndpointId::random(), EndpointId::random());
    names.insert(one, record(&["Web", "www"], &["10.0.0.2", "fd00::2"]));
    names.insert(two, record(&["late"], &["10.0.0.2"]));
    let names = Arc::new(names);
    let view = sees(vec![visible("other", &Arc::default(), &[]), visible("mynet", &names, &[])]);
    assert_eq!(view.reverse(ip("10.0.0.2")).as_deref(), Some("Web.mynet"));
    assert_eq!(view.reverse(ip("fd00::2")).as_deref(), Some("Web.mynet"));
    assert_eq!(view.reverse(ip("10.0.0.9")), None);
    // Renaming keeps its place before the later owner.
    names.insert(one, record(&["renamed"], &["10.0.0.2"]));
    assert_eq!(view.reverse(ip("10.0.0.2")).as_deref(), Some("renamed.mynet"));
    assert_eq!(view.reverse(ip("fd00::2")), None);
    names.remove(one);
    assert_eq!(view.reverse(ip("10.0.0.2")).as_deref(), Some("late.mynet"));
    names.remove(two);
    assert_eq!(view.reverse(ip("10.0.0.2")), None);
    assert!(names.is_empty());
}

#[test]
fn an_address_that_the_outside_gives_the_same_name_is_left_to_the_outside() {
    let names = network(&[(&["host.example"], &["10.0.0.2"]), (&["other"], &["10.0.0.3"])]);
    let view = sees(vec![visible("lan", &names, &[])]);
    for (name, address) in [("host.example.", "10.0.0.3"), ("www.example.", "10.0.0.2"), ("other", "10.0.0.9")] {
        view.heard_outside(name, ip(address));
    }
    assert_eq!(view.reverse(ip("10.0.0.2")).as_deref(), Some("host.example.lan"));
    view.heard_outside("host.example.", ip("10.0.0.2"));
    assert_eq!(view.reverse(ip("10.0.0.2")), None);
    assert_eq!(view.reverse(ip("10.0.0.3")).as_deref(), Some("other.lan"));
}

#[test]
fn nothing_is_missing_while_others_come_go_and_rename() {
    let names = Arc::new(NetworkNames::default());
    let stable = EndpointId::random();
    names.insert(stable, record(&["stable", "first"], &["10.0.0.2"]));
    let view = sees(vec![visible("n", &names, &[])]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..2000u32 {
                let id = EndpointId::random();
                names.insert(id, record(&["other", "shared"], &["10.0.0.3"]));
                let alias = if round % 2 == 0 { "second" } else { "first" };
                names.insert(stable, record(&["stable", alias], &["10.0.0.2"]));
                names.remove(id);
            }
            stop.store(true, Ordering::Release);
        });
        while !stop.load(Ordering::Acquire) {
            assert_eq!(view.forward("stable", Family::V4), found(&["10.0.0.2"]));
            assert_eq!(view.reverse(ip("10.0.0.2")).as_deref(), Some("stable.n"));
        }
    });
}

mod laws {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(usize, Vec<String>, Option<u8>, Option<u8>),
        Remove(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let names = prop::collection::vec("[abAB]{1,2}", 0..4);
        let insert = (0..4usize, names, prop::option::of(0..3u8), prop::option::of(0..3u8));
        prop_oneof![
            3 => insert.prop_map(|(who, names, v4, v6)| Step::Insert(who, names, v4, v6)),
            1 => (0..4usize).prop_map(Step::Remove),
        ]
    }

    fn apply(names: &NetworkNames, ids: &[EndpointId], model: &mut [Option<NameRecord>], step: Step) {
        match step {
            Step::Insert(who, own, v4, v6) => {
                let record = NameRecord {
                    names: own,
                    ipv4: v4.map(|n| IpAddr::from([10, 0, 0, n])),
                    ipv6: v6.map(|n| IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, u16::from(n)])),
                };
                names.insert(ids[who], record.clone());
                model[who] = Some(record);
            }
            Step::Remove(who) => {
                names.remove(ids[who]);
                model[who] = None;
            }
        }
    }

    fn expected(model: &[Option<NameRecord>], name: &str, family: Family) -> (bool, BTreeSet<IpAddr>) {
        let owns = |record: &&NameRecord| record.names.iter().any(|own| own.to_lowercase() == name);
        let all: BTreeSet<IpAddr> =
            model.iter().flatten().filter(owns).flat_map(|record| [record.ipv4, record.ipv6]).flatten().collect();
        let of_family = all.iter().copied().filter(|a| a.is_ipv4() == (family == Family::V4)).collect();
        (!all.is_empty(), of_family)
    }

    proptest! {
        #[test]
        fn after_any_changes_a_network_knows_what_its_endpoints_say(steps in prop::collection::vec(step(), 0..40)) {
            let names = NetworkNames::default();
            let ids: Vec<EndpointId> = (0..4).map(|_| EndpointId::random()).collect();
            let mut model = vec![None; 4];
            for step in steps {
                apply(&names, &ids, &mut model, step);
            }
            for name in ["a", "b", "aa", "ab", "ba", "bb", "c"] {
                for family in Family::BOTH {
                    let (exists, addresses) = expected(&model, name, family);
                    let mut list = Vec::new();
                    let known = names.forward(name, family, &mut list);
                    prop_assert_eq!(list.iter().copied().collect::<BTreeSet<_>>(), addresses.clone());
                    prop_assert_eq!(list.len(), addresses.len());
                    prop_assert_eq!(known != Known::Unknown, exists);
                    prop_assert_eq!(known == Known::Found, !addresses.is_empty());
                }
            }
        }

        #[test]
        fn no_text_makes_a_lookup_panic(name in ".{0,80}") {
            let names = network(&[(&["web"], &["10.0.0.2"])]);
            let view = sees(vec![visible("n", &names, &[("web", "alias")])]);
            let _ = view.forward(&name, Family::V4);
            let _ = view.knows(&name);
        }
    }
}
