//! A monitor's connection as asynchronous output and input.
//!
//! Owns: waiting for its socket. Nothing is read ahead: the monitor's own buffer is all that lies between a process and
//! a client that does not read.

use super::carry::Stdin;
use super::frame::{Piece, Source};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use pontoon_runtime::{Attachment, PACKET, Stream as Output};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as StdStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncWrite, Interest};
use tokio::net::UnixStream;

/// The connection, and a second descriptor of its socket by which it is waited for.
struct Socket {
    attachment: Attachment,
    ready: UnixStream,
}

impl Socket {
    fn new(attachment: Attachment) -> io::Result<Self> {
        let twin = attachment.as_fd().try_clone_to_owned()?;
        Ok(Self { attachment, ready: UnixStream::from_std(StdStream::from(twin))? })
    }

    async fn next(&self, buffer: &mut [u8]) -> Option<Piece> {
        loop {
            // A socket that cannot be waited for tells nothing more.
            self.ready.readable().await.ok()?;
            let read = || Ok(self.attachment.read(buffer)?.map(|(output, bytes)| piece(output, bytes)));
            match self.ready.try_io(Interest::READABLE, read) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read.ok().flatten(),
            }
        }
    }
}

/// The output of a process, and its input when this connection has it. Must be called inside a runtime.
pub(crate) fn opened(attachment: Attachment) -> io::Result<(BoxStream<'static, Piece>, Option<Stdin>)> {
    let has_stdin = attachment.has_stdin();
    let socket = Arc::new(Socket::new(attachment)?);
    let stdin: Option<Stdin> = if has_stdin { Some(Box::new(Input(socket.clone()))) } else { None };
    let pieces = stream::unfold((socket, vec![0; PACKET]), |(socket, mut buffer)| async {
        let piece = socket.next(&mut buffer).await?;
        Some((piece, (socket, buffer)))
    });
    Ok((pieces.boxed(), stdin))
}

fn piece(output: Output, bytes: &[u8]) -> Piece {
    let source = match output {
        Output::Stdout => Source::Stdout,
        Output::Stderr => Source::Stderr,
    };
    (source, Bytes::copy_from_slice(bytes))
}

/// Writes to the process. Shutting it down is the end of its input.
struct Input(Arc<Socket>);

impl AsyncWrite for Input {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.ready.poll_write_ready(cx))?;
            match self.0.ready.try_io(Interest::WRITABLE, || self.0.attachment.write(data)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.attachment.end_stdin())
    }
}
