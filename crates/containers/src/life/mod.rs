//! What happens to a container between being made and being removed.
//!
//! Owns: who may do what when, in Docker's words and order of events. A turn is held while something is changed, never
//! while something is waited for.

mod adopt;
mod attach;
mod begin;
mod connect;
mod end;
mod kill;
mod launch;
mod others;
mod pause;
mod prune;
mod remove;
mod rename;
mod start;
mod stop;
mod unlink;
mod update;
mod wait;

pub use attach::Attached;
pub use begin::Begun;
pub(crate) use end::After;
pub(crate) use pause::living;
pub use remove::RemoveWish;
pub(crate) use start::Why;
pub use stop::StopWish;
pub use update::Update;
pub use wait::{WaitCondition, Waited};
