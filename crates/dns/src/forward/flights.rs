//! Questions on their way: who asks the same again meanwhile waits for the same answer.
//!
//! Owns: that a question is in the table exactly as long as somebody waits for it. An exchange that nobody waits for
//! any more ends at once, with its sockets.

use crate::wire::question::Key;
use crate::wire::response::Response;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Outcome = Option<Arc<Response>>;
type Flight = Shared<BoxFuture<'static, Outcome>>;
type Table = HashMap<Key, (u64, WeakShared<BoxFuture<'static, Outcome>>)>;

/// The table of questions on their way.
#[derive(Default)]
pub(crate) struct Flights {
    table: Arc<Mutex<Table>>,
    next: AtomicU64,
}

/// Takes a question out of the table when it is over, one way or another.
struct Landing {
    table: Arc<Mutex<Table>>,
    key: Key,
    number: u64,
}

impl Flights {
    /// The flight for `key`: the one under way, or a new one that does what `ask` returns.
    pub(crate) fn join<F>(&self, key: Key, ask: impl FnOnce() -> F) -> Flight
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut table = lock(&self.table);
        let under_way = table.get(&key).and_then(|(_, flight)| flight.upgrade());
        under_way.unwrap_or_else(|| {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let landing = Landing { table: Arc::clone(&self.table), key: key.clone(), number };
            let asking = ask();
            let flight = async move {
                let _landing = landing;
                asking.await
            };
            let flight = flight.boxed().shared();
            if let Some(weak) = flight.downgrade() {
                table.insert(key, (number, weak));
            }
            flight
        })
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut table = lock(&self.table);
        if let Entry::Occupied(entry) = table.entry(self.key.clone())
            && entry.get().0 == self.number
        {
            entry.remove();
        }
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn key() -> Key {
        Arc::from([1])
    }

    #[tokio::test]
    async fn the_same_question_is_asked_once_while_it_is_on_its_way() {
        let (flights, asked) = (Flights::default(), Arc::new(AtomicUsize::new(0)));
        let count = || {
            let asked = asked.clone();
            move || async move {
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                None
            }
        };
        let (first, second) = (flights.join(key(), count()), flights.join(key(), count()));
        assert_eq!(tokio::join!(first, second), (None, None));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert!(lock(&flights.table).is_empty());
        flights.join(key(), count()).await;
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_question_that_nobody_waits_for_is_given_up() {
        let flights = Flights::default();
        drop(flights.join(key(), std::future::pending));
        assert!(lock(&flights.table).is_empty());
        let (first, second) = (flights.join(key(), || async { None }), flights.join(key(), std::future::pending));
        drop(first);
        assert_eq!(second.await, None, "one waiter's going does not end it for the others");
    }
}
