//! The kernel's answer "no" to a netlink request.

use crate::errno;
use crate::netlink::attributes;
use netlink_packet_core::{NLM_F_ACK_TLVS, NLM_F_CAPPED};
use pontoon_kernel::Error;
use std::io;

/// `NLMSGERR_ATTR_MSG`: the kernel's own words (since 4.12).
const MESSAGE: u16 = 1;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The errno, positive.
    pub errno: i32,
    /// The kernel's extended message, if it gave one.
    pub message: Option<String>,
}

impl Refusal {
    /// A refusal by number alone.
    pub fn errno(errno: i32) -> Self {
        Self { errno, message: None }
    }

    /// An answer that makes no sense.
    pub fn malformed() -> Self {
        Self { errno: libc::EBADMSG, message: Some("malformed netlink answer".into()) }
    }

    /// The error of `act` having met this refusal.
    pub fn into_error(self, act: impl Into<String>) -> Error {
        let mut cause = errno::text(self.errno);
        if let Some(message) = self.message {
            cause = format!("{cause}: {message}");
        }
        Error::new(errno::kind(self.errno), act, cause)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(errno) => Self::errno(errno),
            None => Self { errno: libc::EIO, message: Some(error.to_string()) },
        }
    }
}

/// Reads the payload of `NLMSG_ERROR` or `NLMSG_DONE`: `Ok` when it acknowledges. `skip` is the length of what
/// stands between the number and the attributes: the echoed request for an error, nothing for the end of a dump.
fn read(payload: &[u8], flags: u16, skip: usize) -> Result<(), Refusal> {
    let Some(code) = payload.first_chunk::<4>().map(|bytes| i32::from_ne_bytes(*bytes)) else {
        return Err(Refusal::malformed());
    };
    if code == 0 {
        return Ok(());
    }
    let extra = payload.get(4usize.saturating_add(skip)..).filter(|_| flags & NLM_F_ACK_TLVS != 0);
    let message = extra
        .and_then(|extra| attributes(extra).find(|attribute| attribute.kind == MESSAGE))
        .and_then(|attribute| attribute.text().map(str::to_owned));
    Err(Refusal { errno: code.saturating_abs(), message })
}

/// Reads the payload of an `NLMSG_ERROR` frame with those flags; `Ok` when it is an acknowledgement.
pub fn refusal(payload: &[u8], flags: u16) -> Result<(), Refusal> {
    let echoed = if flags & NLM_F_CAPPED != 0 {
        16
    } else {
        let length = payload.get(4..8).and_then(|bytes| bytes.try_into().ok()).map_or(16, u32::from_ne_bytes);
        (length as usize).saturating_add(3) & !3
    };
    read(payload, flags, echoed)
}

/// Reads the payload of `NLMSG_DONE`: dumps report their failure there (since 4.12; empty before).
pub(super) fn done(payload: &[u8], flags: u16) -> Result<(), Refusal> {
    if payload.len() < 4 { Ok(()) } else { read(payload, flags, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::Attributes;
    use proptest::prelude::*;

    fn payload(code: i32) -> Vec<u8> {
        let mut bytes = code.to_ne_bytes().to_vec();
        bytes.extend([0; 16]);
        bytes.extend(Attributes::default().with(MESSAGE, b"Invalid prefix length\0").into_bytes());
        bytes
    }

    #[test]
    fn the_kernels_extended_message_is_part_of_the_cause() {
        let refusal = refusal(&payload(-libc::EINVAL), NLM_F_CAPPED | NLM_F_ACK_TLVS).unwrap_err();
        let error = refusal.into_error("add address");
        assert_eq!(error.cause, "invalid argument: Invalid prefix length");
        assert_eq!(error.kind, pontoon_kernel::Kind::Invalid);
    }

    #[test]
    fn zero_is_an_acknowledgement_and_too_short_is_malformed() {
        assert_eq!(refusal(&payload(0), NLM_F_CAPPED), Ok(()));
        assert_eq!(refusal(&[0; 3], 0), Err(Refusal::malformed()));
        assert_eq!(done(&[], 0), Ok(()));
        assert_eq!(done(&(-libc::EOPNOTSUPP).to_ne_bytes(), 0), Err(Refusal::errno(libc::EOPNOTSUPP)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), flags: u16) {
            let _ = refusal(&bytes, flags);
            let _ = done(&bytes, flags);
        }
    }
}
