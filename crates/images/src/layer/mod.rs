//! Layers: archives of changes, unpacked once into folders that overlay mounts share.
//!
//! Owns the way from a tar stream, however hostile, to such a folder. Must never touch anything outside that folder.

mod attributes;
mod decompress;
mod entries;
mod entry;
mod inside;
mod meter;
mod unpack;

pub(crate) use decompress::{Compression, Decoder};
pub(crate) use entries::Entries;
pub(crate) use inside::{Inner, OPAQUE, Place, Root, is_whiteout, make_folder};
pub(crate) use meter::{Room, Taken};
pub use unpack::UnpackError;
pub(crate) use unpack::unpack;
