//! What a server outside answered, checked, and what is to be known of it later without reading it again.
//!
//! Owns: accepting an answer only if it is whole and belongs to the question. The message itself is passed on as it
//! came, so pointers in record data stay valid.

use super::header::{self, Header, flag, rcode};
use super::question::Question;
use super::{CLASS_IN, name, rtype, u16_at, u32_at};
use std::net::IpAddr;
use std::ops::Range;

/// Nothing is kept longer than this, in seconds.
const MAX_TTL: u32 = 3600;
/// Nor that a name does not exist (RFC 2308 allows hours; a name that has just been made should appear soon).
const MAX_NEGATIVE_TTL: u32 = 300;

/// A checked answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) message: Box<[u8]>,
    pub(crate) header: Header,
    /// Where the question ends.
    pub(crate) question_end: usize,
    /// Where each record of the answer section ends.
    pub(crate) answer_ends: Box<[u16]>,
    /// Where the lifetimes of records stand, ascending.
    pub(crate) ttls: Box<[u16]>,
    /// The OPT record.
    pub(crate) opt: Option<Range<usize>>,
    /// Seconds for which it may be kept.
    pub(crate) lifetime: u32,
}

/// One record's place.
struct Record {
    rtype: u16,
    /// Where its type stands.
    fixed: usize,
    data: Range<usize>,
}

impl Response {
    /// Reads an answer to `question` that was sent under `id`. `None` when it is not one, or malformed.
    pub(crate) fn read(message: &[u8], id: u16, question: &Question) -> Option<Self> {
        let header = Header::read(message)?;
        let question_end = header::LEN + question.section.len();
        let is_ours = header.id == id && header.is_response() && header.opcode() == 0 && header.counts[0] == 1;
        if !is_ours || message.len() > 65535 || !question.is_asked_by(message.get(header::LEN..question_end)?) {
            return None;
        }
        let mut response = Self {
            message: Box::default(),
            header,
            question_end,
            answer_ends: Box::default(),
            ttls: Box::default(),
            opt: None,
            lifetime: 0,
        };
        response.read_records(message)?;
        response.message = message.into();
        Some(response)
    }

    fn read_records(&mut self, message: &[u8]) -> Option<()> {
        let [_, answers, authorities, additional] = self.header.counts.map(usize::from);
        let (mut at, mut shortest, mut negative) = (self.question_end, u32::MAX, None);
        let (mut answer_ends, mut ttls) = (Vec::new(), Vec::new());
        for index in 0..answers + authorities + additional {
            let start = at;
            let record = record(message, at)?;
            at = record.data.end;
            if record.rtype == rtype::OPT {
                self.opt = Some(start..at);
                continue;
            }
            let ttl = u32_at(message, record.fixed + 4)?;
            ttls.push(u16::try_from(record.fixed + 4).ok()?);
            if index < answers {
                answer_ends.push(u16::try_from(at).ok()?);
                shortest = shortest.min(ttl);
            } else if index < answers + authorities && record.rtype == rtype::SOA && record.data.len() >= 20 {
                negative = Some(ttl.min(u32_at(message, at - 4)?));
            }
        }
        self.lifetime = self.lifetime_of(shortest, negative);
        (self.answer_ends, self.ttls) = (answer_ends.into(), ttls.into());
        Some(())
    }

    /// RFC 2308: that something is not there is kept as long as its SOA record says, and not at all without one.
    fn lifetime_of(&self, shortest: u32, negative: Option<u32>) -> u32 {
        let kept = matches!(self.header.rcode(), rcode::NOERROR | rcode::NXDOMAIN) && self.header.flags & flag::TC == 0;
        let negative = negative.map(|ttl| ttl.min(MAX_NEGATIVE_TTL));
        match (kept, self.is_negative(), negative) {
            (false, ..) | (_, true, None) => 0,
            (_, true, Some(ttl)) => ttl.min(shortest),
            (_, false, ttl) => shortest.min(ttl.unwrap_or(MAX_TTL)).min(MAX_TTL),
        }
    }

    /// Whether it says that there is nothing.
    pub(crate) fn is_negative(&self) -> bool {
        self.header.rcode() == rcode::NXDOMAIN || self.header.counts[1] == 0
    }

    /// Whether more is to be had over TCP.
    pub(crate) fn is_truncated(&self) -> bool {
        self.header.flags & flag::TC != 0
    }

    /// Bytes it occupies while it is kept.
    pub(crate) fn size(&self) -> usize {
        self.message.len() + 2 * (self.answer_ends.len() + self.ttls.len()) + size_of::<Self>()
    }

    /// How much of a reply of `length` bytes is an unchanged beginning of this answer.
    pub(crate) fn kept_by(&self, length: usize) -> usize {
        if length == self.message.len() {
            return length;
        }
        let opt = self.opt.as_ref().map_or(0, Range::len);
        length.saturating_sub(opt)
    }

    /// The addresses in its answer section, each with the name that has it.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (String, IpAddr)> + '_ {
        let starts = std::iter::once(self.question_end).chain(self.answer_ends.iter().map(|end| usize::from(*end)));
        starts.take(self.answer_ends.len()).filter_map(|start| {
            let record = record(&self.message, start)?;
            let address = address(record.rtype, self.message.get(record.data)?)?;
            let owner = name::expanded(&self.message, start)?;
            Some((name::text(&owner, &mut [0; name::MAX])?.to_owned(), address))
        })
    }
}

fn address(kind: u16, data: &[u8]) -> Option<IpAddr> {
    match kind {
        rtype::A => Some(IpAddr::from(<[u8; 4]>::try_from(data).ok()?)),
        rtype::AAAA => Some(IpAddr::from(<[u8; 16]>::try_from(data).ok()?)),
        _ => None,
    }
}

/// The record that begins at `start`; `None` when it is cut off, or an address of the wrong length.
fn record(message: &[u8], start: usize) -> Option<Record> {
    let fixed = name::end(message, start)?;
    let data = fixed + 10;
    let end = data + usize::from(u16_at(message, fixed + 8)?);
    let (rtype, class) = (u16_at(message, fixed)?, u16_at(message, fixed + 2)?);
    let length = message.get(data..end)?.len();
    let sound = match rtype {
        rtype::A if class == CLASS_IN => length == 4,
        rtype::AAAA if class == CLASS_IN => length == 16,
        _ => true,
    };
    sound.then_some(Record { rtype, fixed, data: data..end })
}
