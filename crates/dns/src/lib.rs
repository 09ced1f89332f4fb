//! The resolver at 127.0.0.11 in every sandbox: names of its networks, and the way to servers outside.
//!
//! Owns: sockets, messages, forwarding and what is kept of it. Reads the core's snapshots of names; must never decide
//! who sees which name, and never write rules or files. [`answer()`] is the part that reads what hostile processes
//! send, as a pure function; fuzz it, and [`accepts`], which reads what servers outside send.

mod answer;
mod counters;
mod error;
mod forward;
mod resolver;
mod reverse;
mod serve;
mod settings;
mod wire;

pub use answer::{Action, Scratch, Terms, Transport, accepts, answer};
pub use counters::Metrics;
pub use error::{Error, Result};
pub use resolver::Resolver;
pub use settings::{Clock, Settings};
pub use wire::question::Question;
