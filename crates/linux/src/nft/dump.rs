//! Reading a table from the kernel.
//!
//! Owns: the questions, and putting their answers together to one consistent table. Must never trust an answer's shape.

use super::number::{self, attribute as at};
use super::{decode, nfgenmsg};
use crate::netlink::{Attributes, Frame, Refusal, Request, Socket, frames};
use pontoon_kernel::nft::{Chain, Observed, Rule, Set, Table, TableFamily, TableId};
use pontoon_kernel::{Error, Kind, Result};
use std::collections::BTreeMap;

/// How often reading starts again when somebody commits a change meanwhile.
const ATTEMPTS: usize = 16;
/// `struct nfgenmsg` stands before the attributes.
const HEADER: usize = 4;

/// The table as the kernel has it; `None` when it is not there.
///
/// `socket` is a netfilter socket of the namespace. When other programs change nf_tables all the time, so that no
/// consistent picture is had in several attempts, it is `Busy`.
pub fn observe(socket: &mut Socket, id: &TableId) -> Result<Option<Observed>> {
    let act = || format!("read table {id}");
    for _ in 0..ATTEMPTS {
        let before = generation(socket).map_err(|refusal| refusal.into_error(act()))?;
        let observed = match read(socket, id, before) {
            Ok(observed) => observed,
            // The table, or a set of it, went between two questions.
            Err(refusal) if refusal.errno == libc::ENOENT => None,
            Err(refusal) => return Err(refusal.into_error(act())),
        };
        if generation(socket).map_err(|refusal| refusal.into_error(act()))? == before {
            return Ok(observed);
        }
    }
    Err(Error::new(Kind::Busy, act(), "another program changes nf_tables all the time"))
}

fn read(socket: &mut Socket, id: &TableId, generation: u32) -> std::result::Result<Option<Observed>, Refusal> {
    let name = id.name.as_str();
    let question = |kind, attributes: Attributes| request(id.family, kind, attributes);
    let table = question(libc::NFT_MSG_GETTABLE, Attributes::default().text(at::table::NAME, name));
    let flags = match socket.ask(&table, |frame| decode::number(body(frame), at::table::FLAGS)) {
        Ok(flags) => flags.first().copied().unwrap_or(0),
        Err(refusal) if refusal.errno == libc::ENOENT => return Ok(None),
        Err(refusal) => return Err(refusal),
    };
    let chains = question(libc::NFT_MSG_GETCHAIN, Attributes::default().text(at::chain::TABLE, name));
    let chains = socket.dump(&chains, |frame, found| found.extend(decode::chain(body(frame), name)))?;
    let rules = question(libc::NFT_MSG_GETRULE, Attributes::default().text(at::rule::TABLE, name));
    let rules = socket.dump(&rules, |frame, found| found.extend(decode::rule(body(frame), name)))?;
    let sets = question(libc::NFT_MSG_GETSET, Attributes::default().text(at::set::TABLE, name));
    let mut sets = socket.dump(&sets, |frame, found| found.extend(decode::set(body(frame), name)))?;
    for set in &mut sets {
        fill(socket, id, set)?;
    }
    let table = Table { id: id.clone(), sets, chains: with_rules(chains, rules) };
    // NFT_TABLE_F_DORMANT is 1.
    Ok(Some(Observed { generation, dormant: flags & 1 != 0, table }))
}

/// Reads the elements of `set`.
fn fill(socket: &mut Socket, id: &TableId, set: &mut Set) -> std::result::Result<(), Refusal> {
    let question = Attributes::default().text(at::elements::TABLE, &id.name).text(at::elements::SET, &set.name);
    let question = request(id.family, libc::NFT_MSG_GETSETELEM, question);
    let elements = socket.dump(&question, |frame, found| found.extend(decode::elements(body(frame), set)))?;
    set.elements.extend(elements.into_iter().map(|element| (element.key, element.data)));
    Ok(())
}

/// The kernel's count of commits in this namespace.
fn generation(socket: &mut Socket) -> std::result::Result<u32, Refusal> {
    let question = request(TableFamily::Inet, libc::NFT_MSG_GETGEN, Attributes::default());
    let answers = socket.ask(&question, |frame| decode::number(body(frame), at::generation::ID))?;
    answers.first().copied().ok_or_else(Refusal::malformed)
}

fn request(family: TableFamily, kind: libc::c_int, attributes: Attributes) -> Request {
    let body = [&nfgenmsg(number::family(family))[..], &attributes.into_bytes()].concat();
    Request { kind: number::message(kind), flags: 0, body }
}

fn body<'a>(frame: &Frame<'a>) -> &'a [u8] {
    frame.payload.get(HEADER..).unwrap_or_default()
}

fn with_rules(mut chains: Vec<Chain>, rules: Vec<(String, Rule)>) -> Vec<Chain> {
    let mut by_chain: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
    for (chain, rule) in rules {
        by_chain.entry(chain).or_default().push(rule);
    }
    for chain in &mut chains {
        chain.rules = by_chain.remove(&chain.name).unwrap_or_default();
    }
    chains
}

/// Puts together the table that a datagram of `new` messages describes: those of a batch and those of a dump are alike.
///
/// For fuzzing and for tests that what is encoded is read back.
pub fn from_messages(family: TableFamily, name: &str, datagram: &[u8]) -> Table {
    let id = TableId::new(family, name);
    let of = |kind: libc::c_int| {
        let kind = number::message(kind);
        frames(datagram).filter(move |frame| frame.kind == kind)
    };
    let chains = of(libc::NFT_MSG_NEWCHAIN).filter_map(|frame| decode::chain(body(&frame), name)).collect();
    let rules = of(libc::NFT_MSG_NEWRULE).filter_map(|frame| decode::rule(body(&frame), name)).collect();
    let mut sets: Vec<Set> = of(libc::NFT_MSG_NEWSET).filter_map(|frame| decode::set(body(&frame), name)).collect();
    for set in &mut sets {
        let mine = |frame: &Frame<'_>| decode::text(body(frame), at::elements::SET) == Some(set.name.as_str());
        let found: Vec<_> = of(libc::NFT_MSG_NEWSETELEM)
            .filter(mine)
            .flat_map(|frame| decode::elements(body(&frame), set).collect::<Vec<_>>())
            .collect();
        set.elements.extend(found.into_iter().map(|element| (element.key, element.data)));
    }
    Table { id, sets, chains: with_rules(chains, rules) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nft::Batch;
    use pontoon_kernel::nft::{
        Base, ChainType, Checksum, CmpOp, CtKey, Data, Element, Expr, FibFlags, Field, HeaderBase, Hook, Key, MetaKey,
        NatFamily, Policy, Register, SetKind, Slice, Transaction, Value, Verdict,
    };
    use proptest::prelude::*;

    /// Every expression there is.
    fn exprs() -> Vec<Expr> {
        let (a, b) = (Register(0), Register(5));
        let slice = |base, offset, len| Slice { base, offset, len };
        let payload = slice(HeaderBase::Network, 12, 4);
        let port = slice(HeaderBase::Transport, 2, 2);
        let metas = [MetaKey::NfProto, MetaKey::L4Proto, MetaKey::Iif, MetaKey::IifName, MetaKey::OifName];
        let mut exprs: Vec<Expr> = metas.map(|key| Expr::Meta { key, to: a }).into();
        exprs.extend([CtKey::State, CtKey::Status, CtKey::Direction].map(|key| Expr::Ct { key, to: b }));
        exprs.extend([FibFlags::Daddr, FibFlags::Saddr].map(|of| Expr::Fib { of, to: a }));
        exprs.extend([CmpOp::Eq, CmpOp::Ne].map(|op| Expr::Cmp { op, from: b, value: vec![1, 2, 3] }));
        exprs.extend([true, false].map(|inverted| Expr::Lookup { set: "s".into(), from: a, inverted }));
        let checksums = [None, Some(Checksum { offset: 6 })];
        exprs.extend(checksums.map(|checksum| Expr::PayloadStore { slice: port, from: b, checksum }));
        let nat = |family, port| Expr::Dnat { family, address: a, port };
        exprs.extend([nat(NatFamily::Ip, None), nat(NatFamily::Ip6, Some(b))]);
        let chains = [Verdict::Jump("c".into()), Verdict::Goto("c".into())];
        let verdicts = [Verdict::Accept, Verdict::Drop, Verdict::Return].into_iter().chain(chains);
        exprs.extend(verdicts.map(Expr::Verdict));
        exprs.extend([
            Expr::Payload { slice: payload, to: b },
            Expr::Immediate { value: vec![0, 80], to: b },
            Expr::Bitwise { from: a, to: b, mask: vec![0xff, 0], xor: vec![0, 1] },
            Expr::Map { map: "m".into(), from: a, to: b },
            Expr::VerdictMap { map: "v".into(), from: a },
            Expr::Redirect { port: b },
            Expr::Masquerade,
            Expr::Notrack,
            Expr::Counter,
        ]);
        exprs
    }

    fn table() -> Table {
        let mut table = Table::new(TableId::new(TableFamily::Inet, "t"));
        let fields = [Field::Ipv6, Field::Protocol, Field::Port];
        table.sets.push(Set::new("v", &[Field::IfName], SetKind::VerdictMap));
        table.sets.push(Set::new("m", &fields, SetKind::Map(vec![Field::Ipv4, Field::Port])));
        table.sets.push(Set::new("r", &fields, SetKind::Set).with_ranges());
        let base = Base { chain_type: ChainType::Nat, hook: Hook::Output, priority: -100, policy: Policy::Drop };
        let rules =
            vec![Rule { comment: "all of them".into(), exprs: exprs() }, Rule { comment: "".into(), exprs: vec![] }];
        table.chains.push(Chain { name: "base".into(), base: Some(base), rules });
        table.chains.push(Chain { name: "c".into(), base: None, rules: vec![] });
        table
    }

    fn key(protocol: u8, port: u16) -> Vec<Value> {
        vec![Value::Ipv6(std::net::Ipv6Addr::LOCALHOST), Value::Protocol(protocol), Value::Port(port)]
    }

    fn read_back(table: &Table) -> Table {
        let batch = Batch::encode(&Transaction::create(table)).unwrap();
        from_messages(table.id.family, &table.id.name, batch.bytes())
    }

    #[test]
    fn what_is_encoded_is_decoded_the_same() {
        let mut table = table();
        let verdict = Some(Data::Verdict(Verdict::Goto("c".into())));
        let name = Key::exact([Value::Name("br-0123456789ab".into())]);
        table.insert(Element { set: "v".into(), key: name, data: verdict }).unwrap();
        let range = Key::range(key(6, 1), key(6, 9));
        table.insert(Element { set: "r".into(), key: range, data: None }).unwrap();
        assert_eq!(read_back(&table), table);
    }

    #[test]
    fn ten_thousand_elements_are_cut_into_lists_that_fit() {
        let mut table = table();
        for port in 1..=10_000 {
            let data = Some(Data::Values(vec![Value::Ipv4([10, 0, 0, 2].into()), Value::Port(port)]));
            table.insert(Element { set: "m".into(), key: Key::exact(key(17, port)), data }).unwrap();
        }
        assert_eq!(read_back(&table), table);
        let batch = Batch::encode(&Transaction::create(&table)).unwrap();
        let lists = frames(batch.bytes()).filter(|frame| frame.kind == number::message(libc::NFT_MSG_NEWSETELEM));
        assert!(lists.count() > 5);
    }

    #[test]
    fn foreign_expressions_and_flags_are_other() {
        let mut attributes = Attributes::default().text(at::expression::NAME, "limit");
        attributes = attributes.nest(at::expression::DATA, Attributes::default().number(1, 7));
        let limit = super::super::decode_expr::expression(&attributes.into_bytes());
        assert_eq!(limit, Expr::Other("limit".into()));
        let masquerade = Attributes::default()
            .text(at::expression::NAME, "masq")
            .nest(at::expression::DATA, Attributes::default().number(at::masquerade::FLAGS, 4));
        let random = super::super::decode_expr::expression(&masquerade.into_bytes());
        assert_eq!(random, Expr::Other("masq".into()));
    }

    proptest! {
        #[test]
        fn any_datagram_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = from_messages(TableFamily::Inet, "t", &bytes);
        }

        #[test]
        fn a_damaged_datagram_is_read_without_panic(
            places in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..20),
        ) {
            let mut table = table();
            table.insert(Element { set: "r".into(), key: Key::range(key(6, 1), key(6, 9)), data: None }).unwrap();
            let mut bytes = Batch::encode(&Transaction::create(&table)).unwrap().bytes().to_vec();
            for (place, byte) in places {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            let _ = from_messages(TableFamily::Inet, "t", &bytes).to_string();
        }
    }
}
