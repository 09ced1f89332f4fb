//! One socket that keeps one port.
//!
//! tcp: bound without `SO_REUSEADDR` and not listening: no other bind succeeds beside it, it receives nothing, and a
//! connection attempt that no rule translates is refused as on any closed port. When that bind fails the port may
//! be held only by ended connections (TIME-WAIT of a forwarder): then bound with `SO_REUSEADDR` and listening behind
//! a filter that drops everything, which fails only if someone else really listens. udp: bound behind that filter.

use super::Filter;
use pontoon_types::Protocol;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A socket whose only job is to exist.
pub(super) struct Plug(OwnedFd);

/// What is so with every socket of a run. Each call that is not made counts: a range may be ten thousand sockets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Making {
    /// What keeps packets out of those that could get some.
    pub(super) filter: Filter,
    /// Whether a new IPv6 socket takes IPv4 along unasked (`net.ipv6.bindv6only`); `None` when each is to be told.
    pub(super) takes_both: Option<bool>,
}

impl Making {
    /// As the calling thread's namespace is now.
    pub(super) fn now(filter: Filter) -> Self {
        let probe = Plug::open(Protocol::Udp, Ipv6Addr::UNSPECIFIED.into());
        let only_v6 = probe.and_then(|probe| Ok(rustix::net::sockopt::ipv6_v6only(&probe.0)?));
        Self { filter, takes_both: only_v6.ok().map(|only| !only) }
    }

    /// Each socket is told everything.
    pub(super) fn by_hand(filter: Filter) -> Self {
        Self { filter, takes_both: None }
    }
}

impl Plug {
    /// Takes the port of one address.
    pub(super) fn single(protocol: Protocol, address: SocketAddr, making: Making) -> io::Result<Self> {
        match Self::exclusive(protocol, address, false, making) {
            Err(error) if error.raw_os_error() == Some(libc::EADDRINUSE) && protocol == Protocol::Tcp => {
                Self::listening(protocol, address, making)
            }
            outcome => outcome,
        }
    }

    /// Takes the port so that nobody can bind beside; `both` takes IPv4 along with an IPv6 address.
    pub(super) fn exclusive(protocol: Protocol, address: SocketAddr, both: bool, making: Making) -> io::Result<Self> {
        if protocol == Protocol::Sctp {
            return Self::listening(protocol, address, making);
        }
        let plug = Self::open(protocol, address.ip())?;
        if address.is_ipv6() && making.takes_both != Some(both) {
            plug.set(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, i32::from(!both))?;
        }
        if protocol == Protocol::Udp {
            making.filter.attach(plug.0.as_raw_fd())?;
        }
        plug.bind(address)?;
        Ok(plug)
    }

    fn listening(protocol: Protocol, address: SocketAddr, making: Making) -> io::Result<Self> {
        let plug = Self::open(protocol, address.ip())?;
        if address.is_ipv6() {
            plug.set(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
        }
        plug.set(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        making.filter.attach(plug.0.as_raw_fd())?;
        plug.bind(address)?;
        plug.listen()?;
        Ok(plug)
    }

    /// Another socket for `address`, whose port this one holds, in its place: for a moment both hold it. This one
    /// comes back where that fails.
    pub(super) fn replaced_by(self, protocol: Protocol, address: SocketAddr, making: Making) -> Result<Self, Self> {
        self.beside(protocol, address, making).map_err(|_| {
            let _ = self.set(libc::SOL_SOCKET, libc::SO_REUSEADDR, 0);
            self
        })
    }

    /// Two sockets that both allow it may hold one port, as long as neither listens.
    fn beside(&self, protocol: Protocol, address: SocketAddr, making: Making) -> io::Result<Self> {
        let other = Self::open(protocol, address.ip())?;
        if address.is_ipv6() {
            other.set(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
        }
        if protocol == Protocol::Udp {
            making.filter.attach(other.0.as_raw_fd())?;
        }
        self.set(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        other.set(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        other.bind(address)?;
        other.set(libc::SOL_SOCKET, libc::SO_REUSEADDR, 0)?;
        Ok(other)
    }

    #[allow(unsafe_code)]
    fn open(protocol: Protocol, address: IpAddr) -> io::Result<Self> {
        let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let (kind, number) = match protocol {
            Protocol::Tcp => (libc::SOCK_STREAM, libc::IPPROTO_TCP),
            Protocol::Udp => (libc::SOCK_DGRAM, libc::IPPROTO_UDP),
            Protocol::Sctp => (libc::SOCK_STREAM, libc::IPPROTO_SCTP),
        };
        // SAFETY: takes three numbers, and gives a descriptor of our own or -1.
        let fd = checked(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, number) })?;
        // SAFETY: the descriptor was just opened and nobody else has it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    #[allow(unsafe_code)]
    fn set(&self, level: i32, option: i32, value: i32) -> io::Result<()> {
        set_option(self.0.as_raw_fd(), level, option, &value)
    }

    #[allow(unsafe_code)]
    fn bind(&self, address: SocketAddr) -> io::Result<()> {
        let address = socket2::SockAddr::from(address);
        // SAFETY: pointer and length describe an address that lives for the whole call and is only read.
        let outcome = unsafe { libc::bind(self.0.as_raw_fd(), address.as_ptr().cast(), address.len()) };
        checked(outcome).map(|_| ())
    }

    #[allow(unsafe_code)]
    fn listen(&self) -> io::Result<()> {
        // SAFETY: takes two numbers; the descriptor is ours and open.
        checked(unsafe { libc::listen(self.0.as_raw_fd(), 1) }).map(|_| ())
    }
}

/// Sets a socket option whose value is exactly `T`.
#[allow(unsafe_code)]
pub(super) fn set_option<T>(socket: RawFd, level: i32, option: i32, value: &T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: pointer and length describe `value`, which lives for the whole call and is only read.
    let outcome = unsafe { libc::setsockopt(socket, level, option, std::ptr::from_ref(value).cast(), length) };
    checked(outcome).map(|_| ())
}

fn checked(outcome: i32) -> io::Result<i32> {
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(outcome) }
}
