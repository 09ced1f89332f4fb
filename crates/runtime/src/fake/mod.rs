//! A runtime that exists only in memory: a model, not a recording, for tests of everything above this crate.
//!
//! Owns: containers and commands with their phases, streams and ends; what was asked; failures on demand. Follows the
//! contract of [`crate::Runtime`]. Starts no process; its file descriptors alone are real.

mod fault;
mod hand;
mod model;
mod runtime;
#[cfg(test)]
mod tests;

pub use fault::Call;
pub use hand::FakeRuntime;
