//! News from the kernel: links and addresses, rules, losses inside sandboxes, mounts and processes.
//!
//! Owns the sockets that listen, and telling our own hand from others'. Bursts become one change of each sort. What
//! our own sockets caused is left out where the kernel says whose request it was.

use crate::host::Linux;
use crate::inside::{self, Inside};
use crate::known::KnownLinks;
use crate::netlink::{Frame, Pool, attributes, frames, receive};
use crate::netns::process_in;
use netlink_sys::{Socket, SocketAddr};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pontoon_kernel::{Change, Changes, NetnsOwner, Result};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LINK: u32 = 1;
const IPV4_IFADDR: u32 = 5;
const IPV6_IFADDR: u32 = 9;
const NFTABLES: u32 = 7;
/// Messages of `nfnetlink` carry their subsystem in the upper byte; nf_tables is number 10.
const SUBSYSTEM_NFTABLES: u16 = 10;
const NEWGEN: u16 = SUBSYSTEM_NFTABLES << 8 | 15;
/// Room for bursts such as a rule set of some thousand elements; the kernel would drop the rest and say so.
const ROOM: usize = 4 << 20;
const BUFFER: usize = 64 * 1024;

/// What was heard and not told yet.
#[derive(Debug, Default)]
struct Heard {
    lost: bool,
    links: bool,
    rules: bool,
    namespaces: bool,
    inside: BTreeSet<i32>,
}

impl Heard {
    fn anything(&self) -> bool {
        self.lost || self.links || self.rules || self.namespaces || !self.inside.is_empty()
    }
}

/// The watcher.
pub(crate) struct Watch {
    route: Socket,
    rules: Socket,
    inside: Inside,
    mounts: File,
    processes: Vec<OwnedFd>,
    own_route: Arc<Pool>,
    own_netfilter: Arc<Pool>,
    buffer: Vec<u8>,
    heard: Heard,
    known: KnownLinks,
}

impl Watch {
    /// Begins to listen in the calling thread's namespace.
    pub(crate) fn open(linux: &Linux) -> io::Result<Self> {
        Ok(Self {
            route: listen(libc::NETLINK_ROUTE, &[LINK, IPV4_IFADDR, IPV6_IFADDR])?,
            rules: listen(libc::NETLINK_NETFILTER, &[NFTABLES])?,
            inside: Inside::open()?,
            // A poll of this file tells of mounts that came or went since the last one.
            mounts: File::open("/proc/thread-self/mountinfo")?,
            processes: Vec::new(),
            own_route: Arc::clone(&linux.route),
            own_netfilter: Arc::clone(&linux.netfilter),
            buffer: Vec::with_capacity(BUFFER),
            heard: Heard::default(),
            known: KnownLinks::seed(linux),
        })
    }

    /// Waits for any of the descriptors, and notes what they have to say.
    fn listen_once(&mut self, timeout: PollTimeout) -> io::Result<()> {
        let mut all = vec![
            PollFd::new(self.route.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.rules.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.mounts.as_fd(), PollFlags::POLLPRI),
        ];
        all.extend(self.inside.descriptors().map(|socket| PollFd::new(socket, PollFlags::POLLIN)));
        all.extend(self.processes.iter().map(|process| PollFd::new(process.as_fd(), PollFlags::POLLIN)));
        match poll(&mut all, timeout) {
            Err(nix::errno::Errno::EINTR) => return Ok(()),
            outcome => outcome?,
        };
        let ready: Vec<bool> = all.iter().map(|one| one.any().unwrap_or(false)).collect();
        drop(all);
        let mut ready = ready.into_iter();
        if ready.next() == Some(true) {
            self.read_links()?;
        }
        if ready.next() == Some(true) {
            self.read_rules()?;
        }
        self.heard.namespaces |= ready.next() == Some(true);
        // After the host's links: those that were cut off lead nowhere any more.
        if [ready.next(), ready.next()].contains(&Some(true)) {
            self.read_inside()?;
        }
        // A process ends once; its descriptor would stay ready for ever.
        let before = self.processes.len();
        self.processes.retain(|_| ready.next() != Some(true));
        self.heard.namespaces |= self.processes.len() != before;
        Ok(())
    }

    fn read_links(&mut self) -> io::Result<()> {
        while let Some(datagram) = next_datagram(&self.route, &mut self.buffer, &mut self.heard.lost)? {
            for frame in frames(datagram) {
                let own = self.own_route.owns(frame.port);
                self.heard.links |= self.known.hear(&frame) && !own;
            }
        }
        Ok(())
    }

    fn read_rules(&mut self) -> io::Result<()> {
        while let Some(datagram) = next_datagram(&self.rules, &mut self.buffer, &mut self.heard.lost)? {
            let own = &self.own_netfilter;
            self.heard.rules |= frames(datagram).any(|frame| is_rule_news(&frame) && !own.owns(frame.port));
        }
        Ok(())
    }

    fn read_inside(&mut self) -> io::Result<()> {
        let (heard, known) = (&mut self.heard.inside, &self.known);
        self.inside.read(|what| match what {
            inside::Heard::Loss(namespace) => drop(heard.insert(namespace)),
            inside::Heard::Anything => heard.extend(known.namespaces()),
        })
    }

    /// One of the things heard, the most urgent first.
    fn tell(&mut self) -> Option<Change> {
        let heard = &mut self.heard;
        if std::mem::take(&mut heard.lost) {
            // "Look at everything" says all that is pending on the host.
            let inside = std::mem::take(&mut heard.inside);
            *heard = Heard { inside, ..Heard::default() };
            return Some(Change::Lost);
        }
        let all = [
            (&mut heard.namespaces, Change::Namespaces),
            (&mut heard.links, Change::Links),
            (&mut heard.rules, Change::Rules),
        ];
        let told = all.into_iter().find_map(|(flag, change)| std::mem::take(flag).then_some(change));
        // Namespaces behind no link of ours are nobody's business here.
        told.or_else(|| {
            std::iter::from_fn(|| heard.inside.pop_first())
                .find_map(|number| self.known.leading_to(number))
                .map(Change::Inside)
        })
    }
}

impl Changes for Watch {
    fn next(&mut self, timeout: Duration) -> Result<Option<Change>> {
        let failed = |error| crate::errno::failed("listen for changes in the kernel", &error);
        let end = Instant::now() + timeout;
        loop {
            let pending = self.heard.anything();
            let left = if pending { Duration::ZERO } else { end.saturating_duration_since(Instant::now()) };
            // Rounded up, so that the last wait is not a busy one.
            let milliseconds = left.as_micros().div_ceil(1000).try_into().unwrap_or(u16::MAX);
            self.listen_once(PollTimeout::from(milliseconds)).map_err(failed)?;
            let told = self.tell();
            if told.is_some() || Instant::now() >= end {
                return Ok(told);
            }
        }
    }

    fn follow(&mut self, owners: &[NetnsOwner]) -> Result<()> {
        self.processes.clear();
        for process in owners.iter().filter_map(process_in) {
            // Looked at after opening: the descriptor is of the process meant, or of none.
            let opened = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
            let opened = opened.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
            match (opened, process.is_there()) {
                (Some(descriptor), Ok(true)) => self.processes.push(descriptor),
                _ => self.heard.namespaces = true,
            }
        }
        Ok(())
    }
}

fn listen(protocol: i32, groups: &[u32]) -> io::Result<Socket> {
    let mut socket = Socket::new(protocol as isize)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    // Beyond net.core.rmem_max only with CAP_NET_ADMIN; without it what there is must do.
    let _ = nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::RcvBufForce, &ROOM);
    for group in groups {
        socket.add_membership(*group)?;
    }
    socket.set_non_blocking(true)?;
    Ok(socket)
}

/// The next datagram, if one is waiting; notes when the kernel had to drop some.
fn next_datagram<'a>(socket: &Socket, buffer: &'a mut Vec<u8>, lost: &mut bool) -> io::Result<Option<&'a [u8]>> {
    loop {
        match receive(socket, buffer) {
            Ok(()) => return Ok(Some(buffer)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => *lost = true,
            Err(error) => return Err(error),
        }
    }
}

/// Whether a message is about a part of a table. Every transaction ends with a new generation, which says nothing more.
fn is_rule_news(frame: &Frame<'_>) -> bool {
    frame.kind >> 8 == SUBSYSTEM_NFTABLES
        && frame.kind != NEWGEN
        && frame.payload.get(4..).is_some_and(|rest| attributes(rest).next().is_some())
}
