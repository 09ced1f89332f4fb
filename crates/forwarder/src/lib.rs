//! The forwarder: flows that the kernel cannot translate, carried in user space.
//!
//! Those are IPv6 clients of an IPv4-only sandbox, clients at `[::1]` and link-local clients. Owns one TCP listener and
//! one UDP socket of the host, to which the rule set redirects published ports; the first destination of each flow
//! tells whose it is. Must never write a rule, nor carry anything but what is published.
//!
//! The sandbox sees the host as its peer. TCP and UDP only.

mod counters;
mod datagram;
mod error;
mod forwarder;
mod limits;
mod originals;
mod table;
mod tcp;
mod udp;

pub use counters::Counters;
pub use error::{Error, Result};
pub use forwarder::{Forwarder, Listening, Ports};
pub use limits::Limits;
pub use originals::{OfKernel, Originals};
