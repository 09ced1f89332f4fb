//! The twelve bytes at the start of each message (RFC 1035 section 4.1.1).

use super::u16_at;

/// Length of a header.
pub(crate) const LEN: usize = 12;

/// Bits of the flags word.
pub(crate) mod flag {
    pub(crate) const QR: u16 = 0x8000;
    pub(crate) const OPCODE: u16 = 0x7800;
    pub(crate) const AA: u16 = 0x0400;
    pub(crate) const TC: u16 = 0x0200;
    pub(crate) const RD: u16 = 0x0100;
    pub(crate) const RA: u16 = 0x0080;
    pub(crate) const AD: u16 = 0x0020;
    pub(crate) const CD: u16 = 0x0010;
    pub(crate) const RCODE: u16 = 0x000f;
}

/// Response codes.
pub(crate) mod rcode {
    pub(crate) const NOERROR: u16 = 0;
    pub(crate) const FORMERR: u16 = 1;
    pub(crate) const SERVFAIL: u16 = 2;
    pub(crate) const NXDOMAIN: u16 = 3;
    pub(crate) const NOTIMP: u16 = 4;
    pub(crate) const REFUSED: u16 = 5;
    /// An extended code: its upper part stands in the OPT record (RFC 6891 section 6.1.3).
    pub(crate) const BADVERS: u16 = 16;
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) id: u16,
    pub(crate) flags: u16,
    /// Records in the four sections: questions, answers, authorities, additional ones.
    pub(crate) counts: [u16; 4],
}

impl Header {
    /// Reads a message's header; `None` when it is too short to have one.
    pub(crate) fn read(message: &[u8]) -> Option<Self> {
        let word = |index: usize| u16_at(message, 2 * index);
        Some(Self { id: word(0)?, flags: word(1)?, counts: [word(2)?, word(3)?, word(4)?, word(5)?] })
    }

    /// Appends it to a message.
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        let [questions, answers, authorities, additional] = self.counts;
        for word in [self.id, self.flags, questions, answers, authorities, additional] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }

    /// Whether it begins an answer.
    pub(crate) fn is_response(&self) -> bool {
        self.flags & flag::QR != 0
    }

    /// The operation; 0 is a query.
    pub(crate) fn opcode(&self) -> u16 {
        (self.flags & flag::OPCODE) >> 11
    }

    /// The response code, without its extension.
    pub(crate) fn rcode(&self) -> u16 {
        self.flags & flag::RCODE
    }
}
