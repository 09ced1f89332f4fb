//! Layers and blobs that are being used by work under way: nobody sweeps them away meanwhile.

use crate::Digest;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How often each digest is held.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holds(Arc<Mutex<BTreeMap<Digest, usize>>>);

/// Holds digests until dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    of: Holds,
    held: Vec<Digest>,
}

impl Holds {
    /// A hold on nothing yet.
    pub(crate) fn begin(&self) -> Hold {
        Hold { of: self.clone(), held: Vec::new() }
    }

    /// Does a short thing while nobody can begin or end a hold. `act` is told what is held.
    pub(crate) fn frozen<T>(&self, act: impl FnOnce(&dyn Fn(Digest) -> bool) -> T) -> T {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(&|digest| held.contains_key(&digest))
    }
}

impl Hold {
    /// Holds one more. Only what is looked for after this is sure to stay.
    pub(crate) fn add(&mut self, digest: Digest) {
        *self.of.0.lock().unwrap_or_else(PoisonError::into_inner).entry(digest).or_default() += 1;
        self.held.push(digest);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut all = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        for digest in &self.held {
            if let Some(count) = all.get_mut(digest) {
                *count -= 1;
                if *count == 0 {
                    all.remove(digest);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_held_until_the_last_hold_is_dropped() {
        let (holds, digest) = (Holds::default(), Digest::of(b"x"));
        let (mut one, mut two) = (holds.begin(), holds.begin());
        one.add(digest);
        two.add(digest);
        drop(one);
        assert!(holds.frozen(|held| held(digest)));
        drop(two);
        assert!(!holds.frozen(|held| held(digest)));
    }
}
