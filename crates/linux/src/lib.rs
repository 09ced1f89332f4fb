//! The one real implementation of `pontoon_kernel`: rtnetlink, nf_tables, namespaces, sysctl, conntrack, sockets.
//!
//! Owns all unsafe code of the workspace, and the translation of errno into kinds. Must never change the namespace
//! of a caller's thread for longer than a call, keep a descriptor for a sandbox between calls, or touch what a call
//! does not name.

mod announce;
mod apply;
mod closer;
pub mod conntrack;
mod errno;
mod host;
mod inside;
mod kernel;
mod known;
pub mod link;
pub mod netlink;
mod netns;
pub mod nft;
mod observe;
mod procfs;
mod reserve;
mod retire;
mod sockets;
mod sysctl;
mod watch;

pub use host::Linux;
