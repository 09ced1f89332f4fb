//! A transaction as one nfnetlink batch.
//!
//! Owns: the messages of a batch, and which change each of them stands for. Pure; must never send anything.

use super::encode;
use super::number::{self, attribute as at};
use crate::netlink::Attributes;
use netlink_packet_core::{NLA_F_NESTED, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST};
use pontoon_kernel::nft::{Change, Element, SetName, Transaction};
use pontoon_kernel::{Error, Kind, Result};
use std::collections::BTreeMap;

/// A list of elements must fit an attribute of 64 KiB, with its set's name beside it.
const LIST_BYTES: usize = 60 * 1024;
/// The kernel keeps a comment of at most this many bytes (of 128, with its terminator).
const COMMENT_BYTES: usize = 127;

/// A batch ready to be sent.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    /// What each message does; the message's sequence number is [`Batch::FIRST`] plus its place here.
    acts: Vec<String>,
}

/// One message to be put in a batch.
struct Message {
    kind: libc::c_int,
    flags: u16,
    attributes: Attributes,
    act: String,
}

impl Batch {
    /// The first sequence number; far from those of single requests on the same socket.
    pub const FIRST: u32 = 0x7000_0000;

    /// The batch for `transaction`. `Invalid` when it asks for what cannot be said: an over-long comment, ranges over a
    /// single field.
    pub fn encode(transaction: &Transaction) -> Result<Self> {
        let family = number::family(transaction.table.family);
        let mut messages = Vec::new();
        for (change, id) in transaction.changes.iter().zip(1..) {
            messages.extend(self::messages(transaction, change, id)?);
        }
        let mut batch = Self::default();
        let count = messages.len();
        batch.push(libc::NFNL_MSG_BATCH_BEGIN as u16, 0, (0, libc::NFNL_SUBSYS_NFTABLES as u16), &[]);
        batch.acts.push(format!("change table {}", transaction.table));
        for (message, place) in messages.into_iter().zip(1..) {
            // Refusals are told in any case; one acknowledgement tells that there was none. (The kernel heeds the flag on
            // the end of the batch only since 6.10.)
            let ack = if place == count { NLM_F_ACK } else { 0 };
            let body = message.attributes.into_bytes();
            batch.push(number::message(message.kind), message.flags | ack, (family, 0), &body);
            batch.acts.push(message.act);
        }
        batch.push(libc::NFNL_MSG_BATCH_END as u16, 0, (0, libc::NFNL_SUBSYS_NFTABLES as u16), &[]);
        batch.acts.push(format!("commit to table {}", transaction.table));
        Ok(batch)
    }

    /// The bytes to send in one datagram.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the message with that sequence number does; `None` when it is none of this batch.
    pub fn act(&self, sequence: u32) -> Option<&str> {
        let place = sequence.checked_sub(Self::FIRST)?;
        self.acts.get(usize::try_from(place).ok()?).map(String::as_str)
    }

    /// The sequence number of the message that is acknowledged: the last before the end.
    pub fn last(&self) -> u32 {
        Self::FIRST + (self.acts.len() as u32).saturating_sub(2)
    }

    fn push(&mut self, kind: u16, flags: u16, (family, resource): (u8, u16), body: &[u8]) {
        let sequence = Self::FIRST + self.acts.len() as u32;
        self.bytes.extend((20 + body.len() as u32).to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((flags | NLM_F_REQUEST).to_ne_bytes());
        self.bytes.extend(sequence.to_ne_bytes());
        self.bytes.extend(0u32.to_ne_bytes());
        // struct nfgenmsg: family, version 0, resource in network byte order.
        self.bytes.extend([family, 0]);
        self.bytes.extend(resource.to_be_bytes());
        self.bytes.extend(body);
    }
}

/// The messages for one change. `id` is its place in the transaction.
fn messages(transaction: &Transaction, change: &Change, id: u32) -> Result<Vec<Message>> {
    let table = &transaction.table;
    let name = table.name.as_str();
    let one = |kind, flags, attributes, act| Ok(vec![Message { kind, flags, attributes, act }]);
    let named = || Attributes::default().text(at::table::NAME, name);
    match change {
        Change::AddTable => one(libc::NFT_MSG_NEWTABLE, NLM_F_CREATE, named(), format!("add table {table}")),
        Change::DeleteTable => one(libc::NFT_MSG_DELTABLE, 0, named(), format!("delete table {table}")),
        Change::AddSet(set) => {
            let act = format!("add set {} to table {table}", set.name);
            if set.interval && set.key.len() < 2 {
                return Err(Error::new(Kind::Invalid, act, "ranges need a key of two fields or more"));
            }
            one(libc::NFT_MSG_NEWSET, NLM_F_CREATE, encode::set(name, set, id), act)
        }
        Change::AddChain(chain) => {
            let act = format!("add chain {} to table {table}", chain.name);
            one(libc::NFT_MSG_NEWCHAIN, NLM_F_CREATE, encode::chain(name, chain), act)
        }
        Change::FlushChain(chain) => {
            let attributes = Attributes::default().text(at::rule::TABLE, name).text(at::rule::CHAIN, chain);
            one(libc::NFT_MSG_DELRULE, 0, attributes, format!("flush chain {chain} of table {table}"))
        }
        Change::DeleteChain(chain) => {
            let attributes = Attributes::default().text(at::chain::TABLE, name).text(at::chain::NAME, chain);
            one(libc::NFT_MSG_DELCHAIN, 0, attributes, format!("delete chain {chain} of table {table}"))
        }
        Change::DeleteSet(set) => {
            let attributes = Attributes::default().text(at::set::TABLE, name).text(at::set::NAME, set);
            one(libc::NFT_MSG_DELSET, 0, attributes, format!("delete set {set} of table {table}"))
        }
        Change::AddRule(chain, rule) => {
            let act = format!("add rule \"{}\" to chain {chain} of table {table}", rule.comment);
            if rule.comment.len() > COMMENT_BYTES {
                return Err(Error::new(Kind::Invalid, act, "the comment is too long"));
            }
            let flags = NLM_F_CREATE | NLM_F_APPEND;
            one(libc::NFT_MSG_NEWRULE, flags, encode::rule(name, chain, rule), act)
        }
        Change::AddElements(elements) => Ok(lists(transaction, elements, libc::NFT_MSG_NEWSETELEM)),
        Change::DeleteElements(elements) => Ok(lists(transaction, elements, libc::NFT_MSG_DELSETELEM)),
    }
}

/// Elements, by set, in lists as long as an attribute can be.
fn lists(transaction: &Transaction, elements: &[Element], kind: libc::c_int) -> Vec<Message> {
    let add = kind == libc::NFT_MSG_NEWSETELEM;
    let mut by_set: BTreeMap<&SetName, Vec<&Element>> = BTreeMap::new();
    for element in elements {
        by_set.entry(&element.set).or_default().push(element);
    }
    let mut messages = Vec::new();
    for (set, elements) in by_set {
        let mut list = List::default();
        for element in elements {
            let bytes = encode::element(element, add).into_bytes();
            if list.bytes + bytes.len() > LIST_BYTES {
                messages.push(std::mem::take(&mut list).message(transaction, set, kind));
            }
            list.push(element, &bytes);
        }
        messages.push(list.message(transaction, set, kind));
    }
    messages
}

/// A list of elements being filled.
#[derive(Default)]
struct List {
    attributes: Attributes,
    bytes: usize,
    count: usize,
    first: String,
}

impl List {
    fn push(&mut self, element: &Element, bytes: &[u8]) {
        if self.count == 0 {
            self.first = element.to_string();
        }
        self.count += 1;
        self.bytes += bytes.len() + 4;
        self.attributes = std::mem::take(&mut self.attributes).with(at::list::ELEMENT | NLA_F_NESTED, bytes);
    }

    fn message(self, transaction: &Transaction, set: &str, kind: libc::c_int) -> Message {
        let table = &transaction.table;
        let attributes = Attributes::default()
            .text(at::elements::TABLE, &table.name)
            .text(at::elements::SET, set)
            .nest(at::elements::LIST, self.attributes);
        let (verb, word, flags) = match kind {
            libc::NFT_MSG_NEWSETELEM => ("add", "to", NLM_F_CREATE),
            _ => ("delete", "from", 0),
        };
        let what = match self.count {
            1 => format!("element {}", self.first),
            count => format!("{count} elements ({} and others)", self.first),
        };
        Message { kind, flags, attributes, act: format!("{verb} {what} {word} set {set} of table {table}") }
    }
}
