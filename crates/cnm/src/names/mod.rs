//! Names: what each network knows, and what one sandbox sees of it. Readers never wait for a writer's work.
//!
//! Owns: registration and the lookups of dns.md sections 4 and 5. Must never know DNS messages or sockets.

mod addresses;
mod network;
mod sandbox;
#[cfg(test)]
mod tests;

pub use network::{Known, NameRecord, NetworkNames};
pub use sandbox::{Answer, SandboxNames, VisibleNetwork};
