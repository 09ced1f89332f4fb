//! Reading a log.

use super::entry::LogEntry;
use super::files::{next_after, open_all};
use crate::{Error, Result, Stream};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The longest record that is kept together; the monitor's have some 8 KiB.
const LONGEST: usize = 1 << 20;

/// What is read at once.
const BLOCK: usize = 32 << 10;

/// Which entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// Those of standard output.
    pub stdout: bool,
    /// Those of standard error.
    pub stderr: bool,
    /// Those from then on, in nanoseconds since 1970.
    pub since: Option<i64>,
    /// Those until then.
    pub until: Option<i64>,
    /// The last so many lines of both streams together; `None` for all.
    pub tail: Option<u64>,
}

impl LogQuery {
    /// Everything.
    pub const ALL: Self = Self { stdout: true, stderr: true, since: None, until: None, tail: None };
}

/// A log that is being read. Reading again after the end gives what was written meanwhile.
#[derive(Debug)]
pub struct LogReader {
    path: PathBuf,
    query: LogQuery,
    /// What is still to be read, the oldest first; the last is where it goes on.
    files: VecDeque<File>,
    /// What was read and is no entry yet.
    rest: Vec<u8>,
    over: bool,
}

impl LogReader {
    /// Opens the log at `path`. A log that is not there is empty, and may come.
    pub fn open(path: &Path, query: LogQuery) -> Result<Self> {
        let mut files: VecDeque<File> = open_all(path)?.into();
        if let Some(tail) = query.tail {
            begin_at_tail(&mut files, tail).map_err(failed(path))?;
        }
        Ok(Self {
            path: path.to_owned(),
            query,
            files: files.into_iter().rev().collect(),
            rest: Vec::new(),
            over: false,
        })
    }

    /// The next entry; `None` when there is none now.
    #[expect(clippy::should_implement_trait, reason = "an iterator would be over, this is not")]
    pub fn next(&mut self) -> Result<Option<LogEntry>> {
        while !self.over {
            let Some(line) = self.line()? else { return Ok(None) };
            // What is no entry was not written by the monitor, or cut when the host lost power.
            let Some(entry) = LogEntry::parse(&line) else { continue };
            if self.query.until.is_some_and(|until| entry.at > until) {
                self.over = true;
            } else if self.query.since.is_none_or(|since| entry.at >= since) && self.wants(entry.stream) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Whether nothing will come any more, because the time until which it was to be read has passed in the log.
    pub fn is_over(&self) -> bool {
        self.over
    }

    fn wants(&self, stream: Stream) -> bool {
        match stream {
            Stream::Stdout => self.query.stdout,
            Stream::Stderr => self.query.stderr,
        }
    }

    /// The next line without its newline; `None` when there is no whole one now.
    fn line(&mut self) -> Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.rest[searched..].iter().position(|&byte| byte == b'\n') {
                let rest = self.rest.split_off(searched + at + 1);
                let mut line = std::mem::replace(&mut self.rest, rest);
                line.pop();
                return Ok(Some(line));
            }
            searched = self.rest.len();
            if searched > LONGEST {
                self.rest.clear();
                searched = 0;
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads a block, from the next file when one is at its end; false when there is nothing.
    fn fill(&mut self) -> Result<bool> {
        loop {
            if self.files.is_empty() {
                self.files = open_all(&self.path)?.into_iter().rev().collect();
            }
            if self.read_block()? {
                return Ok(true);
            }
            let Some(file) = self.files.front() else { return Ok(false) };
            let next = if self.files.len() > 1 { None } else { next_after(&self.path, file)? };
            if self.files.len() == 1 && next.is_none() {
                return Ok(false);
            }
            // Whoever has begun a new file has written its last in the old one: now its end is the end.
            if self.read_block()? {
                return Ok(true);
            }
            self.files.pop_front();
            self.files.extend(next);
            // A record never spans two files.
            self.rest.clear();
        }
    }

    /// Reads a block of the oldest file; false at its end.
    fn read_block(&mut self) -> Result<bool> {
        let Some(file) = self.files.front_mut() else { return Ok(false) };
        let mut block = vec![0; BLOCK];
        let length = file.read(&mut block).map_err(failed(&self.path))?;
        self.rest.extend_from_slice(&block[..length]);
        Ok(length > 0)
    }
}

/// Moves the beginning of reading, in `files` of which the newest is first, to where the last `tail` lines begin. Older
/// files are dropped.
fn begin_at_tail(files: &mut VecDeque<File>, tail: u64) -> std::io::Result<()> {
    let mut missing = tail;
    for at in 0..files.len() {
        let (begin, found) = tail_of(&files[at], missing)?;
        files[at].seek(SeekFrom::Start(begin))?;
        missing -= found;
        if missing == 0 {
            files.truncate(at + 1);
            break;
        }
    }
    Ok(())
}

/// Where the last `wanted` lines of a file begin, and how many there are; parts of a line belong to it.
fn tail_of(file: &File, wanted: u64) -> std::io::Result<(u64, u64)> {
    let length = file.metadata()?.len();
    if wanted == 0 {
        return Ok((length, 0));
    }
    let (mut at, mut found, mut text) = (length, 0, Vec::new());
    // Blocks from the end; what is kept is the beginning of a line that is not whole yet.
    while at > 0 {
        let size = at.min(BLOCK as u64);
        at -= size;
        let mut block = vec![0; usize::try_from(size).unwrap_or(BLOCK)];
        file.read_exact_at(&mut block, at)?;
        block.append(&mut text);
        text = block;
        while let Some(newline) = text[..text.len().saturating_sub(1)].iter().rposition(|&byte| byte == b'\n') {
            let begin = newline + 1;
            if ends_line(&text[begin..]) {
                if found == wanted {
                    return Ok((at + text.len() as u64, found));
                }
                found += 1;
            } else if found == 0 {
                // A part after the last whole line is a line, too.
                found = 1;
            }
            text.truncate(begin);
        }
    }
    if !text.is_empty() && ends_line(&text) {
        if found == wanted {
            return Ok((text.len() as u64, found));
        }
        found += 1;
    }
    Ok((0, found))
}

/// Whether a record, with or without its newline, ends a line of output.
fn ends_line(record: &[u8]) -> bool {
    record.splitn(4, |&byte| byte == b' ').nth(2).is_some_and(|tag| tag.first() == Some(&b'F'))
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |cause| Error::File { act: "read", path, cause }
}
