//! The entries of an archive, one after another, within limits.

use super::meter::{Metered, expect_body, expect_header};
use std::cell::Cell;
use std::io::{self, Read};

/// An archive about to be read.
pub(crate) struct Entries<R>(R);

impl<R: Read> Entries<R> {
    pub(crate) fn over(archive: R) -> Self {
        Self(archive)
    }

    /// Lets `act` see each entry, and stops at the first error. What it leaves of a body is skipped.
    pub(crate) fn each<E: From<io::Error>>(
        self,
        mut act: impl FnMut(&mut tar::Entry<'_, Metered<'_, R>>) -> Result<(), E>,
    ) -> Result<(), E> {
        let left = Cell::new(0);
        let mut archive = tar::Archive::new(Metered::new(self.0, &left));
        let mut entries = archive.entries()?;
        loop {
            expect_header(&left);
            let Some(entry) = entries.next() else { return Ok(()) };
            let mut entry = entry.map_err(told)?;
            expect_body(&left);
            act(&mut entry)?;
            // To its end, so that only a header is read next.
            io::copy(&mut entry, &mut io::sink())?;
        }
    }
}

/// The reader quotes what it cannot read, whatever that is.
fn told(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::Other => io::Error::new(io::ErrorKind::InvalidData, "invalid tar header"),
        _ => error,
    }
}
