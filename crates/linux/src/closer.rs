//! Descriptors whose closing makes the caller wait, closed by someone else.
//!
//! Owns one thread, begun with the first of them. Those that wait at the same moment are closed side by side, since
//! the kernel's waits (RCU) then are one.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

/// Whatever closes a descriptor when it is dropped.
type Descriptor = Box<dyn Send>;

/// Closed at the same time at most.
const ABREAST: usize = 16;

/// Takes descriptors and closes them soon.
#[derive(Debug, Default)]
pub(crate) struct Closer(Mutex<Option<Sender<Descriptor>>>);

impl Closer {
    /// Closes `descriptor` without making the caller wait, unless no thread can be had.
    pub(crate) fn close(&self, descriptor: impl Send + 'static) {
        let mut inbox = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.is_none() {
            let (sender, receiver) = channel();
            let thread = std::thread::Builder::new().name("closer".into()).stack_size(128 * 1024);
            *inbox = thread.spawn(move || close_all(&receiver)).ok().map(|_| sender);
        }
        if let Some(inbox) = inbox.as_ref() {
            // Without a receiver it comes back inside the error, and is closed here.
            let _ = inbox.send(Box::new(descriptor));
        }
    }
}

/// Ends when nobody can send any more.
fn close_all(inbox: &Receiver<Descriptor>) {
    while let Ok(first) = inbox.recv() {
        let waiting: Vec<_> = std::iter::once(first).chain(inbox.try_iter().take(ABREAST - 1)).collect();
        std::thread::scope(|scope| {
            for descriptor in waiting {
                // What cannot be given to a thread is dropped, so closed, on the spot.
                let _ = std::thread::Builder::new().stack_size(64 * 1024).spawn_scoped(scope, move || drop(descriptor));
            }
        });
    }
}
