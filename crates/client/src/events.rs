//! The event stream, message by message.

use crate::Error;
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use pontoon_api_types::EventMessage;

/// Events as they happen. Dropping it ends the stream at the daemon too.
pub struct EventStream {
    body: Incoming,
    buffer: BytesMut,
    // The connection lives as long as its sender.
    _sender: SendRequest<Full<Bytes>>,
}

impl EventStream {
    pub(crate) fn new(body: Incoming, sender: SendRequest<Full<Bytes>>) -> Self {
        Self { body, buffer: BytesMut::new(), _sender: sender }
    }

    /// The next event; `None` when the daemon ended the stream. Waits without limit.
    pub async fn next(&mut self) -> Option<Result<EventMessage, Error>> {
        loop {
            if let Some(line) = self.line() {
                return Some(serde_json::from_slice(&line).map_err(|cause| Error::Answer(Box::new(cause))));
            }
            match self.body.frame().await? {
                Ok(frame) => self.buffer.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Err(cause) => return Some(Err(Error::Http(cause))),
            }
        }
    }

    /// Takes one whole line that is not empty out of what has come.
    fn line(&mut self) -> Option<Bytes> {
        loop {
            let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
            let line = self.buffer.split_to(end).freeze();
            self.buffer.advance(1);
            if !line.trim_ascii().is_empty() {
                return Some(line);
            }
        }
    }
}
