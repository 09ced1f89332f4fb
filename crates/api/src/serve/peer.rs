//! A socket that can be read by one and watched by another.
//!
//! Owns: noticing that a client is gone while nothing is read from it. hyper is told to tolerate clients that only
//! close their sending side, so it does not look by itself; an event stream must.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// The socket of a connection.
enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// The client at the other end.
#[derive(Clone)]
pub struct Peer(Arc<Socket>);

/// Reading and writing it.
pub(crate) struct Stream(Arc<Socket>);

macro_rules! socket {
    ($socket:expr, $name:ident => $call:expr) => {
        match $socket {
            Socket::Unix($name) => $call,
            Socket::Tcp($name) => $call,
        }
    };
}

impl Peer {
    pub(crate) fn unix(stream: UnixStream) -> (Stream, Self) {
        Self::around(Socket::Unix(stream))
    }

    pub(super) fn tcp(stream: TcpStream) -> (Stream, Self) {
        Self::around(Socket::Tcp(stream))
    }

    fn around(socket: Socket) -> (Stream, Self) {
        let socket = Arc::new(socket);
        (Stream(socket.clone()), Self(socket))
    }

    /// Waits until the client closed the connection or its sending side. Reads nothing.
    pub async fn closed(&self) {
        loop {
            let Ok(ready) = socket!(&*self.0, s => s.ready(Interest::READABLE).await) else { return };
            if ready.is_read_closed() {
                return;
            }
            match self.peek() {
                Ok(0) => return,
                // More requests wait to be read: look again later whether the end follows.
                Ok(_) => tokio::time::sleep(Duration::from_secs(1)).await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    /// Waits until the client is gone altogether, not only its sending side. A TCP client that went without a word after
    /// closing its sending side is noticed when something is written to it.
    pub async fn hung_up(&self) {
        while !self.is_hung_up() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Asked of the kernel, because waiting for it would take readiness away from whoever writes.
    fn is_hung_up(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let fd = socket!(&*self.0, s => std::os::fd::AsFd::as_fd(s));
        let mut asked = [PollFd::from_borrowed_fd(fd, PollFlags::empty())];
        let gone = PollFlags::HUP | PollFlags::ERR;
        poll(&mut asked, Some(&Timespec::default())).is_ok() && asked[0].revents().intersects(gone)
    }

    /// How much of one byte could be read; "would block" also clears the readiness that was taken for true.
    fn peek(&self) -> io::Result<usize> {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        socket!(&*self.0, s => s.try_io(Interest::READABLE, || socket2::SockRef::from(s).peek(&mut byte)))
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(socket!(&*self.0, s => s.poll_read_ready(cx)))?;
            match socket!(&*self.0, s => s.try_read(buf.initialize_unfilled())) {
                Ok(count) => {
                    buf.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Stream {
    fn poll_io(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&Socket) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(socket!(&*self.0, s => s.poll_write_ready(cx)))?;
            match write(&self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_io(cx, |socket| socket!(socket, s => s.try_write(buf)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_io(cx, |socket| socket!(socket, s => s.try_write_vectored(bufs)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(socket!(&*self.0, s => socket2::SockRef::from(s).shutdown(Shutdown::Write)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const SOON: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_peer_that_stays_is_not_taken_for_gone() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let (mut stream, peer) = Peer::unix(near);
        far.write_all(b"x").await.unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        // Readiness from before the read may still be cached; it must not be taken for the end.
        assert!(tokio::time::timeout(Duration::from_millis(50), peer.closed()).await.is_err());
        stream.write_all(b"y").await.unwrap();
        far.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"y");
    }

    #[tokio::test]
    async fn a_peer_that_hangs_up_or_half_closes_is_noticed() {
        for half in [true, false] {
            let (near, mut far) = UnixStream::pair().unwrap();
            let (_stream, peer) = Peer::unix(near);
            let watch = tokio::spawn(async move { peer.closed().await });
            let kept = if half {
                far.shutdown().await.unwrap();
                Some(far)
            } else {
                drop(far);
                None
            };
            tokio::time::timeout(SOON, watch).await.expect("must be noticed").unwrap();
            drop(kept);
        }
    }

    #[tokio::test]
    async fn the_end_is_noticed_behind_unread_data_too() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let (_stream, peer) = Peer::unix(near);
        far.write_all(b"more").await.unwrap();
        let watch = tokio::spawn(async move { peer.closed().await });
        drop(far);
        tokio::time::timeout(SOON, watch).await.expect("must be noticed").unwrap();
    }
}
