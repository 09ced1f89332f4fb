//! Root file systems of containers: an image's layers below, what the container writes above.
//!
//! Owns the folders and mounts under `rootfs/`. A mount outlives the daemon: it is found again by its place, never
//! remembered. Must never know what runs in it.

mod changes;
mod foundation;
mod mount;
mod opened;
mod record;
mod size;
mod systems;

pub use changes::{Change, ChangeKind};
pub use opened::OpenRootfs;
pub use size::RootfsSize;
pub use systems::RootFileSystems;
