//! A query that nobody here can answer, kept while servers outside are asked.
//!
//! Owns: what of a client's query is passed on, and which queries are the same for the cache.

use super::header::{Header, flag};
use super::query::{Options, Query};
use super::{OUR_UDP_SIZE, rtype};
use std::sync::Arc;

/// What is passed on of a query's flags.
const PASSED: u16 = flag::RD | flag::AD | flag::CD;
/// Options that concern only one hop (cookie, keep-alive, padding): RFC 7873, 7828, 7830.
const HOP_BY_HOP: [u16; 3] = [10, 11, 12];

/// A query to forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub(crate) id: u16,
    pub(crate) flags: u16,
    /// Name as asked, type, class.
    pub(crate) section: Box<[u8]>,
    pub(crate) qtype: u16,
    pub(crate) edns: Option<Asked>,
    /// The longest answer that the client takes.
    pub(crate) limit: usize,
}

/// The client's OPT record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) dnssec_ok: bool,
    /// Options to pass on.
    pub(crate) options: Box<[u8]>,
}

/// What makes two queries the same: name regardless of case, type, class, flags, EDNS and its DNSSEC bit.
pub(crate) type Key = Arc<[u8]>;

impl Question {
    /// Keeps what is needed of a query.
    pub(crate) fn new(query: &Query<'_>, limit: usize) -> Self {
        let edns = query.edns.map(|edns| {
            let passed = Options(edns.options).flatten().filter(|(code, _)| !HOP_BY_HOP.contains(code));
            let options = passed.flat_map(|(_, option)| option.iter().copied()).collect();
            Asked { dnssec_ok: edns.dnssec_ok, options }
        });
        let section = query.section.into();
        Self { id: query.id, flags: query.flags & PASSED, section, qtype: query.qtype, edns, limit }
    }

    /// What it is cached under; `None` when it has options that may change the answer for this client alone.
    pub(crate) fn key(&self) -> Option<Key> {
        let bits = match &self.edns {
            None => 0,
            Some(edns) if edns.options.is_empty() => 1 | u8::from(edns.dnssec_ok) << 1,
            Some(_) => return None,
        };
        let [high, low] = self.flags.to_be_bytes();
        // Lengths are at most 63, below the upper-case letters; type and class are told apart by their place.
        let (name, rest) = self.section.split_at(self.section.len().saturating_sub(4));
        let name = name.iter().map(u8::to_ascii_lowercase);
        Some(name.chain(rest.iter().copied()).chain([high, low, bits]).collect())
    }

    /// The message for a server outside.
    pub(crate) fn message(&self, id: u16) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.section.len());
        let counts = [1, 0, 0, u16::from(self.edns.is_some())];
        Header { id, flags: self.flags, counts }.append_to(&mut out);
        out.extend_from_slice(&self.section);
        if let Some(edns) = &self.edns {
            super::reply::append_opt(&mut out, OUR_UDP_SIZE, 0, edns.dnssec_ok);
            // Options were read from a record of at most 65535 bytes.
            let at = out.len() - 2;
            super::put_u16(&mut out, at, u16::try_from(edns.options.len()).unwrap_or(0));
            out.extend_from_slice(&edns.options);
        }
        out
    }

    /// Whether an answer's question section is this one's.
    pub(crate) fn is_asked_by(&self, section: &[u8]) -> bool {
        let split = self.section.len().saturating_sub(4);
        section.len() == self.section.len()
            && section[..split].eq_ignore_ascii_case(&self.section[..split])
            && section[split..] == self.section[split..]
    }

    /// Whether addresses were asked for.
    pub(crate) fn wants_addresses(&self) -> bool {
        matches!(self.qtype, rtype::A | rtype::AAAA)
    }
}
