//! A blocking netlink socket that asks one thing at a time.
//!
//! It belongs to the namespace it was opened in, wherever it is used. Requests are not strung together: the kernel
//! works one off inside `send` and would go on after a refused one, where we promise to stop; a round trip costs
//! two system calls (under 1 µs), a request itself 20 to 100 µs.

use super::refusal::{Refusal, done, refusal};
use super::{Frame, frames};
use netlink_packet_core::{
    Emitable, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP,
};
use netlink_sys::{Socket as Raw, SocketAddr};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// The kernel's dumps come in pieces of at most 32 KiB.
const BUFFER: usize = 32 * 1024;
/// Answers are there when `send` returns; this only keeps a kernel bug from hanging us.
const PATIENCE_SECONDS: i64 = 10;
/// How often a dump that was disturbed by changes is begun again before we take it as it is.
const DUMP_ATTEMPTS: usize = 8;

/// One request: type, flags beyond `NLM_F_REQUEST`, and the bytes after the header.
#[derive(Clone, Debug)]
pub struct Request {
    /// Message type.
    pub kind: u16,
    /// `NLM_F_*` beyond the request flag.
    pub flags: u16,
    /// Body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request whose body is `message`.
    pub fn new(kind: u16, flags: u16, message: &impl Emitable) -> Self {
        let mut body = vec![0; message.buffer_len()];
        message.emit(&mut body);
        Self { kind, flags, body }
    }
}

/// A netlink socket of one namespace and protocol.
pub struct Socket {
    raw: Raw,
    port: u32,
    sequence: u32,
    buffer: Vec<u8>,
    broken: bool,
}

impl Socket {
    /// Opens one in the calling thread's namespace; `protocol` is `NETLINK_ROUTE` or `NETLINK_NETFILTER`.
    pub fn open(protocol: i32) -> io::Result<Self> {
        let mut raw = Raw::new(protocol as isize)?;
        let port = raw.bind_auto()?.port_number();
        raw.connect(&SocketAddr::new(0, 0))?;
        // Refusals then carry the kernel's own words, and do not echo the request.
        raw.set_ext_ack(true)?;
        raw.set_cap_ack(true)?;
        setsockopt(&raw, sockopt::ReceiveTimeout, &TimeVal::seconds(PATIENCE_SECONDS))?;
        Ok(Self { raw, port, sequence: 0, buffer: Vec::with_capacity(BUFFER), broken: false })
    }

    /// Has the kernel check requests strictly and filter dumps by what they name (since 4.20; older ones do not filter).
    pub fn strict(self) -> Self {
        let _ = self.raw.set_netlink_get_strict_chk(true);
        self
    }

    /// Its port, by which the kernel marks what it notifies about our own requests.
    pub fn port(&self) -> u32 {
        self.port
    }

    /// Whether an exchange broke off, so that stale answers may still come.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Sends `request` and waits until the kernel says it is done.
    pub fn acknowledged(&mut self, request: &Request) -> Result<(), Refusal> {
        self.exchange(request, NLM_F_ACK, |_| {}).map(|_| ())
    }

    /// Sends `request` and gives the answers that `read` understands.
    pub fn ask<T>(&mut self, request: &Request, read: impl Fn(&Frame<'_>) -> Option<T>) -> Result<Vec<T>, Refusal> {
        let mut found = Vec::new();
        self.exchange(request, NLM_F_ACK, |frame| found.extend(read(frame)))?;
        Ok(found)
    }

    /// Lists objects. A list disturbed by changes is begun again, a few times.
    pub fn dump<T>(&mut self, request: &Request, read: impl Fn(&Frame<'_>, &mut Vec<T>)) -> Result<Vec<T>, Refusal> {
        let mut found = Vec::new();
        for _ in 0..DUMP_ATTEMPTS {
            found.clear();
            if !self.exchange(request, NLM_F_DUMP, |frame| read(frame, &mut found))? {
                break;
            }
        }
        Ok(found)
    }

    /// One request and everything that answers it; whether the kernel marked it as disturbed by changes.
    fn exchange(&mut self, request: &Request, flags: u16, mut each: impl FnMut(&Frame<'_>)) -> Result<bool, Refusal> {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let message = self.encode(request, flags | NLM_F_REQUEST);
        self.broken = true;
        self.raw.send(&message, 0)?;
        let mut disturbed = false;
        loop {
            receive(&self.raw, &mut self.buffer)?;
            for frame in frames(&self.buffer).filter(|frame| frame.sequence == self.sequence) {
                disturbed |= frame.flags & NLM_F_DUMP_INTR != 0;
                let end = match frame.kind {
                    NLMSG_ERROR => Some(refusal(frame.payload, frame.flags)),
                    NLMSG_DONE => Some(done(frame.payload, frame.flags)),
                    NLMSG_NOOP => None,
                    _ => {
                        each(&frame);
                        None
                    }
                };
                if let Some(end) = end {
                    self.broken = false;
                    return end.map(|()| disturbed);
                }
            }
        }
    }

    fn encode(&self, request: &Request, flags: u16) -> Vec<u8> {
        let length = 16 + request.body.len();
        let mut message = Vec::with_capacity(length);
        message.extend((length as u32).to_ne_bytes());
        message.extend(request.kind.to_ne_bytes());
        message.extend((request.flags | flags).to_ne_bytes());
        message.extend(self.sequence.to_ne_bytes());
        message.extend(0u32.to_ne_bytes());
        message.extend(&request.body);
        message
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.raw.as_raw_fd()
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.raw.as_fd()
    }
}

/// Receives one datagram into `buffer`, replacing what was in it.
pub(crate) fn receive(socket: &Raw, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    loop {
        match socket.recv(buffer, 0) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
