//! What we write to clients: our own answers, statuses, and answers from outside made theirs.
//!
//! Owns: the limits of size and what stands in a truncated answer. Replies are appended to a buffer that others share,
//! so every offset is relative to where the reply began.

use super::header::{self, Header, flag, rcode};
use super::query::Query;
use super::question::Question;
use super::response::Response;
use super::{CLASS_IN, OPT_LEN, OUR_UDP_SIZE, name, put_u16, rtype};
use std::net::IpAddr;

/// Seconds that clients may keep local answers, as in Docker.
const TTL: u32 = 600;
/// A pointer to the question's name.
const OWNER: [u8; 2] = [0xc0, header::LEN as u8];
/// What is echoed of a query's flags.
const ECHOED: u16 = flag::RD | flag::CD;
/// The longest answer over TCP.
pub(crate) const TCP_LIMIT: usize = 65535;
/// The longest answer over UDP for clients that say nothing else.
pub(crate) const UDP_LIMIT: usize = 512;

/// Appends an answer with addresses, as many of them as fit in `limit` bytes.
pub(crate) fn addresses(query: &Query<'_>, list: &[IpAddr], limit: usize, out: &mut Vec<u8>) {
    let each = if query.qtype == rtype::A { 16 } else { 28 };
    let room = limit.saturating_sub(header::LEN + query.section.len() + opt_len(query));
    let fitting = list.len().min(room / each);
    let cut = if fitting < list.len() { flag::TC } else { 0 };
    begin(query, rcode::NOERROR | cut, fitting, out);
    for address in &list[..fitting] {
        record(query.qtype, each as u16 - 12, out);
        match address {
            IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
            IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
        }
    }
    opt(query, rcode::NOERROR, out);
}

/// Appends an answer with one name, or an empty one when the name cannot be written.
pub(crate) fn pointer(query: &Query<'_>, target: &str, out: &mut Vec<u8>) {
    let start = out.len();
    begin(query, rcode::NOERROR, 1, out);
    record(rtype::PTR, 0, out);
    let length_at = out.len() - 2;
    if !name::append(target, out) {
        out.truncate(start);
        return status(query, rcode::NOERROR, out);
    }
    let length = out.len() - length_at - 2;
    put_u16(out, length_at, length as u16);
    opt(query, rcode::NOERROR, out);
}

/// Appends an answer without records.
pub(crate) fn status(query: &Query<'_>, code: u16, out: &mut Vec<u8>) {
    begin(query, code & flag::RCODE, 0, out);
    opt(query, code, out);
}

/// Appends a status for a message whose question could not be read.
pub(crate) fn header_only(header: &Header, code: u16, out: &mut Vec<u8>) {
    let flags = flag::QR | flag::RA | header.flags & (flag::OPCODE | ECHOED) | code;
    Header { id: header.id, flags, counts: [0; 4] }.append_to(out);
}

/// Appends a status for a question that was forwarded.
pub(crate) fn failure(question: &Question, code: u16, out: &mut Vec<u8>) {
    let counts = [1, 0, 0, u16::from(question.edns.is_some())];
    let flags = flag::QR | flag::RA | question.flags & ECHOED | code;
    Header { id: question.id, flags, counts }.append_to(out);
    out.extend_from_slice(&question.section);
    if let Some(edns) = &question.edns {
        append_opt(out, OUR_UDP_SIZE, 0, edns.dnssec_ok);
    }
}

/// Appends an answer from outside for the client that asked `question`: its id, its question letter by letter, its size.
///
/// `age` is how many seconds ago it came: lifetimes are counted down by it. An answer that was kept is not authoritative.
pub(crate) fn forwarded(response: &Response, age: Option<u32>, question: &Question, out: &mut Vec<u8>) {
    let start = out.len();
    let whole = response.message.len() <= question.limit;
    if whole {
        out.extend_from_slice(&response.message);
    } else {
        cut(response, question.limit, out);
    }
    let reply = &mut out[start..];
    put_u16(reply, 0, question.id);
    let mut flags = response.header.flags & !ECHOED | question.flags & ECHOED;
    if !whole {
        flags |= flag::TC;
    }
    if age.is_some() {
        flags &= !flag::AA;
    }
    put_u16(reply, 2, flags);
    if let Some(section) = reply.get_mut(header::LEN..header::LEN + question.section.len()) {
        section.copy_from_slice(&question.section);
    }
    count_down(response, age.unwrap_or(0), reply);
}

/// As many answers as fit, and the OPT record.
fn cut(response: &Response, limit: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let opt = response.opt.clone().and_then(|range| response.message.get(range)).unwrap_or(&[]);
    let room = limit.saturating_sub(opt.len());
    let fitting = response.answer_ends.iter().take_while(|end| usize::from(**end) <= room).count();
    let end = match fitting {
        0 => response.question_end,
        some => usize::from(response.answer_ends[some - 1]),
    };
    out.extend_from_slice(&response.message[..end]);
    out.extend_from_slice(opt);
    let reply = &mut out[start..];
    put_u16(reply, 6, fitting as u16);
    put_u16(reply, 8, 0);
    put_u16(reply, 10, u16::from(!opt.is_empty()));
}

fn count_down(response: &Response, age: u32, reply: &mut [u8]) {
    let reaches = response.kept_by(reply.len());
    for at in response.ttls.iter().map(|at| usize::from(*at)).take_while(|at| at + 4 <= reaches) {
        if let Some(left) = super::u32_at(reply, at).map(|ttl| ttl.saturating_sub(age)) {
            reply[at..at + 4].copy_from_slice(&left.to_be_bytes());
        }
    }
}

fn begin(query: &Query<'_>, code: u16, answers: usize, out: &mut Vec<u8>) {
    let flags = flag::QR | flag::RA | query.flags & ECHOED | code;
    let counts = [1, answers as u16, 0, u16::from(query.edns.is_some())];
    Header { id: query.id, flags, counts }.append_to(out);
    out.extend_from_slice(query.section);
}

/// Everything of a record but its data.
fn record(rtype: u16, length: u16, out: &mut Vec<u8>) {
    let [type_high, type_low] = rtype.to_be_bytes();
    let [class_high, class_low] = CLASS_IN.to_be_bytes();
    let [ttl_0, ttl_1, ttl_2, ttl_3] = TTL.to_be_bytes();
    let [length_high, length_low] = length.to_be_bytes();
    let [owner_high, owner_low] = OWNER;
    out.extend_from_slice(&[
        owner_high,
        owner_low,
        type_high,
        type_low,
        class_high,
        class_low,
        ttl_0,
        ttl_1,
        ttl_2,
        ttl_3,
        length_high,
        length_low,
    ]);
}

fn opt_len(query: &Query<'_>) -> usize {
    if query.edns.is_some() { OPT_LEN } else { 0 }
}

/// An OPT record when the client sent one (RFC 6891 section 7).
fn opt(query: &Query<'_>, code: u16, out: &mut Vec<u8>) {
    if let Some(edns) = &query.edns {
        append_opt(out, OUR_UDP_SIZE, code, edns.dnssec_ok);
    }
}

/// Appends an OPT record without options; the length of its options are its last two bytes.
pub(crate) fn append_opt(out: &mut Vec<u8>, size: u16, code: u16, dnssec_ok: bool) {
    let [size_high, size_low] = size.to_be_bytes();
    let [_, kind] = rtype::OPT.to_be_bytes();
    let extended = (code >> 4) as u8;
    out.extend_from_slice(&[0, 0, kind, size_high, size_low, extended, 0, u8::from(dnssec_ok) << 7, 0, 0, 0]);
}
