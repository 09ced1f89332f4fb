//! Network namespaces: entering them, keeping them by bind mounts, and whose they are.
//!
//! Must never leave a thread in a namespace that is not its own, nor hold a descriptor for a sandbox between calls.

mod enter;
mod file;
mod mount;
mod owner;

pub(crate) use enter::within;
pub(crate) use file::{NamespaceFile, id_at};
pub(crate) use mount::{adopt, create, release};
pub(crate) use owner::{Process, owner_id, process_in};
