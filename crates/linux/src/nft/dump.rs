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
