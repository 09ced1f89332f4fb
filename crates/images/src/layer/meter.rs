//! Limits on what an archive may take: memory while its headers are read, files, and room on the disk.

use std::cell::Cell;
use std::io::{self, Read};
use std::os::fd::AsFd;

/// How much may be read for one header with its extensions: names, links, attributes.
const HEADER: u64 = 2 << 20;
/// How much is written between two looks at the room left.
const STRIDE: u64 = 32 << 20;

/// A reader that can be told not to read far. The tar reader keeps extension headers in memory whatever their size.
pub(crate) struct Metered<'a, R> {
    inner: R,
    left: &'a Cell<u64>,
}

impl<'a, R: Read> Metered<'a, R> {
    pub(super) fn new(inner: R, left: &'a Cell<u64>) -> Self {
        left.set(HEADER);
        Self { inner, left }
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "header too large"));
        }
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = self.inner.read(&mut buffer[..most])?;
        if left != u64::MAX {
            self.left.set(left - count as u64);
        }
        Ok(count)
    }
}

/// Lets the next header be read, and no more.
pub(super) fn expect_header(left: &Cell<u64>) {
    left.set(HEADER);
}

/// Lets a body be read.
pub(super) fn expect_body(left: &Cell<u64>) {
    left.set(u64::MAX);
}

/// Room on a file system that must stay free, so that a small archive cannot fill it for everybody else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Bytes to leave.
    pub(crate) reserve: u64,
    /// Bytes one layer may have at most.
    pub(crate) most: u64,
    /// Files one layer may have at most.
    pub(crate) entries: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self { reserve: 256 << 20, most: 256 << 30, entries: 10_000_000 }
    }
}

/// What one layer has taken so far.
#[derive(Debug)]
pub(crate) struct Taken {
    room: Room,
    bytes: u64,
    entries: u64,
    looked: u64,
}

impl Taken {
    pub(crate) fn new(room: Room) -> Self {
        Self { room, bytes: 0, entries: 0, looked: 0 }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn entry(&mut self) -> io::Result<()> {
        self.entries += 1;
        if self.entries > self.room.entries {
            return Err(full(format!("more than {} files", self.room.entries)));
        }
        Ok(())
    }

    /// Counts bytes about to be written on the file system of `on`.
    pub(crate) fn write(&mut self, on: impl AsFd, bytes: u64) -> io::Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.room.most {
            return Err(full(format!("more than {} bytes", self.room.most)));
        }
        if self.bytes - self.looked >= STRIDE {
            self.looked = self.bytes;
            let state = rustix::fs::fstatvfs(on)?;
            if state.f_bavail.saturating_mul(state.f_frsize) < self.room.reserve {
                return Err(full(format!("less than {} bytes would be left on the file system", self.room.reserve)));
            }
        }
        Ok(())
    }
}

fn full(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn a_header_may_be_large_but_not_huge() {
        let left = Cell::new(0);
        let mut reader = Metered::new(io::repeat(0), &left);
        let mut all = vec![0; HEADER as usize];
        reader.read_exact(&mut all).unwrap();
        assert!(reader.read(&mut [0]).is_err());
        expect_body(&left);
        for _ in 0..3 {
            reader.read_exact(&mut all).unwrap();
        }
        expect_header(&left);
        reader.read_exact(&mut all).unwrap();
        assert!(reader.read(&mut [0]).is_err());
    }

    #[test]
    fn bytes_files_and_the_room_left_are_limited() {
        let disk = File::open(std::env::temp_dir()).unwrap();
        let mut taken = Taken::new(Room { reserve: 0, most: 10, entries: 1 });
        taken.write(&disk, 10).unwrap();
        assert_eq!(taken.write(&disk, 1).unwrap_err().kind(), io::ErrorKind::StorageFull);
        taken.entry().unwrap();
        assert!(taken.entry().is_err());
        let mut taken = Taken::new(Room { reserve: u64::MAX, most: u64::MAX, entries: 1 });
        taken.write(&disk, STRIDE - 1).unwrap();
        assert!(taken.write(&disk, 1).unwrap_err().to_string().contains("would be left"));
        taken = Taken::new(Room { reserve: 0, most: u64::MAX, entries: 1 });
        taken.write(&disk, u64::MAX - 1).unwrap();
    }
}
