//! What people type: the stock docker command, Compose and SDKs against an Engine.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod compose;
mod docker_network;
mod docker_run;
mod sdks;
