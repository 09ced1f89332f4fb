//! The host as this process sees it: its namespace, and sockets into it.

use crate::closer::Closer;
use crate::errno::{failed, refused};
use crate::netlink::{Pool, Refusal, Socket};
use crate::netns::{NamespaceFile, within};
use crate::procfs::{Procfs, View};
use crate::reserve::{Filter, Releases, raise_descriptor_limit};
use nix::errno::Errno;
use pontoon_kernel::{Error, Kind, Netns, NetnsId, Result};
use pontoon_types::Kind as _;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;

/// Linux itself. One for each daemon: [`Netns::Host`] is the namespace of the thread that made it.
pub struct Linux {
    host: HostFile,
    pub(crate) host_id: NetnsId,
    pub(crate) route: Arc<Pool>,
    pub(crate) netfilter: Arc<Pool>,
    pub(crate) filter: Filter,
    pub(crate) releases: Arc<Releases>,
    pub(crate) closer: Closer,
    procfs: Procfs,
}

/// The host's namespace, held open.
#[derive(Clone, Debug)]
pub(crate) struct HostFile(Arc<NamespaceFile>);

impl HostFile {
    /// Runs `act` with the calling thread in the host's namespace.
    pub(crate) fn within<T>(&self, act: impl FnOnce() -> T) -> io::Result<T> {
        within(self.0.as_fd(), act)
    }
}

impl std::fmt::Debug for Linux {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linux").field("host", &self.host_id).finish_non_exhaustive()
    }
}

impl Linux {
    /// Takes the calling thread's network namespace for the host's, checks once that threads may enter namespaces,
    /// and raises the limit of open files as far as it may (a reserved port is a socket).
    ///
    /// `Denied` without CAP_SYS_ADMIN.
    pub fn new() -> Result<Self> {
        let host = NamespaceFile::open(Path::new("/proc/thread-self/ns/net"))?;
        let host_id = host.id().map_err(|error| failed("look at the host's network namespace", &error))?;
        nix::sched::setns(host.as_fd(), nix::sched::CloneFlags::CLONE_NEWNET).map_err(|errno| {
            let error = refused("enter a network namespace", errno as i32);
            tracing::debug!(%error, hint = error.hint(), "the kernel does not let us enter namespaces");
            error
        })?;
        raise_descriptor_limit();
        Ok(Self {
            host: HostFile(Arc::new(host)),
            host_id,
            route: Arc::new(Pool::new(libc::NETLINK_ROUTE)),
            netfilter: Arc::new(Pool::new(libc::NETLINK_NETFILTER)),
            filter: Filter::load(),
            releases: Arc::default(),
            closer: Closer::default(),
            procfs: Procfs::default(),
        })
    }

    /// The host's namespace, for those who need it longer than `self`.
    pub(crate) fn host_file(&self) -> HostFile {
        self.host.clone()
    }

    /// Opens the file of `ns` for the time of a call.
    pub(crate) fn open(&self, ns: &Netns) -> Result<Namespace<'_>> {
        match ns {
            Netns::Host => Ok(Namespace::Host(self.host.0.as_fd())),
            Netns::At(path) => Ok(Namespace::Other(NamespaceFile::open(path)?)),
        }
    }

    /// Runs `act` with the calling thread inside `ns`.
    pub(crate) fn within<T>(&self, ns: &Netns, act: impl FnOnce() -> T) -> Result<T> {
        let namespace = self.open(ns)?;
        within(namespace.as_fd(), act).map_err(|error| failed("enter a network namespace", &error))
    }

    /// Where to look up settings of `ns`, for a thread that is in it.
    pub(crate) fn settings_of(&self, ns: &Netns) -> Result<View> {
        self.procfs.view(ns, &self.closer)
    }

    /// Runs `act` with an rtnetlink socket of `ns`, and the calling thread inside `ns`.
    pub(crate) fn with_route<T>(&self, ns: &Netns, act: impl FnOnce(&mut Socket) -> Result<T>) -> Result<T> {
        let opened = |error| Refusal::from(error).into_error("open a netlink socket");
        self.within(ns, || match ns {
            Netns::Host => lend(&self.route, opened, act),
            Netns::At(_) => act(&mut Socket::open(libc::NETLINK_ROUTE).map_err(opened)?.strict()),
        })?
    }

    /// Runs `act` with a netfilter socket of the host. The thread need not be there when one is idle.
    pub(crate) fn with_host_netfilter<T>(&self, act: impl FnOnce(&mut Socket) -> Result<T>) -> Result<T> {
        let opened = |error| Refusal::from(error).into_error("open a netfilter socket");
        if let Some(socket) = self.netfilter.take() {
            return lend_this(&self.netfilter, socket, act);
        }
        let socket = self.within(&Netns::Host, || self.netfilter.open())?.map_err(opened)?;
        lend_this(&self.netfilter, socket, act)
    }
}

fn lend<T>(
    pool: &Pool,
    opened: impl Fn(std::io::Error) -> Error,
    act: impl FnOnce(&mut Socket) -> Result<T>,
) -> Result<T> {
    let socket = match pool.take() {
        Some(socket) => socket,
        None => pool.open().map_err(opened)?,
    };
    lend_this(pool, socket, act)
}

fn lend_this<T>(pool: &Pool, mut socket: Socket, act: impl FnOnce(&mut Socket) -> Result<T>) -> Result<T> {
    let outcome = act(&mut socket);
    pool.give_back(socket);
    outcome
}

/// An open namespace: the host's for good, another's for one call.
pub(crate) enum Namespace<'a> {
    /// The host's.
    Host(BorrowedFd<'a>),
    /// Another.
    Other(NamespaceFile),
}

impl AsFd for Namespace<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Host(file) => *file,
            Self::Other(file) => file.as_fd(),
        }
    }
}

/// The index of a link in the calling thread's namespace.
pub(crate) fn index_of(name: &pontoon_types::LinkName) -> std::result::Result<pontoon_kernel::LinkIndex, Errno> {
    nix::net::if_::if_nametoindex(name.as_str()).map(pontoon_kernel::LinkIndex)
}

/// The error of an act that the host's own namespace is not meant for.
pub(crate) fn not_the_host(act: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, act, "it is the host's own network namespace")
}
