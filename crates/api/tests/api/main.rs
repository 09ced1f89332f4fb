//! The API from outside: over its service and over real sockets, against a core that exists only in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, what fails is to stop it")]

mod containers;
mod contract;
mod core;
mod events;
mod hostile;
mod images;
mod negotiation;
mod networks;
mod probe;
mod sandboxes;
mod serving;
mod system;
