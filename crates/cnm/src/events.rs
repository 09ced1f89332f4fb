//! The event bus: the last events, and a stream of new ones for whoever listens.
//!
//! Publishing never waits: a listener that is too slow loses the oldest events and is told how many.

use pontoon_types::{Event, EventScope, EventSubject};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::sync::broadcast;

/// How many past events are kept for `since` (Docker keeps 256).
const HISTORY: usize = 1024;
/// How many events a slow listener may fall behind.
const BACKLOG: usize = 4096;

/// The bus.
#[derive(Debug)]
pub struct Events {
    history: Mutex<VecDeque<Arc<Event>>>,
    sender: broadcast::Sender<Arc<Event>>,
}

impl Default for Events {
    fn default() -> Self {
        Self { history: Mutex::new(VecDeque::new()), sender: broadcast::channel(BACKLOG).0 }
    }
}

impl Events {
    /// Past events, oldest first, and everything from now on; no event is in both or in neither.
    pub fn subscribe(&self) -> (Vec<Arc<Event>>, broadcast::Receiver<Arc<Event>>) {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        (history.iter().cloned().collect(), self.sender.subscribe())
    }

    /// Tells everybody.
    pub fn publish(&self, subject: EventSubject, action: &str, actor: String, attributes: &[(&str, &str)]) {
        let attributes: BTreeMap<_, _> = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let action = action.to_owned();
        let event = Event { subject, action, actor, attributes, scope: EventScope::Local, time: SystemTime::now() };
        let event = Arc::new(event);
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        if history.len() == HISTORY {
            history.pop_front();
        }
        history.push_back(event.clone());
        // No listener is no error.
        let _ = self.sender.send(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_and_stream_meet_without_gap_or_overlap() {
        let events = Events::default();
        events.publish(EventSubject::Network, "create", "a".into(), &[("name", "x")]);
        let (past, mut stream) = events.subscribe();
        events.publish(EventSubject::Network, "destroy", "a".into(), &[]);
        assert_eq!(past.len(), 1);
        assert_eq!(stream.try_recv().unwrap().action, "destroy");
        assert!(stream.try_recv().is_err());
    }

    #[test]
    fn only_the_newest_events_are_kept() {
        let events = Events::default();
        for number in 0..HISTORY + 5 {
            events.publish(EventSubject::Network, "create", number.to_string(), &[]);
        }
        let (past, _) = events.subscribe();
        assert_eq!((past.len(), past[0].actor.as_str()), (HISTORY, "5"));
    }
}
