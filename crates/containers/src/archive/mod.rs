//! Copying files into and out of a container, running or not, as tar streams.
//!
//! Owns: what a path in a container means, its description, packing and unpacking. Whatever the container's files and an
//! archive say, nothing outside of the container's root and its mounts is read or written: see [`jail`].

mod calls;
mod jail;
mod pack;
mod path;
#[cfg(test)]
mod tests;
mod unpack;

pub use path::PathStat;
pub use unpack::UnpackWish;
