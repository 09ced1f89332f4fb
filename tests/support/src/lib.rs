//! Worlds: a namespace as the host with a pontoond of its own, and others beside it as neighbours, with real packets.
//!
//! Owns: making and ending worlds, servers and clients in them, forged packets, and the check that nothing is left.
//! Must never touch the machine's own network, mounts or processes: all happens in namespaces that end with the test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "only tests use this crate: what fails here is the test"
)]

mod ask;
mod binaries;
mod container;
mod daemon;
mod dockerd;
mod frame;
mod groups;
mod host;
mod image;
mod member;
mod nameserver;
mod peer;
mod place;
mod scene;
mod serve;
mod skip;
mod snapshot;
mod stream;
mod tools;
mod wait;
mod wire;
mod world;

pub use ask::{Transport, ask, ask_as, patient, reach};
pub use binaries::binary;
pub use container::Container;
pub use daemon::Daemon;
pub use dockerd::Dockerd;
pub use frame::{Ethernet, Frame};
pub use groups::Groups;
pub use host::Host;
pub use image::{BUSYBOX, Recipe, busybox_image};
pub use member::Member;
pub use nameserver::{Nameserver, Zone};
pub use peer::Peer;
pub use place::Place;
pub use pontoon_types::Family;
pub use scene::{Ground, Scene};
pub use serve::{answer, serve, serve_all};
pub use skip::{skip, worlds_possible};
pub use snapshot::Snapshot;
pub use stream::{Report, Stream};
pub use tools::{compose, docker, docker_py, docker_registry};
pub use wait::{until, until_true};
pub use wire::{Sniffer, send};
pub use world::{Shape, World};
