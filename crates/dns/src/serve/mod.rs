//! Serving sandboxes: their sockets, the threads that wait for them, the connections, and the way outside.
//!
//! Owns: everything that does I/O for clients. What to answer is decided in `answer`, what servers outside say comes
//! from `forward`.

mod batch;
mod connection;
mod datagrams;
mod event_loop;
mod outside;
mod sandbox;

pub(crate) use event_loop::{EventLoop, Place};
pub(crate) use sandbox::{Sandbox, View};
