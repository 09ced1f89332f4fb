//! Compressed streams: recognised by their first bytes, read as what they contain.

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Read};

/// How far back a zstd stream may refer; what it asks for beyond is refused (128 MiB is the format's own advice).
const WINDOW: u64 = 128 << 20;
/// Enough to tell one compression from another.
const MAGIC: usize = 6;

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compression {
    /// Not at all.
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// Tells it from the beginning of a stream; `Err` names one that is known and not read here.
    fn of(beginning: &[u8]) -> Result<Self, &'static str> {
        match beginning {
            [0x1f, 0x8b, ..] => Ok(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Self::Zstd),
            [b'B', b'Z', b'h', ..] => Err("bzip2"),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Err("xz"),
            _ => Ok(Self::None),
        }
    }
}

/// Reads what a stream contains.
pub(crate) struct Decoder<R: Read>(Kind<R>);

enum Kind<R: Read> {
    Plain(Peeked<R>),
    Gzip(Box<MultiGzDecoder<Peeked<R>>>),
    Zstd(Box<Frames<Peeked<R>>>),
}

type Peeked<R> = io::Chain<io::Cursor<Vec<u8>>, BufReader<R>>;

impl<R: Read> Decoder<R> {
    /// Looks at the first bytes and decides.
    pub(crate) fn new(reader: R) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(64 << 10, reader);
        let mut beginning = Vec::with_capacity(MAGIC);
        (&mut reader).take(MAGIC as u64).read_to_end(&mut beginning)?;
        let compression = Compression::of(&beginning).map_err(|name| {
            io::Error::new(io::ErrorKind::Unsupported, format!("{name} compression is not supported; use gzip or zstd"))
        })?;
        let whole = io::Cursor::new(beginning).chain(reader);
        Ok(Self(match compression {
            Compression::None => Kind::Plain(whole),
            Compression::Gzip => Kind::Gzip(Box::new(MultiGzDecoder::new(whole))),
            Compression::Zstd => Kind::Zstd(Box::new(Frames::new(whole))),
        }))
    }

    /// How it is compressed.
    pub(crate) fn compression(&self) -> Compression {
        match self.0 {
            Kind::Plain(_) => Compression::None,
            Kind::Gzip(_) => Compression::Gzip,
            Kind::Zstd(_) => Compression::Zstd,
        }
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Plain(reader) => reader.read(buffer),
            Kind::Gzip(reader) => reader.read(buffer),
            Kind::Zstd(reader) => reader.read(buffer),
        }
    }
}

/// The frames of a zstd stream, one after another; the decoder itself knows a single one.
struct Frames<R: BufRead> {
    reader: R,
    decoder: FrameDecoder,
    /// Whether a frame was begun and is not yet read to its end.
    within: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(reader: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        Self { reader, decoder, within: false }
    }

    /// Begins the next frame; false at the end of the stream.
    fn advance(&mut self) -> io::Result<bool> {
        while !self.reader.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.reader) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut (&mut self.reader).take(length), &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            if !self.within {
                self.within = self.advance()?;
                if !self.within {
                    break;
                }
            }
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            if self.decoder.is_finished() {
                self.within = false;
            } else {
                self.decoder.decode_blocks(&mut self.reader, BlockDecodingStrategy::UptoBlocks(1)).map_err(broken)?;
            }
        }
        Ok(0)
    }
}

fn broken(error: FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    fn read(bytes: &[u8]) -> io::Result<(Compression, Vec<u8>)> {
        let mut decoder = Decoder::new(bytes)?;
        let mut all = Vec::new();
        decoder.read_to_end(&mut all)?;
        Ok((decoder.compression(), all))
    }

    #[test]
    fn every_compression_is_recognised_and_read_to_its_end() {
        let text: Vec<u8> = (0..400_000u32).flat_map(|n| n.to_le_bytes()).collect();
        assert_eq!(read(&text).unwrap(), (Compression::None, text.clone()));
        assert_eq!(read(&gzip(&text)).unwrap(), (Compression::Gzip, text.clone()));
        assert_eq!(read(&zstd(&text)).unwrap(), (Compression::Zstd, text.clone()));
        assert_eq!(read(b"").unwrap(), (Compression::None, Vec::new()));
    }

    #[test]
    fn streams_in_several_parts_are_one() {
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        for (first, second) in [(gzip(b"one "), gzip(b"two")), (zstd(b"one "), [skipped, zstd(b"two")].concat())] {
            assert_eq!(read(&[first, second].concat()).unwrap().1, b"one two");
        }
    }

    #[test]
    fn what_is_cut_short_broken_or_unknown_is_an_error() {
        let text = vec![7; 100_000];
        for whole in [gzip(&text), zstd(&text)] {
            assert!(read(&whole[..whole.len() - 3]).is_err());
        }
        assert!(read(&[0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff, 0xff]).is_err());
        for (bytes, name) in [(&b"BZh91AY"[..], "bzip2"), (&[0xfd, b'7', b'z', b'X', b'Z', 0, 0][..], "xz")] {
            assert!(read(bytes).unwrap_err().to_string().contains(name));
        }
    }
}
