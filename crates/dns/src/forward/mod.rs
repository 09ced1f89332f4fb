//! Questions that no name here answers: asking servers outside, and keeping what they say.
//!
//! Owns: which servers are asked, when, from which namespace, and which of their answers counts. A set of servers has
//! its own memory: what one sandbox's servers said is never told to a sandbox with other servers, or with fewer ways
//! out (CVE-2024-29018).

mod budget;
mod cache;
mod exchange;
mod flights;
mod health;
mod race;
mod registry;
mod set;

pub(crate) use budget::Budget;
pub(crate) use registry::Registry;
pub(crate) use set::{Answered, ServerSet};

use crate::Settings;
use crate::counters::Counters;
use pontoon_kernel::Sockets;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// What everything that serves or asks shares.
pub(crate) struct Shared {
    pub(crate) sockets: Arc<dyn Sockets + Send + Sync>,
    pub(crate) settings: Settings,
    pub(crate) counters: Counters,
    /// Bytes of kept answers.
    pub(crate) kept: Budget,
    /// Queries on their way outside.
    pub(crate) on_their_way: AtomicUsize,
}
