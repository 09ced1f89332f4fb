//! The daemon in worlds of namespaces: who reaches whom, names, attackers, restarts, the command lines.
//!
//! Each test makes a world of its own and says at its end that nothing is left of it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod attacker;
mod container_deaths;
mod containers;
mod docker;
mod hostile;
mod names;
mod reach;
mod repair;
mod restart;
mod run;
mod systemd;
mod tls;
mod trouble;
