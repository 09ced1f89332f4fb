//! The way in: a request's body, read by a thread as it comes.

use super::PATIENCE;
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Body;
use std::io::{self, Read};
use std::time::Duration;
use tokio::sync::mpsc;

/// Pieces between the connection and the thread.
const QUEUE: usize = 8;
/// How much of a body is still taken when nobody reads it any more: a client that is still sending when the connection
/// closes would not see the answer.
const REST: u64 = 256 << 20;
/// How long that may take.
const REST_TIME: Duration = Duration::from_secs(10);

/// A body on its way.
pub(crate) struct Upload {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    at: Bytes,
}

impl Upload {
    /// Begins to take the body. Must be called on a runtime.
    pub(crate) fn begin<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let (sender, pieces) = mpsc::channel(QUEUE);
        // Ends with the body, with patience, or soon after nobody reads any more.
        tokio::spawn(pump(body, sender, PATIENCE));
        Self { pieces, at: Bytes::new() }
    }
}

impl Read for Upload {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.at.has_remaining() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.at = piece?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.at.len());
        self.at.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

async fn pump<B>(mut body: B, to: mpsc::Sender<io::Result<Bytes>>, patience: Duration)
where
    B: Body<Data = Bytes> + Unpin,
{
    loop {
        let piece = match tokio::time::timeout(patience, body.frame()).await {
            Ok(None) => return,
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Ok(data),
                Err(_) => continue,
            },
            Ok(Some(Err(_))) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the request body ended too early")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the client sent nothing for too long")),
        };
        let last = piece.is_err();
        if to.send(piece).await.is_err() {
            let _ = tokio::time::timeout(REST_TIME, drain(body)).await;
            return;
        }
        if last {
            return;
        }
    }
}

async fn drain<B: Body<Data = Bytes> + Unpin>(mut body: B) {
    let mut taken = 0;
    while let Some(Ok(frame)) = body.frame().await {
        taken += frame.data_ref().map_or(0, |data| data.len() as u64);
        if taken > REST {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    fn body(pieces: Vec<Result<&'static str, &'static str>>) -> impl Body<Data = Bytes, Error = &'static str> + Unpin {
        let frames = pieces.into_iter().map(|piece| piece.map(|text| Frame::data(Bytes::from(text))));
        StreamBody::new(stream::iter(frames))
    }

    async fn read(mut upload: Upload) -> io::Result<String> {
        let read = move || {
            let mut text = String::new();
            upload.read_to_string(&mut text).map(|_| text)
        };
        tokio::task::spawn_blocking(read).await.unwrap()
    }

    #[tokio::test]
    async fn a_body_is_read_piece_by_piece() {
        let pieces = (0..100).map(|_| Ok("piece ")).collect();
        assert_eq!(read(Upload::begin(body(pieces))).await.unwrap(), "piece ".repeat(100));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_an_error_and_not_an_end() {
        let error = read(Upload::begin(body(vec![Ok("a"), Err("gone")]))).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn a_client_that_sends_nothing_is_given_up() {
        let (sender, mut pieces) = mpsc::channel(1);
        let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, &str>>());
        pump(never, sender, Duration::from_millis(10)).await;
        assert_eq!(pieces.recv().await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn what_nobody_reads_is_taken_and_ends() {
        let upload = Upload::begin(body((0..1000).map(|_| Ok("x")).collect()));
        drop(upload);
        let (sender, pieces) = mpsc::channel(1);
        drop(pieces);
        pump(body(vec![Ok("a"), Ok("b")]), sender, PATIENCE).await;
    }
}
