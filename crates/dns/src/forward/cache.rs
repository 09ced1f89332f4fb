//! What servers outside said, for as long as they said it may be kept.
//!
//! Owns: how much is kept, and that the oldest goes first. Must never give out what has outlived its time.

use super::Budget;
use crate::wire::question::Key;
use crate::wire::response::Response;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer answers are not kept: a few of them would push out everything else.
const MAX_ENTRY: usize = 16 << 10;
/// What an entry costs beside its answer and key: its places in the table and the queue.
const OVERHEAD: usize = 160;

/// A bounded memory of answers.
#[derive(Debug)]
pub(crate) struct Cache {
    entries: HashMap<Key, Entry>,
    /// Keys by the time they were kept; those whose number is not their entry's have been replaced.
    queue: VecDeque<(u64, Key)>,
    next: u64,
    bytes: usize,
    limit: usize,
    budget: Budget,
}

#[derive(Debug)]
struct Entry {
    response: Arc<Response>,
    since: Instant,
    number: u64,
    bytes: usize,
}

impl Cache {
    /// An empty memory of at most `limit` bytes, which are taken from `budget`.
    pub(crate) fn new(limit: usize, budget: Budget) -> Self {
        Self { entries: HashMap::new(), queue: VecDeque::new(), next: 0, bytes: 0, limit, budget }
    }

    /// An answer and how many seconds ago it came.
    pub(crate) fn get(&self, key: &[u8], now: Instant) -> Option<(Arc<Response>, u32)> {
        let entry = self.entries.get(key)?;
        let age = now.saturating_duration_since(entry.since);
        let alive = age < Duration::from_secs(u64::from(entry.response.lifetime));
        alive.then(|| (entry.response.clone(), u32::try_from(age.as_secs()).unwrap_or(u32::MAX)))
    }

    /// Keeps an answer, if it may be kept and there is room or room can be made of this memory's own.
    pub(crate) fn keep(&mut self, key: Key, response: Arc<Response>, now: Instant) {
        let bytes = OVERHEAD + 2 * key.len() + response.size();
        if response.lifetime == 0 || bytes > MAX_ENTRY.min(self.limit) {
            return;
        }
        self.forget(&key);
        while self.bytes + bytes > self.limit || !self.budget.take(bytes) {
            if !self.forget_oldest() {
                return;
            }
        }
        let number = self.next;
        self.next += 1;
        self.bytes += bytes;
        self.queue.push_back((number, key.clone()));
        self.entries.insert(key, Entry { response, since: now, number, bytes });
        self.sweep();
    }

    fn forget(&mut self, key: &[u8]) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
            self.budget.give_back(entry.bytes);
        }
    }

    /// Forgets the oldest; `false` when there is none.
    fn forget_oldest(&mut self) -> bool {
        while let Some((number, key)) = self.queue.pop_front() {
            if self.entries.get(&key).is_some_and(|entry| entry.number == number) {
                self.forget(&key);
                return true;
            }
        }
        false
    }

    /// Keeps the queue from growing with keys that were replaced.
    fn sweep(&mut self) {
        if self.queue.len() > 2 * self.entries.len() + 64 {
            let entries = &self.entries;
            self.queue.retain(|(number, key)| entries.get(key).is_some_and(|entry| entry.number == *number));
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::header::Header;
    use proptest::prelude::*;

    fn response(bytes: usize, lifetime: u32) -> Arc<Response> {
        Arc::new(Response {
            message: vec![0; bytes].into(),
            header: Header { id: 0, flags: 0, counts: [0; 4] },
            question_end: 12,
            answer_ends: Box::default(),
            ttls: Box::default(),
            opt: None,
            lifetime,
        })
    }

    fn key(number: u8) -> Key {
        Arc::from([number])
    }

    #[test]
    fn an_answer_is_kept_for_its_lifetime_and_not_a_second_longer() {
        let start = Instant::now();
        let mut cache = Cache::new(10_000, Budget::new(10_000));
        cache.keep(key(1), response(100, 30), start);
        let age = |seconds: u64| cache.get(&key(1)[..], start + Duration::from_secs(seconds)).map(|(_, age)| age);
        assert_eq!([age(0), age(10), age(29), age(30)], [Some(0), Some(10), Some(29), None]);
    }

    #[test]
    fn what_may_not_be_kept_or_is_too_long_is_not_kept() {
        let start = Instant::now();
        let mut cache = Cache::new(100_000, Budget::new(100_000));
        cache.keep(key(1), response(100, 0), start);
        cache.keep(key(2), response(20_000, 30), start);
        assert!(cache.get(&[1], start).is_none() && cache.get(&[2], start).is_none());
        assert_eq!(cache.bytes, 0);
    }

    #[test]
    fn the_oldest_goes_first_and_a_common_budget_is_never_overdrawn() {
        let start = Instant::now();
        let budget = Budget::new(1500);
        let mut first = Cache::new(10_000, budget.clone());
        let mut second = Cache::new(10_000, budget.clone());
        (1..=10).for_each(|number| first.keep(key(number), response(100, 30), start));
        assert!(first.get(&[1], start).is_none(), "the oldest had to go");
        assert!(first.get(&[10], start).is_some());
        second.keep(key(1), response(1400, 30), start);
        assert!(second.get(&[1], start).is_none(), "others' memory is not taken");
        drop(first);
        second.keep(key(1), response(100, 30), start);
        assert!(second.get(&[1], start).is_some(), "what was given back can be used");
    }

    proptest! {
        #[test]
        fn limits_hold_and_nothing_leaks_whatever_is_kept(steps in prop::collection::vec((0..20u8, 0..3000usize, 0..3u32), 0..300)) {
            let start = Instant::now();
            let budget = Budget::new(8000);
            let mut cache = Cache::new(9000, budget.clone());
            for (number, bytes, lifetime) in steps {
                cache.keep(key(number), response(bytes, lifetime), start);
                prop_assert!(cache.bytes <= 8000);
                prop_assert_eq!(cache.bytes, cache.entries.values().map(|entry| entry.bytes).sum::<usize>());
                prop_assert!(cache.queue.len() <= 2 * cache.entries.len() + 64);
            }
            drop(cache);
            prop_assert!(budget.take(8000));
        }
    }
}
