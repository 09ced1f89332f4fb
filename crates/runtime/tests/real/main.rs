//! Real containers: crun and conmon in mounts and control groups of a test's own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says by panicking that it failed"
)]

mod bundle;
mod failure;
mod hosts;
mod life;
mod place;
mod streams;
