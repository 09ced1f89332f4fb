//! What is kept on disk: blobs and layers by their digests, and one file that says which images there are.
//!
//! Nothing half-made is ever visible: everything is written beside its place, synchronised and renamed. What a crash
//! leaves beside is taken away at the next start.

mod blobs;
mod folder;
mod holds;
mod layers;
mod records;

pub(crate) use blobs::{Blobs, Spooled};
pub(crate) use folder::{Folder, Scratch, sync_folder};
pub(crate) use holds::{Hold, Holds};
pub(crate) use layers::{LayerRecord, Layers};
pub(crate) use records::{ImageRecord, Records, State};
