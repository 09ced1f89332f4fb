//! What is kept: definitions durably under the data root, run-time state quickly under the exec root.
//!
//! Owns the two stores that the core asks for, because there are two kinds of loss: a network must survive power loss,
//! while what is known of a namespace dies with the kernel anyway and must never wait for a disk. Owns the lock that
//! keeps a second daemon off the same roots. Must know nothing of what the records mean.

mod definitions;
mod documents;
mod error;
mod lock;
mod run_files;
mod run_state;

pub use definitions::DefinitionsFile;
pub use documents::{Change, Documents, Entry};
pub use error::{Error, Result};
pub use lock::RootLock;
pub use run_files::{Listed, RunFiles};
pub use run_state::RunDirectory;
