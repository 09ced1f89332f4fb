//! What a client sends, read in place.
//!
//! Owns: telling plain queries (one question, at most an OPT record) from messages that need a whole decoder, and both
//! from nonsense. Allocates nothing.

use super::header::{self, Header};
use super::{OPT_LEN, name, rtype, u16_at, u32_at};

/// A plain query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Query<'m> {
    pub(crate) id: u16,
    pub(crate) flags: u16,
    /// The question: name, type, class.
    pub(crate) section: &'m [u8],
    /// Its name, uncompressed.
    pub(crate) name: &'m [u8],
    pub(crate) qtype: u16,
    pub(crate) qclass: u16,
    pub(crate) edns: Option<Edns<'m>>,
}

/// What an OPT record says (RFC 6891).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edns<'m> {
    /// The size of UDP answers that the client takes.
    pub(crate) size: u16,
    pub(crate) version: u8,
    pub(crate) dnssec_ok: bool,
    /// Options, well formed.
    pub(crate) options: &'m [u8],
}

/// What a datagram turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read<'m> {
    /// The usual.
    Plain(Query<'m>),
    /// Well formed as far as was looked, but more than one question, or records in places where few put them.
    Unusual(Header),
    /// A query in pieces: FORMERR.
    Malformed(Header),
    /// Another operation than a query: NOTIMP.
    OtherOperation(Header),
    /// No header, an answer, or no question: silence.
    Nothing,
}

/// Bit of an OPT record's flags.
const DNSSEC_OK: u32 = 0x8000;

/// Reads what a client sent.
pub(crate) fn read(message: &[u8]) -> Read<'_> {
    let Some(header) = Header::read(message) else { return Read::Nothing };
    match (header.is_response(), header.opcode(), header.counts) {
        (true, ..) => Read::Nothing,
        (_, 1.., _) => Read::OtherOperation(header),
        (_, _, [0, ..]) => Read::Nothing,
        (_, _, [1, 0, 0, additional @ (0 | 1)]) => match plain(message, &header, additional == 1) {
            Some(query) => Read::Plain(query),
            None if additional == 1 && question(message, &header).is_some() => Read::Unusual(header),
            None => Read::Malformed(header),
        },
        _ => Read::Unusual(header),
    }
}

/// The first question of a message.
pub(crate) fn question<'m>(message: &'m [u8], header: &Header) -> Option<Query<'m>> {
    let rest = message.get(header::LEN..)?;
    let length = name::uncompressed_len(rest)?;
    let (qtype, qclass) = (u16_at(rest, length)?, u16_at(rest, length + 2)?);
    let (section, name) = (rest.get(..length + 4)?, rest.get(..length)?);
    Some(Query { id: header.id, flags: header.flags, section, name, qtype, qclass, edns: None })
}

fn plain<'m>(message: &'m [u8], header: &Header, has_more: bool) -> Option<Query<'m>> {
    let mut query = question(message, header)?;
    if has_more {
        let rest = message.get(header::LEN + query.section.len()..)?;
        query.edns = Some(edns(rest)?);
    }
    // What stands after the last record is ignored, as everybody does.
    Some(query)
}

/// The OPT record at the start of `bytes`.
fn edns(bytes: &[u8]) -> Option<Edns<'_>> {
    let (root, kind) = (*bytes.first()?, u16_at(bytes, 1)?);
    if root != 0 || kind != rtype::OPT {
        return None;
    }
    let (size, extended) = (u16_at(bytes, 3)?, u32_at(bytes, 5)?);
    let options = bytes.get(OPT_LEN..OPT_LEN + usize::from(u16_at(bytes, 9)?))?;
    if !Options(options).all(|option| option.is_some()) {
        return None;
    }
    let [_, version, ..] = extended.to_be_bytes();
    Some(Edns { size, version, dnssec_ok: extended & DNSSEC_OK != 0, options })
}

/// The options of an OPT record: code and the whole option; `None` once where they are malformed.
pub(crate) struct Options<'m>(pub(crate) &'m [u8]);

impl<'m> Iterator for Options<'m> {
    type Item = Option<(u16, &'m [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let split = |bytes: &'m [u8]| {
            let (code, length) = (u16_at(bytes, 0)?, usize::from(u16_at(bytes, 2)?));
            let (option, rest) = bytes.split_at_checked(4 + length)?;
            Some((code, option, rest))
        };
        let Some((code, option, rest)) = split(self.0) else {
            self.0 = &[];
            return Some(None);
        };
        self.0 = rest;
        Some(Some((code, option)))
    }
}
