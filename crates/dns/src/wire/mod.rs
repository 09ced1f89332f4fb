//! DNS messages as bytes: what is read of queries and answers, and what is written.
//!
//! Owns: every offset into a message. Nothing here allocates for a local name's answer. Must never look a name up,
//! and never index a message without having checked its length.

pub(crate) mod header;
pub(crate) mod name;
pub(crate) mod query;
pub(crate) mod question;
pub(crate) mod reply;
pub(crate) mod response;

/// Record types that mean something to us.
pub(crate) mod rtype {
    pub(crate) const A: u16 = 1;
    pub(crate) const SOA: u16 = 6;
    pub(crate) const PTR: u16 = 12;
    pub(crate) const AAAA: u16 = 28;
    pub(crate) const OPT: u16 = 41;
    pub(crate) const IXFR: u16 = 251;
    pub(crate) const AXFR: u16 = 252;
}

/// Class IN.
pub(crate) const CLASS_IN: u16 = 1;
/// Query class ANY.
pub(crate) const CLASS_ANY: u16 = 255;
/// Bytes of an OPT record without options.
pub(crate) const OPT_LEN: usize = 11;
/// What we tell both sides that we can receive over UDP (the size that is never fragmented, DNS flag day 2020).
pub(crate) const OUR_UDP_SIZE: u16 = 1232;

/// The 16-bit number at `at`; `None` beyond the end.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// The 32-bit number at `at`; `None` beyond the end.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Writes a 16-bit number over what stands at `at`; nothing happens beyond the end.
pub(crate) fn put_u16(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}
