//! What an Engine does, seen from outside: cases that speak only HTTP and look at packets, for ours and for others.
//!
//! Owns the way to the engine under test and the words that cases are written in. Must never use a crate of ours to
//! talk to it, nor look into its files. A case first passes on a real dockerd: `scripts/test --engine PROGRAM`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "only tests use this crate: what fails here is the test"
)]

mod answer;
mod container;
mod docker;
mod engine;
mod hijack;
mod http;
mod older;
mod stream;

pub use answer::Answer;
pub use container::{Container, Output};
pub use docker::{Docker, fetch, written};
pub use engine::Engine;
pub use hijack::{Frame, Hijacked};
pub use http::Http;
pub use stream::Stream;

pub use pontoon_test_support::{
    BUSYBOX, Place, Recipe, Transport, answer, ask, docker_py, patient, reach, serve, serve_all, skip, until,
    until_true,
};
pub use serde_json::{Map, Value, json};
