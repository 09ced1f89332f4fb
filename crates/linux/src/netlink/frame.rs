//! The frames of a netlink datagram.
//!
//! Owns cutting bytes into messages. Must never panic: a frame that lies about its length ends the walk.

use netlink_packet_core::NetlinkBuffer;

/// One message, still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Message type.
    pub kind: u16,
    /// `NLM_F_*`.
    pub flags: u16,
    /// Sequence number of the request that it answers; 0 in notifications.
    pub sequence: u32,
    /// Port of the socket it is for, or whose request caused a notification.
    pub port: u32,
    /// What follows the header.
    pub payload: &'a [u8],
}

/// Walks over the frames of a datagram.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: &'a [u8],
}

/// The frames in `datagram`, up to the first malformed one.
pub fn frames(datagram: &[u8]) -> Frames<'_> {
    Frames { rest: datagram }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let rest = self.rest;
        let Ok(buffer) = NetlinkBuffer::new_checked(rest) else {
            self.rest = &[];
            return None;
        };
        let length = buffer.length() as usize;
        let next = length.checked_add(3)? & !3;
        self.rest = rest.get(next..).unwrap_or_default();
        Some(Frame {
            kind: buffer.message_type(),
            flags: buffer.flags(),
            sequence: buffer.sequence_number(),
            port: buffer.port_number(),
            payload: rest.get(16..length)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = (16 + payload.len() as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn frames_are_found_one_after_the_other() {
        let bytes = [frame(16, b"abc"), frame(17, b"")].concat();
        let found: Vec<_> = frames(&bytes).map(|frame| (frame.kind, frame.payload.to_vec())).collect();
        assert_eq!(found, [(16, b"abc".to_vec()), (17, Vec::new())]);
    }

    #[test]
    fn a_frame_that_lies_about_its_length_ends_the_walk() {
        for length in [0u32, 15, 100, u32::MAX] {
            let mut bytes = frame(16, b"abcd");
            bytes[..4].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(frames(&bytes).count(), 0, "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(frames(&bytes).count() <= bytes.len() / 16);
        }
    }
}
