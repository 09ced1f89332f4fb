//! What the core asks of the resolver that answers at 127.0.0.11 in each sandbox. `crates/dns` implements it.

use crate::{DnsPorts, SandboxNames};
use pontoon_kernel::Netns;
use pontoon_types::SandboxId;
use std::net::IpAddr;
use std::sync::Arc;

/// One server to which unknown names are forwarded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Upstream {
    /// Address; port 53.
    pub address: IpAddr,
    /// Asked from the host's namespace (servers of the host's own resolv.conf) instead of the sandbox's.
    pub from_host: bool,
    /// The number of the link that a link-local address is on, where it is asked from; 0 for other addresses.
    pub link: u32,
}

/// Where a sandbox's resolver forwards to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstreams {
    /// The servers, at most the first three of which Docker would use; all are used here.
    pub servers: Vec<Upstream>,
    /// Whether servers reached from the host's namespace may be asked: false while the sandbox has no way out
    /// (CVE-2024-29018).
    pub forward_host: bool,
    /// Whether an `ndots` option was set by the host or the user: single-label names are then not forwarded.
    pub ndots_set: bool,
}

/// A resolver for many sandboxes.
pub trait Resolver: Send + Sync {
    /// Starts serving a sandbox, on the `wanted` ports if they are free, else on others; tells which.
    fn open(
        &self,
        sandbox: SandboxId,
        ns: &Netns,
        names: Arc<SandboxNames>,
        upstreams: Upstreams,
        wanted: Option<DnsPorts>,
    ) -> Result<DnsPorts, pontoon_kernel::Error>;

    /// Replaces what a sandbox sees; unknown sandboxes are ignored.
    fn update(&self, sandbox: SandboxId, names: Arc<SandboxNames>, upstreams: Upstreams);

    /// Stops serving a sandbox; unknown sandboxes are ignored.
    fn close(&self, sandbox: SandboxId);
}
