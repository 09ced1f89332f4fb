//! One layer on its way: read as a stream, counted, checked.

use super::registry::{BlobStream, Registry};
use crate::manifest::Descriptor;
use crate::progress::{Listener, Progress};
use crate::store::{Folder, Spooled};
use crate::{Error, Result};
use std::io::{self, Read};
use std::time::{Duration, Instant};

/// How often is told how far it is.
const BEAT: Duration = Duration::from_millis(100);

/// A layer on its way.
pub(super) struct Download<'a, 'b> {
    stream: BlobStream<'a>,
    layer: &'a Descriptor,
    listener: &'a mut Listener<'b>,
    done: u64,
    told: Instant,
}

impl<'a, 'b> Download<'a, 'b> {
    pub(super) fn new(registry: &'a Registry, layer: &'a Descriptor, listener: &'a mut Listener<'b>) -> Result<Self> {
        Ok(Self { stream: registry.blob(layer)?, layer, listener, done: 0, told: Instant::now() })
    }

    /// The whole layer, with the digest that it should have.
    pub(super) fn into_blob(mut self, folder: &Folder) -> Result<Spooled> {
        let blob = Spooled::read(folder, &mut self).map_err(|error| match error {
            Error::Receive { cause } if cause.kind() == io::ErrorKind::ConnectionAborted => Error::Cancelled,
            other => other,
        })?;
        let expected = self.layer.digest;
        if blob.digest == expected { Ok(blob) } else { Err(Error::WrongBlob { expected, found: blob.digest }) }
    }
}

impl Read for Download<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.done += count as u64;
        if self.done > self.layer.size && self.layer.size > 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the layer is longer than its manifest says"));
        }
        if self.told.elapsed() >= BEAT {
            self.told = Instant::now();
            let step = Progress::amount(&self.layer.digest.short(), "Downloading", self.done, self.layer.size);
            if (self.listener)(step).is_break() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
        Ok(count)
    }
}
