//! What an Engine does, case by case, seen from outside. See the crate's own documentation.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod connect;
mod files;
mod images;
mod life;
mod lists;
mod modes;
mod names;
mod networks;
mod ports;
mod restart;
mod streams;
