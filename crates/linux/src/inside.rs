//! News from inside sandboxes: an address, a route or a rule of ours that somebody took away there.
//!
//! Owns two sockets of the host that hear all namespaces which the host knows by number (`NETLINK_LISTEN_ALL_NSID`);
//! a pair with one end inside is what makes it know one. So nothing is asked however many sandboxes there are, and what
//! requests add there is dropped by the kernel before it wakes anybody. Must never be taken for the truth: who hears
//! that something went looks for himself.

use crate::link::{RTM_DELADDR, RTM_DELROUTE, read_routes};
use crate::netlink::{Frame, attributes, frames};
use netlink_sys::{Socket, SocketAddr};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use pontoon_kernel::Route;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

const IPV4_IFADDR: u32 = 5;
const IPV4_ROUTE: u32 = 7;
const IPV6_IFADDR: u32 = 9;
const IPV6_ROUTE: u32 = 11;
const NFTABLES: u32 = 7;
/// Messages of nf_tables: subsystem 10, and deletions of tables, chains and rules.
const DELETIONS: [u16; 3] = [10 << 8 | 2, 10 << 8 | 5, 10 << 8 | 8];
/// First attribute of each of them: the name of the table.
const TABLE: u16 = 1;
const OUR_TABLE: &str = "pontoon";
/// Routes that came with an address.
const BY_KERNEL: u8 = 2;
/// Room for what is heard at once; who makes more noise than that is looked at for it.
const ROOM: usize = 1 << 20;
const BUFFER: usize = 64 * 1024;

/// What was heard of one namespace, or that something may have been missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Something of ours went in the namespace with this number.
    Loss(i32),
    /// The kernel had to drop messages: anything may have gone anywhere.
    Anything,
}

/// The two sockets.
pub(crate) struct Inside {
    route: Socket,
    rules: Socket,
    buffer: Vec<u8>,
}

impl Inside {
    /// Begins to listen in the calling thread's namespace.
    pub(crate) fn open() -> io::Result<Self> {
        let route = listen(libc::NETLINK_ROUTE, &[IPV4_IFADDR, IPV6_IFADDR, IPV4_ROUTE, IPV6_ROUTE])?;
        socket2::SockRef::from(&route).attach_filter(&only_deletions())?;
        Ok(Self { route, rules: listen(libc::NETLINK_NETFILTER, &[NFTABLES])?, buffer: vec![0; BUFFER] })
    }

    /// What to wait for.
    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.route.as_fd(), self.rules.as_fd()]
    }

    /// Everything that waits to be read, as far as it matters.
    pub(crate) fn read(&mut self, mut heard: impl FnMut(Heard)) -> io::Result<()> {
        for (socket, matters) in [
            (&self.route, is_loss as fn(&Frame<'_>) -> bool),
            (&self.rules, is_loss_of_rules as fn(&Frame<'_>) -> bool),
        ] {
            loop {
                match receive(socket, &mut self.buffer) {
                    Ok((length, namespace)) => {
                        let datagram = self.buffer.get(..length).unwrap_or_default();
                        // The host's own changes come without a number, and are heard elsewhere.
                        if let Some(namespace) = namespace
                            && frames(datagram).any(|frame| matters(&frame))
                        {
                            heard(Heard::Loss(namespace));
                        }
                    }
                    Err(Errno::EAGAIN) => break,
                    Err(Errno::ENOBUFS) => heard(Heard::Anything),
                    Err(Errno::EINTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

fn listen(protocol: i32, groups: &[u32]) -> io::Result<Socket> {
    let mut socket = Socket::new(protocol as isize)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    socket.set_listen_all_namespaces(true)?;
    let _ = nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::RcvBufForce, &ROOM);
    for group in groups {
        socket.add_membership(*group)?;
    }
    socket.set_non_blocking(true)?;
    Ok(socket)
}

/// A datagram's length, and the number of the namespace it is from.
fn receive(socket: &Socket, buffer: &mut [u8]) -> Result<(usize, Option<i32>), Errno> {
    let mut control = cmsg_space!(i32);
    let mut parts = [IoSliceMut::new(buffer)];
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT)?;
    let namespace = message.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::Unknown(unknown)
            if unknown.cmsg_header.cmsg_level == libc::SOL_NETLINK
                && unknown.cmsg_header.cmsg_type == libc::NETLINK_LISTEN_ALL_NSID =>
        {
            Some(i32::from_ne_bytes(unknown.data_bytes.get(..4)?.try_into().ok()?))
        }
        _ => None,
    });
    Ok((message.bytes, namespace))
}

/// Keeps messages whose type says that an address or a route went; rtnetlink sends each in a datagram of its own.
fn only_deletions() -> [socket2::SockFilter; 5] {
    // A load of the type gives it in network byte order.
    let kind = |kind: u16| u32::from(u16::from_be_bytes(kind.to_ne_bytes()));
    let [load, equal, give] = [
        libc::BPF_LD | libc::BPF_H | libc::BPF_ABS,
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        libc::BPF_RET | libc::BPF_K,
    ];
    let step = |code: u32, jt, jf, k| socket2::SockFilter::new(code as u16, jt, jf, k);
    [
        step(load, 0, 0, 4),
        step(equal, 1, 0, kind(RTM_DELADDR)),
        step(equal, 0, 1, kind(RTM_DELROUTE)),
        step(give, 0, 0, u32::MAX),
        step(give, 0, 0, 0),
    ]
}

fn is_loss(frame: &Frame<'_>) -> bool {
    match frame.kind {
        RTM_DELADDR => true,
        RTM_DELROUTE => {
            read_routes(frame.payload).iter().any(|route| matches!(route.protocol, Route::OURS | BY_KERNEL))
        }
        _ => false,
    }
}

fn is_loss_of_rules(frame: &Frame<'_>) -> bool {
    let table = || attributes(frame.payload.get(4..)?).find(|attribute| attribute.kind == TABLE)?.text();
    DELETIONS.contains(&frame.kind) && table() == Some(OUR_TABLE)
}
