//! The way out: what a thread writes goes to the connection as fast as the client reads.

use super::written;
use crate::Failure;
use bytes::Bytes;
use pontoon_api_types::ProgressLine;
use std::io::{self, Write};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// What goes out.
pub(crate) enum Piece {
    Data(Bytes),
    /// The work ended with this.
    Failed(Failure),
}

/// The thread's end of the way.
pub(crate) struct Outlet {
    to: mpsc::Sender<Piece>,
    patience: Duration,
    runtime: Handle,
}

impl Outlet {
    /// Must be called on a runtime.
    pub(super) fn new(to: mpsc::Sender<Piece>, patience: Duration) -> Self {
        Self { to, patience, runtime: Handle::current() }
    }

    /// Writes a line. False if nobody reads any more.
    pub(crate) fn line(&mut self, line: &ProgressLine) -> bool {
        self.send(Piece::Data(written(line)))
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        // Nobody reads any more: nobody is to be told.
        let _ = self.send(Piece::Failed(failure));
    }

    fn send(&self, piece: Piece) -> bool {
        let sent = self.runtime.block_on(tokio::time::timeout(self.patience, self.to.send(piece)));
        matches!(sent, Ok(Ok(())))
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.send(Piece::Data(Bytes::copy_from_slice(bytes))) {
            Ok(bytes.len())
        } else {
            Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client reads no more"))
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
