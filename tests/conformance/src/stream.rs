//! An answer that goes on: events, statistics, logs that are followed.

use crate::hijack::{Frame, split_frame};
use crate::http::within;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use std::time::Duration;
use tokio::runtime::Runtime;

/// What comes of it piece by piece.
pub struct Stream {
    runtime: Runtime,
    asked: String,
    body: Incoming,
    rest: Vec<u8>,
}

impl Stream {
    pub(crate) fn new(runtime: Runtime, asked: &str, body: Incoming) -> Self {
        Self { runtime, asked: asked.to_owned(), body, rest: Vec::new() }
    }

    /// The next line as JSON; `None` at the end.
    pub fn object(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// The next frame of a multiplexed stream; `None` at the end.
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

    /// Whether something more comes within a short while: for what should not.
    pub fn says_more_within(&mut self, patience: Duration) -> bool {
        let next = async { tokio::time::timeout(patience, self.body.frame()).await };
        matches!(self.runtime.block_on(next), Ok(Some(Ok(frame))) if frame.is_data())
    }

    /// Everything to the end.
    pub fn rest(mut self) -> Vec<u8> {
        while self.more() {}
        self.rest
    }

    /// Waits for more; false at the end.
    fn more(&mut self) -> bool {
        let next = self.runtime.block_on(within(&self.asked, self.body.frame()));
        let Some(frame) = next else { return false };
        if let Ok(data) = frame.unwrap().into_data() {
            self.rest.extend_from_slice(&data);
        }
        true
    }
}
