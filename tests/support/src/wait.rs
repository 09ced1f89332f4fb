//! Waiting for something to become so, with a bound and without fixed pauses in the tests themselves.

use std::time::{Duration, Instant};

/// Looks until `look` gives something, and fails when `bound` has passed.
#[track_caller]
pub fn until<T>(what: &str, bound: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + bound;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {bound:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The same for something that is only true or not.
#[track_caller]
pub fn until_true(what: &str, bound: Duration, mut look: impl FnMut() -> bool) {
    until(what, bound, || look().then_some(()));
}
