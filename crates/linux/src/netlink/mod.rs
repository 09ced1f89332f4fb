//! Netlink by blocking sockets: frames, requests with their acknowledgements, dumps.
//!
//! Owns what is common to rtnetlink and ctnetlink. Must never know what a message means, and never panic on
//! what the kernel (or a fuzzer) hands it.

mod attributes;
mod frame;
mod pool;
mod refusal;
mod socket;

pub use attributes::{Attribute, Attributes, attributes};
pub use frame::{Frame, Frames, frames};
pub(crate) use pool::Pool;
pub use refusal::{Refusal, refusal};
pub(crate) use socket::receive;
pub use socket::{Request, Socket};
