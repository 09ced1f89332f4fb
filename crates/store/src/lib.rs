//! The two stores of the core: definitions that survive power loss, and run state that lives as long as the kernel's
//! objects do (design: two stores, because there are two kinds of loss).
//!
//! Owns: files under the data root and the exec root's `sandboxes` folder, and the locks on both roots. Must never know
//! what the records mean.

mod definitions;
mod error;
mod lock;
mod run_state;

pub use definitions::DurableDefinitions;
pub use error::{Error, Result};
pub use lock::RootLock;
pub use run_state::RunFiles;
