//! The Engine API and our sandbox API from the client's side: for the command line and for tests.
//!
//! Owns: connections, paths, and errors with their hints. Must never hold an opinion on networking, print, or guess
//! what the daemon would do.

pub mod blocking;
mod calls;
mod client;
mod error;
mod events;
mod host;
mod query;
mod tls;
mod wire;

pub use client::{Client, Response};
pub use error::{ApiError, Error};
pub use events::EventStream;
pub use host::Host;
pub use query::{EventQuery, Ping};
pub use tls::TlsFiles;
