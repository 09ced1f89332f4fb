//! What to say to a client: the one decision of the resolver, as a pure function of the message and the names.
//!
//! Owns: which questions are answered here (dns.md section 3), which go outside, which get a status, which silence.
//! Must never do I/O, and never panic whatever the bytes: it reads what hostile processes send.

use crate::reverse;
use crate::wire::header::{self, Header, rcode};
use crate::wire::query::{self, Edns, Query, Read};
use crate::wire::question::Question;
use crate::wire::reply::{self, TCP_LIMIT, UDP_LIMIT};
use crate::wire::{CLASS_ANY, CLASS_IN, name, rtype};
use hickory_proto::op::Message;
use pontoon_cnm::{Known, SandboxNames};
use pontoon_types::Family;
use std::net::IpAddr;

/// How a query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram: answers are cut to 512 bytes or the client's own size.
    Udp,
    /// Over a connection: answers may have 65535 bytes.
    Tcp,
}

/// What decides besides the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How the query came.
    pub transport: Transport,
    /// Whether unknown single-label names are said to be empty instead of being forwarded (an `ndots` option is set).
    pub ndots_set: bool,
}

/// What to do with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send the answer that was appended: the names were enough.
    Answered,
    /// Send the status that was appended: the query makes no sense, or asks what we do not do.
    Rejected,
    /// Ask servers outside.
    Forward(Question),
    /// Stay silent.
    Ignore,
}

/// Room that is used again for every query.
#[derive(Debug, Default)]
pub struct Scratch {
    addresses: Vec<IpAddr>,
    random: fastrand::Rng,
}

/// Decides on one message, and appends the reply, if there is one, to `out`.
///
/// A plain query for a local name costs no allocation once `out` and `scratch` have grown.
pub fn answer(message: &[u8], names: &SandboxNames, terms: Terms, scratch: &mut Scratch, out: &mut Vec<u8>) -> Action {
    let mut desk = Desk { names, terms, scratch, out };
    match query::read(message) {
        Read::Plain(query) => desk.decide(&query),
        Read::Unusual(header) => desk.unusual(message, &header),
        Read::Malformed(header) => desk.reject(&header, rcode::FORMERR),
        Read::OtherOperation(header) => desk.reject(&header, rcode::NOTIMP),
        Read::Nothing => Action::Ignore,
    }
}

/// What is at hand for one message.
struct Desk<'d> {
    names: &'d SandboxNames,
    terms: Terms,
    scratch: &'d mut Scratch,
    out: &'d mut Vec<u8>,
}

impl Desk<'_> {
    fn reject(&mut self, header: &Header, code: u16) -> Action {
        reply::header_only(header, code, self.out);
        Action::Rejected
    }

    /// More than a question and an OPT record: a whole decoder says whether it is well formed; only the first question
    /// is considered.
    fn unusual(&mut self, message: &[u8], header: &Header) -> Action {
        let decoded = Message::from_vec(message);
        let (Ok(decoded), Some(question)) = (decoded, query::question(message, header)) else {
            return self.reject(header, rcode::FORMERR);
        };
        let edns = decoded.edns.as_ref().map(|edns| Edns {
            size: edns.max_payload(),
            version: edns.version(),
            dnssec_ok: edns.flags().dnssec_ok,
            options: &[],
        });
        self.decide(&Query { edns, ..question })
    }

    fn decide(&mut self, query: &Query<'_>) -> Action {
        if query.edns.is_some_and(|edns| edns.version > 0) {
            reply::status(query, rcode::BADVERS, self.out);
            return Action::Rejected;
        }
        if matches!(query.qtype, rtype::AXFR | rtype::IXFR | rtype::OPT) {
            reply::status(query, rcode::NOTIMP, self.out);
            return Action::Rejected;
        }
        let limit = self.limit(query);
        let mut buffer = [0; name::MAX];
        let local = match query.qclass {
            CLASS_IN | CLASS_ANY => name::text(query.name, &mut buffer),
            _ => None,
        };
        match local.is_some_and(|name| self.answer_locally(query, name, limit)) {
            true => Action::Answered,
            false => Action::Forward(Question::new(query, limit)),
        }
    }

    /// The longest reply that the client takes.
    fn limit(&self, query: &Query<'_>) -> usize {
        match self.terms.transport {
            Transport::Tcp => TCP_LIMIT,
            Transport::Udp => query.edns.map_or(UDP_LIMIT, |edns| UDP_LIMIT.max(usize::from(edns.size))),
        }
    }

    /// Answers from the names, if they suffice.
    fn answer_locally(&mut self, query: &Query<'_>, name: &str, limit: usize) -> bool {
        match query.qtype {
            rtype::A => self.addresses(query, name, Family::V4, limit),
            rtype::AAAA => self.addresses(query, name, Family::V6, limit),
            rtype::PTR => self.pointer(query, name) || self.exists(query, name),
            _ => self.exists(query, name),
        }
    }

    fn addresses(&mut self, query: &Query<'_>, name: &str, family: Family, limit: usize) -> bool {
        let found = &mut self.scratch.addresses;
        found.clear();
        match self.names.forward_into(name, family, found) {
            Known::Found => {
                if found.len() > 1 {
                    self.scratch.random.shuffle(found);
                }
                reply::addresses(query, found, limit, self.out);
            }
            Known::NoData => reply::status(query, rcode::NOERROR, self.out),
            Known::Unknown if self.terms.ndots_set && is_single_label(name) => {
                reply::status(query, rcode::NOERROR, self.out);
            }
            Known::Unknown => return false,
        }
        true
    }

    fn pointer(&mut self, query: &Query<'_>, name: &str) -> bool {
        let target = reverse::address(name).and_then(|address| self.names.reverse(address));
        let Some(target) = target else { return false };
        reply::pointer(query, &target, self.out);
        true
    }

    /// Names of ours have no other records: that is said here, because a server outside would say that they do not
    /// exist.
    fn exists(&mut self, query: &Query<'_>, name: &str) -> bool {
        let exists = self.names.knows(name);
        if exists {
            reply::status(query, rcode::NOERROR, self.out);
        }
        exists
    }
}

fn is_single_label(name: &str) -> bool {
    !name.is_empty() && !name.contains('.')
}

/// Whether `message` would be taken as the answer of a server outside to `question`, asked under `id`. Never panics.
pub fn accepts(message: &[u8], id: u16, question: &Question) -> bool {
    let response = crate::wire::response::Response::read(message, id, question);
    response.is_some_and(|response| {
        let mut out = Vec::new();
        reply::forwarded(&response, Some(1), question, &mut out);
        out.len() >= header::LEN && response.addresses().count() <= response.message.len()
    })
}
