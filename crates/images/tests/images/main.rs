//! The image store on a real file system, with overlay mounts in a mount namespace of the test's own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what fails here is the test")]

mod archive;
mod bench;
mod import;
mod load;
mod remove;
mod rootfs;
mod save;
mod unpack;
