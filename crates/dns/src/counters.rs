//! What the resolver did, counted. One for all sandboxes.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Numbers since the start; none ever goes down.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Metrics {
            $($(#[$doc])* pub $name: u64,)+
        }

        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)+
        }

        impl Counters {
            pub(crate) fn read(&self) -> Metrics {
                Metrics { $($name: self.$name.0.load(Ordering::Relaxed),)+ }
            }
        }
    };
}

counters! {
    /// Messages received in datagrams.
    udp_queries,
    /// Messages received over connections.
    tcp_queries,
    /// Answered from the names of networks.
    answered_locally,
    /// Answered from what servers outside said before.
    answered_from_cache,
    /// Handed on to servers outside, or joined to the same question on its way.
    forwarded,
    /// Answered with FORMERR, NOTIMP or BADVERS.
    rejected,
    /// Answered with REFUSED because too many were on their way.
    refused,
    /// Answered with SERVFAIL because no server outside gave an answer.
    failed,
    /// Not answered: answers sent to us, messages without a question, noise.
    ignored,
    /// Exchanges with single servers outside.
    exchanges,
    /// Exchanges that ended without an answer (time, network).
    exchanges_failed,
    /// Answers from outside that did not belong to what was asked, or were malformed.
    answers_discarded,
    /// Connections closed at once because there were too many.
    connections_refused,
}

/// A number that grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        if count > 0 {
            self.0.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }
}
