//! Docker's frames: which stream, how long, then the bytes.

use bytes::{BufMut, Bytes, BytesMut};

/// Which output of a process bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard output, and whatever a terminal shows.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of a process's output.
pub(crate) type Piece = (Source, Bytes);

/// The piece as a frame: the stream's number, three zeros, the length in four bytes, the bytes.
pub(crate) fn framed((source, bytes): Piece) -> Bytes {
    // Pieces come from buffers of a few kilobytes.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut frame = BytesMut::with_capacity(8 + bytes.len());
    frame.put_u32(match source {
        Source::Stdout => 1 << 24,
        Source::Stderr => 2 << 24,
    });
    frame.put_u32(length);
    frame.extend_from_slice(&bytes[..length as usize]);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_tells_its_stream_and_length() {
        assert_eq!(framed((Source::Stdout, Bytes::from("hi"))), &b"\x01\0\0\0\0\0\0\x02hi"[..]);
        assert_eq!(framed((Source::Stderr, Bytes::from(vec![7; 300])))[..8], *b"\x02\0\0\0\0\0\x01\x2c");
        assert_eq!(framed((Source::Stdout, Bytes::new())), &b"\x01\0\0\0\0\0\0\0"[..]);
    }
}
