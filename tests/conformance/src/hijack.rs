//! A connection that was taken over: attach and exec, raw with a terminal, in frames without.

use crate::http::within;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

/// One piece of a multiplexed stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// 1 for standard output, 2 for standard error.
    pub stream: u8,
    /// What was written.
    pub text: String,
}

/// Both ways of such a connection.
pub struct Hijacked {
    runtime: Runtime,
    asked: String,
    /// Its content type, where the engine says one.
    pub kind: Option<String>,
    connection: TokioIo<Upgraded>,
    rest: Vec<u8>,
}

impl Hijacked {
    pub(crate) fn new(runtime: Runtime, asked: &str, kind: Option<String>, connection: Upgraded) -> Self {
        Self { runtime, asked: asked.to_owned(), kind, connection: TokioIo::new(connection), rest: Vec::new() }
    }

    /// Writes to the standard input.
    pub fn write(&mut self, text: &str) {
        self.runtime.block_on(within(&self.asked, self.connection.write_all(text.as_bytes()))).unwrap();
    }

    /// Ends the standard input; what is written to us still comes.
    pub fn close_input(&mut self) {
        self.runtime.block_on(within(&self.asked, self.connection.shutdown())).unwrap();
    }

    /// The next frame; `None` at the end.
    pub fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = split_frame(&mut self.rest) {
                return Some(frame);
            }
            if !self.more() {
                assert!(self.rest.is_empty(), "{}: half a frame at the end: {:?}", self.asked, self.rest);
                return None;
            }
        }
    }

    /// Waits until `part` has come, with a terminal; gives all that came up to then.
    #[track_caller]
    pub fn until(&mut self, part: &str) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.rest).into_owned();
            if text.contains(part) {
                self.rest.clear();
                return text;
            }
            assert!(self.more(), "{} ended before {part:?}: {text:?}", self.asked);
        }
    }

    /// Everything raw to the end.
    pub fn raw(mut self) -> String {
        while self.more() {}
        String::from_utf8_lossy(&self.rest).into_owned()
    }

    /// What was written to standard output and standard error, to the end.
    pub fn outputs(mut self) -> [String; 2] {
        let mut outputs = [String::new(), String::new()];
        while let Some(frame) = self.frame() {
            outputs[usize::from(frame.stream - 1)].push_str(&frame.text);
        }
        outputs
    }

    fn more(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = self.runtime.block_on(within(&self.asked, self.connection.read(&mut buffer)));
        let length = read.unwrap_or_else(|error| panic!("{}: {error}", self.asked));
        self.rest.extend_from_slice(&buffer[..length]);
        length > 0
    }
}

/// Takes the first whole frame off `bytes`: a kind, three zeroes, four bytes of length, the content.
pub(crate) fn split_frame(bytes: &mut Vec<u8>) -> Option<Frame> {
    let head: [u8; 8] = bytes.get(..8)?.try_into().unwrap();
    let length = u32::from_be_bytes(head[4..].try_into().unwrap()) as usize;
    assert!((1..=3).contains(&head[0]) && head[1..4] == [0; 3], "not the head of a frame: {head:?}");
    let content = bytes.get(8..8 + length)?;
    let frame = Frame { stream: head[0], text: String::from_utf8_lossy(content).into_owned() };
    bytes.drain(..8 + length);
    Some(frame)
}
