//! A connection to a process's streams, as its monitor gives it: a socket of packets.
//!
//! Each packet that is read is one byte that names the stream, and data; with a terminal all is standard output. Each
//! packet that is written goes to standard input as it is.
//!
//! The monitor writes to one connection after the other and waits for a full one: whoever does not read holds the
//! process up once the socket's buffer (some 200 KiB) is full, as Docker does after 1 MiB. Readers should therefore
//! read into a buffer of their own, and drop the connection of a client that is gone.

use nix::sys::socket::{MsgFlags, Shutdown, recv, send, shutdown};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// The most that one write to standard input takes.
pub const CHUNK: usize = 8192;

/// A buffer for reading must have at least so many bytes: a packet that does not fit is cut.
pub const PACKET: usize = (64 << 10) + 1;

/// Which output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output, and everything from a terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A connection to the streams of a process. Its socket never blocks: an async runtime waits for it (it is [`AsFd`]
/// and [`AsRawFd`]). Dropping it ends the connection.
#[derive(Debug)]
pub struct Attachment {
    socket: OwnedFd,
    stdin: bool,
}

impl Attachment {
    /// The connection over `socket`, which must not block.
    pub(crate) fn new(socket: OwnedFd, stdin: bool) -> Self {
        Self { socket, stdin }
    }

    /// Whether this connection writes to standard input.
    pub fn has_stdin(&self) -> bool {
        self.stdin
    }

    /// The next output: its stream and its bytes, a part of `buffer`, which has room for [`PACKET`] bytes. `None` when
    /// the output is over; [`io::ErrorKind::WouldBlock`] when there is none now.
    pub fn read<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<(Stream, &'a [u8])>> {
        match recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty()) {
            Ok(0) | Err(nix::errno::Errno::ECONNRESET) => Ok(None),
            Ok(length) => {
                let stream = if buffer[0] == STDERR { Stream::Stderr } else { Stream::Stdout };
                Ok(Some((stream, &buffer[1..length])))
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Writes the beginning of `data` to standard input; tells how much. [`io::ErrorKind::WouldBlock`] when the process
    /// does not read now, [`io::ErrorKind::BrokenPipe`] when it has ended or this connection has no standard input.
    pub fn write(&self, data: &[u8]) -> io::Result<usize> {
        if !self.stdin {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // An empty packet would be taken for the end.
        if data.is_empty() {
            return Ok(0);
        }
        let data = &data[..data.len().min(CHUNK)];
        Ok(send(self.socket.as_raw_fd(), data, MsgFlags::MSG_NOSIGNAL)?)
    }

    /// Says that nothing more will be written. Output goes on. Ends standard input where [`crate::Stdin::Once`] says so.
    pub fn end_stdin(&self) -> io::Result<()> {
        if self.stdin { Ok(shutdown(self.socket.as_raw_fd(), Shutdown::Write)?) } else { Ok(()) }
    }

    /// Waits until there is output, or its end, not longer than `patience`; tells whether there is.
    pub fn wait(&self, patience: std::time::Duration) -> io::Result<bool> {
        crate::wait::readable(self.socket.as_fd(), patience)
    }
}

/// How the monitor marks standard error.
const STDERR: u8 = 3;

impl Drop for Attachment {
    fn drop(&mut self) {
        if !self.stdin {
            // The runtime may keep the other half of the connection open: its end would be taken for that of standard
            // input. Nobody reads from now on, and the monitor must notice.
            let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Read);
        }
    }
}

impl AsFd for Attachment {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Attachment {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
