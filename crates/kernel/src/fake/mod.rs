//! A host that exists only in memory: a model of the kernel, not a recording, for tests of everything above it.
//!
//! Owns: namespaces with their links, addresses, routes, sysctls and tables; namespace files, processes, ports and
//! flows; failures on demand. Follows the kernel where callers can tell the difference, and the contract of
//! [`crate::Kernel`] always. Must never touch the machine; its sockets alone are real ones on the loopback.
//!
//! What it does at once and the kernel does later: a namespace without holder is gone with the call that let go of it.

mod address;
mod apply;
mod device;
mod fault;
mod hand;
mod host;
mod kernel;
mod link;
mod model;
mod namespace;
mod port;
mod route;
mod snapshot;
mod socket;
mod sysctl;
#[cfg(test)]
mod tests;
mod watch;

pub use fault::Write;
pub use host::FakeHost;
pub use model::Flow;
pub use snapshot::{HostState, NamespaceState};
pub use socket::Claim;
