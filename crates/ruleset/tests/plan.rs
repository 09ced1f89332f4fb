//! Laws of the plan, on the model: from any state, one transaction leads to what is wanted, and then nothing is left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

use pontoon_kernel::nft::{
    Base, Chain, Data, Element, Expr, Field, Key, Rule, Set, SetKind, Table, Tables, Value, Verdict,
};
use pontoon_ruleset::{
    BridgeKind, BridgeRules, ForwarderPorts, add, bridge_elements, dns_table, mapping_elements, plan, remove, table_id,
    wanted,
};
use pontoon_types::{PortMapping, PortRange, Protocol};
use proptest::prelude::*;
use std::collections::BTreeMap;

const FORWARDER: ForwarderPorts = ForwarderPorts { tcp: 47001, udp: 47002 };

/// What other hands may do to a table.
#[derive(Clone, Debug)]
enum Damage {
    RemoveElement(usize),
    ChangeElement(usize),
    AddElement(usize, u8),
    RemoveRule(usize, usize),
    MoveRule(usize, usize),
    RenameRule(usize, usize),
    AddRule(usize, usize),
    RemoveChain(usize),
    AddChain(usize),
    Rehook(usize),
    RemoveSet(usize),
    Retype(usize),
    AddSet,
    OtherForwarder,
}

fn damage() -> impl Strategy<Value = Damage> {
    use Damage::*;
    let n = 0..100_usize;
    prop_oneof![
        n.clone().prop_map(RemoveElement),
        n.clone().prop_map(ChangeElement),
        (n.clone(), any::<u8>()).prop_map(|(set, number)| AddElement(set, number)),
        (n.clone(), n.clone()).prop_map(|(chain, rule)| RemoveRule(chain, rule)),
        (n.clone(), n.clone()).prop_map(|(chain, rule)| MoveRule(chain, rule)),
        (n.clone(), n.clone()).prop_map(|(chain, rule)| RenameRule(chain, rule)),
        (n.clone(), n.clone()).prop_map(|(chain, rule)| AddRule(chain, rule)),
        n.clone().prop_map(RemoveChain),
        n.clone().prop_map(AddChain),
        n.clone().prop_map(Rehook),
        n.clone().prop_map(RemoveSet),
        n.prop_map(Retype),
        Just(AddSet),
        Just(OtherForwarder),
    ]
}

fn pick<T>(list: &mut [T], place: usize) -> Option<&mut T> {
    let len = list.len();
    (len > 0).then(|| &mut list[place % len])
}

fn value(field: Field, number: u8) -> Value {
    match field {
        Field::IfName => Value::Name(format!("eth{number}")),
        Field::Ipv4 => Value::Ipv4([203, 0, 113, number].into()),
        Field::Ipv6 => Value::Ipv6(std::net::Ipv6Addr::from(u128::from(number))),
        Field::Protocol => Value::Protocol(number),
        Field::Port => Value::Port(u16::from(number)),
        Field::Other(_) => Value::Other(vec![number]),
    }
}

fn foreign_element(set: &Set, number: u8) -> (Key, Option<Data>) {
    let values = |fields: &[Field]| fields.iter().map(|field| value(*field, number)).collect::<Vec<_>>();
    let data = match &set.kind {
        SetKind::Set => None,
        SetKind::Map(fields) => Some(Data::Values(values(fields))),
        SetKind::VerdictMap => Some(Data::Verdict(Verdict::Accept)),
    };
    (Key::exact(values(&set.key)), data)
}

fn foreign_rule(to: &str) -> Rule {
    let jump = Expr::Verdict(Verdict::Jump(to.into()));
    Rule { comment: "foreign".into(), exprs: vec![Expr::Other("limit".into()), jump] }
}

fn harm(table: &mut Table, damage: &Damage) {
    match *damage {
        Damage::RemoveElement(n) => {
            let mut full: Vec<_> = table.sets.iter_mut().filter(|set| !set.elements.is_empty()).collect();
            pick(&mut full, n).map(|set| set.elements.pop_first());
        }
        Damage::ChangeElement(n) => {
            let mut full: Vec<_> = table.sets.iter_mut().filter(|set| !set.elements.is_empty()).collect();
            if let Some(set) = pick(&mut full, n) {
                let (_, data) = foreign_element(set, 200);
                if let Some(mut first) = set.elements.first_entry() {
                    first.insert(data);
                }
            }
        }
        Damage::AddElement(n, number) => {
            if let Some(set) = pick(&mut table.sets, n) {
                let (key, data) = foreign_element(set, number);
                set.elements.insert(key, data);
            }
        }
        Damage::RemoveRule(c, r) => with_rules(table, c, |rules| {
            let place = r % rules.len();
            rules.remove(place);
        }),
        Damage::MoveRule(c, r) => with_rules(table, c, |rules| {
            let by = r % rules.len();
            rules.rotate_left(by);
        }),
        Damage::RenameRule(c, r) => with_rules(table, c, |rules| {
            let place = r % rules.len();
            rules[place].comment.push('!');
        }),
        Damage::AddRule(c, r) => {
            harm(table, &Damage::AddChain(1));
            with_rules(table, c, |rules| {
                let place = r % rules.len();
                rules.insert(place, foreign_rule("foreign1"));
            });
        }
        Damage::RemoveChain(c) => {
            let names: Vec<String> = table.chains.iter().map(|chain| chain.name.clone()).collect();
            table.chains.retain(|chain| chain.name != names[c % names.len()]);
        }
        Damage::AddChain(n) => {
            let (name, to) = (format!("foreign{n}"), format!("foreign{}", n + 100));
            for (name, rules) in [(name, vec![foreign_rule(&to)]), (to, Vec::new())] {
                if table.chain(&name).is_none() {
                    table.chains.push(Chain { name, base: None, rules });
                }
            }
        }
        Damage::Rehook(n) => {
            if let Some(Base { priority, .. }) = pick(&mut table.chains, n).and_then(|chain| chain.base.as_mut()) {
                *priority += 1;
            }
        }
        Damage::RemoveSet(n) => {
            let names: Vec<String> = table.sets.iter().map(|set| set.name.clone()).collect();
            if !names.is_empty() {
                table.sets.retain(|set| set.name != names[n % names.len()]);
            }
        }
        Damage::Retype(n) => {
            if let Some(set) = pick(&mut table.sets, n) {
                *set = Set { key: vec![Field::Port, Field::Port], elements: BTreeMap::new(), ..set.clone() };
            }
        }
        Damage::AddSet => {
            harm(table, &Damage::AddChain(2));
            let mut set = Set::new("foreign", &[Field::IfName], SetKind::VerdictMap);
            let to = Data::Verdict(Verdict::Goto("foreign2".into()));
            set.elements.insert(Key::exact([Value::Name("eth0".into())]), Some(to));
            table.sets.retain(|set| set.name != "foreign");
            table.sets.push(set);
        }
        Damage::OtherForwarder => {
            let other = pontoon_ruleset::static_table(ForwarderPorts { tcp: 1, udp: 2 });
            table.chains.clone_from(&other.chains);
        }
    }
}

fn with_rules(table: &mut Table, chain: usize, act: impl FnOnce(&mut Vec<Rule>)) {
    let mut full: Vec<_> = table.chains.iter_mut().filter(|chain| !chain.rules.is_empty()).collect();
    if let Some(chain) = pick(&mut full, chain) {
        act(&mut chain.rules);
    }
}

fn kind() -> impl Strategy<Value = BridgeKind> {
    prop_oneof![Just(BridgeKind::Nat), Just(BridgeKind::Internal), Just(BridgeKind::Isolated)]
}

fn bridges() -> impl Strategy<Value = Vec<BridgeRules>> {
    let flags = any::<(bool, bool, bool)>();
    let bridge =
        (kind(), flags).prop_map(|(kind, (icc, masquerade4, masquerade6))| (kind, icc, masquerade4, masquerade6));
    proptest::collection::vec(bridge, 0..5).prop_map(|list| {
        let named = list.into_iter().enumerate().map(|(n, (kind, icc, masquerade4, masquerade6))| {
            let name = format!("br{n}").parse().unwrap();
            BridgeRules { name, kind, icc, masquerade4, masquerade6 }
        });
        named.collect()
    })
}

/// Mappings that share no port, as `pontoon-ports` guarantees.
fn mappings() -> impl Strategy<Value = Vec<PortMapping>> {
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp)];
    let host = prop_oneof![Just("0.0.0.0"), Just("192.0.2.1"), Just("::"), Just("2001:db8::1"), Just("::1")];
    let mapping = (protocol, host, 0..20_u16, any::<bool>(), any::<bool>());
    proptest::collection::vec(mapping, 0..8).prop_map(|list| {
        let apart = list.into_iter().zip(0_u16..).map(|((protocol, host, length, identical, six), n)| {
            let start = 1000 + n * 100;
            let host_ip: std::net::IpAddr = host.parse().unwrap();
            let container_ip = if six && host_ip.is_ipv6() { "fd00::2" } else { "172.18.0.2" };
            PortMapping {
                protocol,
                host_ip,
                host: PortRange { start, end: start + length },
                container_ip: container_ip.parse().unwrap(),
                container_start: if identical { start } else { 80 },
            }
        });
        apart.collect()
    })
}

/// The same things in it, in whatever order sets and chains are.
fn same(a: &Table, b: &Table) -> bool {
    a.same_structure(b) && a.sets.iter().all(|set| b.set(&set.name).is_some_and(|other| set.elements == other.elements))
}

proptest! {
    #[test]
    fn from_any_damage_one_transaction_leads_back_and_nothing_is_left(
        bridges in bridges(), mappings in mappings(), harms in proptest::collection::vec(damage(), 0..6), dormant: bool,
    ) {
        let wanted = wanted(FORWARDER, &bridges, &mappings).unwrap();
        let mut damaged = wanted.clone();
        harms.iter().for_each(|damage| harm(&mut damaged, damage));
        let mut tables = Tables::holding(damaged);
        let mut observed = tables.observe(&wanted.id).unwrap();
        observed.dormant = dormant;
        let transaction = plan(&wanted, Some(&observed));
        tables.commit(&transaction).map_err(|error| TestCaseError::fail(format!("{error}\n{transaction}")))?;
        let observed = tables.observe(&wanted.id).unwrap();
        prop_assert!(same(&observed.table, &wanted), "{}", observed.table);
        prop_assert!(plan(&wanted, Some(&observed)).is_empty());
        prop_assert!(!harms.is_empty() || dormant || transaction.is_empty(), "{}", transaction);
    }

    #[test]
    fn adding_and_removing_elements_agrees_with_the_plan(bridges in bridges(), mappings in mappings()) {
        let empty = wanted(FORWARDER, &[], &[]).unwrap();
        let full = wanted(FORWARDER, &bridges, &mappings).unwrap();
        let mut tables = Tables::default();
        tables.commit(&plan(&empty, None)).unwrap();
        let elements: Vec<Vec<Element>> = bridges
            .iter()
            .map(bridge_elements)
            .chain(mappings.iter().map(|mapping| mapping_elements(mapping).unwrap()))
            .collect();
        for elements in &elements {
            tables.commit(&add(elements.clone())).unwrap();
        }
        prop_assert!(plan(&full, tables.observe(&table_id()).as_ref()).is_empty());
        for elements in elements {
            tables.commit(&remove(elements)).unwrap();
        }
        prop_assert!(plan(&empty, tables.observe(&table_id()).as_ref()).is_empty());
    }

    #[test]
    fn every_mapping_costs_at_most_two_elements_unless_it_shifts_ports(mappings in mappings()) {
        for mapping in mappings {
            let count = mapping_elements(&mapping).unwrap().len();
            let shifts = !mapping.is_identical() && mapping.host.count() > 1;
            prop_assert!(count <= 2 || shifts && count as u32 <= mapping.host.count() + 1, "{count} for {mapping:?}");
        }
    }
}

#[test]
fn a_table_that_is_right_apart_from_its_elements_keeps_its_rules() {
    let bridge = BridgeRules {
        name: "br0".parse().unwrap(),
        kind: BridgeKind::Nat,
        icc: true,
        masquerade4: true,
        masquerade6: true,
    };
    let (before, after) = (wanted(FORWARDER, [], []).unwrap(), wanted(FORWARDER, [&bridge], []).unwrap());
    let transaction = plan(&after, Tables::holding(before).observe(&table_id()).as_ref());
    assert_eq!(transaction.changes.len(), 1, "{transaction}");
    let text = transaction.to_string();
    assert!(text.lines().all(|line| line.starts_with("add element inet pontoon ")), "{text}");
}

#[test]
fn a_sandbox_table_on_other_ports_changes_its_rules_only() {
    let before = Tables::holding(dns_table(1, 2)).observe(&dns_table(1, 2).id);
    let text = plan(&dns_table(3, 4), before.as_ref()).to_string();
    assert!(text.starts_with("flush chain ip pontoon output\nadd rule ip pontoon output "), "{text}");
    assert!(!text.contains("delete"), "{text}");
}
