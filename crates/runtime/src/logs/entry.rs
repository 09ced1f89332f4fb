//! One record of a log: `TIME STREAM TAG CONTENT`, as the monitor writes it.

use crate::Stream;

/// A line that was printed, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When, in nanoseconds since 1970.
    pub at: i64,
    /// Where.
    pub stream: Stream,
    /// What, with its newline; a part of a line that goes on has none.
    pub bytes: Vec<u8>,
}

impl LogEntry {
    /// The entry that `line`, without its newline, is; `None` when it is none.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let mut words = line.splitn(4, |&byte| byte == b' ');
        let (at, stream, tag) = (words.next()?, words.next()?, words.next()?);
        let content = words.next().unwrap_or_default();
        let stream = match stream {
            b"stdout" => Stream::Stdout,
            b"stderr" => Stream::Stderr,
            _ => return None,
        };
        let mut bytes = content.to_vec();
        match tag {
            b"F" => bytes.push(b'\n'),
            b"P" => {}
            _ => return None,
        }
        Some(Self { at: nanoseconds(std::str::from_utf8(at).ok()?)?, stream, bytes })
    }

    /// Whether the line ends with it.
    pub fn is_whole(&self) -> bool {
        self.bytes.last() == Some(&b'\n')
    }
}

fn nanoseconds(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).ok()?.timestamp_nanos_opt()
}
