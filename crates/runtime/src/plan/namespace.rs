//! Which namespaces are a container's own, and which it shares.

use std::path::PathBuf;

/// The namespaces of a container. The mount namespace is always its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// Networking.
    pub network: Network,
    /// Process ids.
    pub pid: Namespace,
    /// Host name.
    pub uts: Namespace,
    /// System V IPC, POSIX message queues, and `/dev/shm` with them.
    pub ipc: Ipc,
    /// View of the control groups.
    pub cgroup: CgroupNamespace,
}

/// The network namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// One that is found at this path, e.g. a sandbox's.
    At(PathBuf),
    /// That of the daemon.
    Host,
    /// A new one with nothing in it.
    #[default]
    New,
}

/// A namespace of processes or of the host name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Namespace {
    /// A new one.
    #[default]
    Private,
    /// That of the daemon.
    Host,
    /// One found at this path, e.g. `/proc/42/ns/pid` for `container:X`.
    At(PathBuf),
}

/// The IPC namespace and `/dev/shm`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ipc {
    /// A new one that nobody joins.
    #[default]
    Private,
    /// A new one that others may join: see [`crate::Runtime::shm`].
    Shareable,
    /// A new one, without `/dev/shm`.
    None,
    /// That of the host, with its `/dev/shm` and `/dev/mqueue`.
    Host,
    /// That of another container.
    At {
        /// Its namespace, e.g. `/proc/42/ns/ipc`.
        namespace: PathBuf,
        /// Its `/dev/shm` on the host: [`crate::Runtime::shm`] of that container.
        shm: PathBuf,
    },
}

/// The cgroup namespace (`--cgroupns`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CgroupNamespace {
    /// What Docker takes: private on cgroup v2, the host's on v1.
    #[default]
    Default,
    /// A new one.
    Private,
    /// That of the daemon.
    Host,
}
