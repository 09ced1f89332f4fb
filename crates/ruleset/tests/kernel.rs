//! The kernel takes the rule set, tells it back unchanged, and `nft` prints it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod support;

use pontoon_kernel::nft::{Table, Transaction};
use pontoon_kernel::{Kernel, Kind, Netns};
use pontoon_linux::Linux;
use pontoon_ruleset::{add, dns_table, forwarder_ports, plan, remove, static_table, wanted};
use pontoon_types::{PortMapping, Protocol};
use support::Namespace;
use support::world::{FORWARDER, bridges, mapping};

fn some_mappings() -> Vec<PortMapping> {
    vec![
        mapping(Protocol::Tcp, "0.0.0.0", "8080", "10.1.0.11", 80),
        mapping(Protocol::Udp, "192.0.2.1", "8080", "10.1.0.11", 80),
        mapping(Protocol::Sctp, "0.0.0.0", "9-12", "10.1.0.11", 80),
        mapping(Protocol::Tcp, "0.0.0.0", "8000-8010", "10.1.0.11", 8000),
        mapping(Protocol::Udp, "127.0.0.1", "8000-8010", "10.1.0.11", 8000),
        mapping(Protocol::Tcp, "::", "8080", "fd01::11", 80),
        mapping(Protocol::Tcp, "2001:db8::1", "8081", "fd01::11", 80),
        mapping(Protocol::Tcp, "::", "8000-8010", "fd01::11", 8000),
        mapping(Protocol::Udp, "2001:db8::1", "8000-8010", "fd01::11", 8000),
        mapping(Protocol::Udp, "::1", "8085", "fd01::11", 80),
        mapping(Protocol::Tcp, "::", "9000", "10.1.0.11", 80),
        mapping(Protocol::Udp, "2001:db8::1", "9000-9010", "10.1.0.11", 80),
    ]
}

fn whole() -> Table {
    wanted(FORWARDER, &bridges(), &some_mappings()).unwrap()
}

fn in_kernel<T: Send>(act: impl FnOnce(&Linux) -> T + Send) -> T {
    Namespace::new().run(|| act(&Linux::new().unwrap()))
}

#[test]
fn what_is_committed_is_read_back_and_leaves_nothing_to_do() {
    for table in [whole(), dns_table(40001, 40002), static_table(FORWARDER)] {
        in_kernel(|linux| {
            assert_eq!(linux.table(&Netns::Host, &table.id).unwrap(), None);
            linux.commit(&Netns::Host, &plan(&table, None)).unwrap();
            let observed = linux.table(&Netns::Host, &table.id).unwrap().unwrap();
            for set in &table.sets {
                assert_eq!(observed.table.set(&set.name), Some(set), "{}", set.name);
            }
            for chain in &table.chains {
                assert_eq!(observed.table.chain(&chain.name), Some(chain), "{}", chain.name);
            }
            assert_eq!(plan(&table, Some(&observed)).to_string(), "");
            linux.commit(&Netns::Host, &Transaction::replace(&table)).unwrap();
            let observed = linux.table(&Netns::Host, &table.id).unwrap().unwrap();
            assert_eq!(plan(&table, Some(&observed)).to_string(), "");
            linux.commit(&Netns::Host, &Transaction::delete(table.id.clone())).unwrap();
            assert_eq!(linux.table(&Netns::Host, &table.id).unwrap(), None);
        });
    }
}

#[test]
fn the_forwarder_ports_can_be_read_back_from_the_rules() {
    in_kernel(|linux| {
        linux.commit(&Netns::Host, &plan(&whole(), None)).unwrap();
        let observed = linux.table(&Netns::Host, &whole().id).unwrap().unwrap();
        assert_eq!(forwarder_ports(&observed), Some(FORWARDER));
    });
}

#[test]
fn nft_prints_the_table_and_takes_its_own_print_again() {
    for table in [whole(), dns_table(40001, 40002)] {
        let namespace = Namespace::new();
        namespace.run(|| Linux::new().unwrap().commit(&Netns::Host, &plan(&table, None)).unwrap());
        let print = namespace.command("nft", "list ruleset");
        for chain in &table.chains {
            assert!(print.contains(&format!("chain {} {{", chain.name)), "{print}");
            for rule in &chain.rules {
                assert!(print.contains(&format!("comment \"{}\"", rule.comment)), "{print}");
            }
        }
        // "@nh,128,32" or "meta nfproto 2" would mean that nft does not understand what it sees.
        assert!(!print.contains("@nh") && !print.contains("@th"), "{print}");
        let other = Namespace::new();
        let output = other.nft(&print);
        assert!(output.status.success(), "{}\n{print}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(other.command("nft", "list ruleset"), print);
    }
}

#[test]
fn elements_come_and_go_with_the_kernels_own_answers() {
    in_kernel(|linux| {
        let elements = pontoon_ruleset::mapping_elements(&some_mappings()[0]).unwrap();
        let error = linux.commit(&Netns::Host, &add(elements.clone())).unwrap_err();
        assert_eq!(error.kind, Kind::NotFound, "{error}");
        linux.commit(&Netns::Host, &plan(&static_table(FORWARDER), None)).unwrap();
        linux.commit(&Netns::Host, &add(elements.clone())).unwrap();
        linux.commit(&Netns::Host, &add(elements.clone())).unwrap();
        let moved = mapping(Protocol::Tcp, "0.0.0.0", "8080", "10.1.0.12", 80);
        let moved = pontoon_ruleset::mapping_elements(&moved).unwrap();
        let error = linux.commit(&Netns::Host, &add(moved)).unwrap_err();
        assert_eq!(error.kind, Kind::Exists, "{error}");
        assert!(error.act.contains("tcp . 8080") && error.act.contains("dnat4_any"), "{error}");
        linux.commit(&Netns::Host, &remove(elements.clone())).unwrap();
        let error = linux.commit(&Netns::Host, &remove(elements)).unwrap_err();
        assert_eq!(error.kind, Kind::NotFound, "{error}");
    });
}

/// What other hands may do, in `nft`'s words.
const DAMAGE: &[&str] = &[
    "flush ruleset",
    "delete table inet pontoon",
    "flush table inet pontoon",
    "flush chain inet pontoon forward",
    "insert rule inet pontoon forward accept",
    "add rule inet pontoon forward tcp dport { 80, 443 } counter accept",
    "add rule inet pontoon input limit rate 10/second accept comment \"as above\"",
    "add rule inet pontoon input ct original bytes > 100 drop",
    "add rule inet pontoon postrouting masquerade random",
    "add rule inet pontoon input meta mark set 1",
    "add rule inet pontoon input ether saddr 00:00:00:00:00:01 drop",
    "add rule inet pontoon input tcp dport vmap { 22 : accept, 23 : drop }",
    "flush set inet pontoon same_bridge",
    "flush map inet pontoon into",
    "delete element inet pontoon into { \"br-a\" }",
    "add element inet pontoon into { \"eth0\" : accept }",
    "add element inet pontoon dnat4_any { tcp . 22 : 192.0.2.9 . 22 }",
    "add element inet pontoon range4_any { tcp . 30000-30010 : 192.0.2.9 }",
    "delete element inet pontoon dnat4_any { tcp . 8080 }\nadd element inet pontoon dnat4_any { tcp . 8080 : 192.0.2.9 . 22 }",
    "add chain inet pontoon other\nadd rule inet pontoon other accept\ninsert rule inet pontoon input jump other",
    "add chain inet pontoon other { type filter hook input priority 5; policy drop; }",
    "add set inet pontoon other { type ipv4_addr; flags interval, timeout; }\nadd element inet pontoon other { 10.0.0.0/8 timeout 1h }",
    "add map inet pontoon other { type mark : verdict; }\nadd element inet pontoon other { 1 : goto border }",
    "add table inet pontoon { flags dormant; }",
    "add chain inet pontoon forward { policy drop; }",
    "add counter inet pontoon visitors",
];

#[test]
fn whatever_other_hands_do_to_the_table_is_repaired() {
    let wanted = whole();
    for damage in DAMAGE {
        let namespace = Namespace::new();
        let observe = || namespace.run(|| Linux::new().unwrap().table(&Netns::Host, &wanted.id).unwrap());
        let repair = || {
            let transaction = plan(&wanted, observe().as_ref());
            namespace.run(|| Linux::new().unwrap().commit(&Netns::Host, &transaction)).unwrap();
            transaction
        };
        repair();
        let output = namespace.nft(&format!("{damage}\n"));
        assert!(output.status.success(), "{damage}: {}", String::from_utf8_lossy(&output.stderr));
        let transaction = repair();
        assert_eq!(plan(&wanted, observe().as_ref()).to_string(), "", "after {damage}");
        // A named counter of another hand hurts nobody and is left alone.
        assert_eq!(transaction.is_empty(), damage.starts_with("add counter"), "{damage}: {transaction}");
    }
}

#[test]
fn a_table_of_another_hand_is_neither_read_nor_touched() {
    let namespace = Namespace::new();
    let other = "table inet other {\nset same_bridge {\ntype ifname . ifname\n}\nchain forward {\ntype filter hook forward priority 0\naccept\n}\n}\n";
    assert!(namespace.nft(other).status.success());
    let before = namespace.command("nft", "list ruleset");
    namespace.run(|| {
        let linux = Linux::new().unwrap();
        assert_eq!(linux.table(&Netns::Host, &whole().id).unwrap(), None);
        linux.commit(&Netns::Host, &plan(&whole(), None)).unwrap();
        let observed = linux.table(&Netns::Host, &whole().id).unwrap();
        assert!(plan(&whole(), observed.as_ref()).is_empty());
        linux.commit(&Netns::Host, &Transaction::delete(whole().id)).unwrap();
    });
    assert_eq!(namespace.command("nft", "list ruleset"), before);
}

#[test]
fn a_comment_that_nft_could_not_print_is_refused_before_anything_is_sent() {
    in_kernel(|linux| {
        let mut table = static_table(FORWARDER);
        table.chains[0].rules[0].comment = "x".repeat(128);
        let error = linux.commit(&Netns::Host, &plan(&table, None)).unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{error}");
        assert_eq!(linux.table(&Netns::Host, &table.id).unwrap(), None);
    });
}
