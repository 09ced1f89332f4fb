//! What is mounted into a container: parsed, decided once when it is made, and made ready when it starts.
//!
//! Owns: binds, volumes and tmpfs in both of Docker's forms, their conflicts and their texts. Must never mount anything:
//! that is the runtime's work.

mod bind;
mod decide;
mod long;
mod point;
mod populate;
mod ready;

pub(crate) use decide::{Decided, Wish, decide};
pub use point::MountPoint;
pub(crate) use populate::populate;
pub(crate) use ready::ready;
