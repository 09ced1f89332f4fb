//! Images and the root file systems made of them.
//!
//! Owns: the image store (blobs by digest, layers unpacked once, names), import, load, save and removal, the built-in
//! image `host`, and overlay mounts for containers. All calls block. Must never know what runs in a container, nor
//! anything of networks or HTTP.

pub mod config;
mod digest;
mod error;
mod history;
mod host;
mod image;
mod images;
mod import;
mod instruction;
mod layer;
mod load;
mod manifest;
mod platform;
mod progress;
mod pull;
mod reference;
mod remove;
mod rootfs;
mod save;
mod store;
mod tag;
mod usage;

pub use digest::{Digest, DigestError};
pub use error::{Error, Result};
pub use history::HistoryStep;
pub use host::{HOST, host_id};
pub use image::{Image, ImageId};
pub use images::{ImageUser, ImageUsers, Images, Settings};
pub use import::Import;
pub use layer::UnpackError;
pub use platform::architecture;
pub use progress::{Listener, Progress};
pub use pull::{Login, PullError};
pub use reference::{Reference, ReferenceError};
pub use remove::Removed;
pub use rootfs::{Change, ChangeKind, OpenRootfs, RootFileSystems, RootfsSize};
pub use save::Export;
pub use usage::ImagesUsage;
