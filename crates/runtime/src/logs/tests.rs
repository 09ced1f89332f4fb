//! Logs are read as they were written.

use super::*;
use crate::Stream;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

struct Log {
    folder: tempfile::TempDir,
    written: u64,
}

impl Log {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), written: 0 }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Appends records; `+` before one makes it a part, `!` standard error. Each is a second later.
    fn write(&mut self, records: &[&str]) {
        let mut text = String::new();
        for record in records {
            let tag = if record.starts_with('+') { "P" } else { "F" };
            let stream = if record.contains('!') { "stderr" } else { "stdout" };
            let content = record.trim_start_matches(['+', '!']);
            let (minutes, seconds) = (self.written / 60, self.written % 60);
            self.written += 1;
            writeln!(text, "2026-11-21T14:{minutes:02}:{seconds:02}.000000001+02:00 {stream} {tag} {content}").unwrap();
        }
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(self.path()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn read(&self, query: LogQuery) -> String {
        rest(&mut LogReader::open(&self.path(), query).unwrap())
    }
}

fn rest(reader: &mut LogReader) -> String {
    let mut text = Vec::new();
    while let Some(entry) = reader.next().unwrap() {
        text.extend(entry.bytes);
    }
    String::from_utf8(text).unwrap()
}

/// 12:00:00 UTC of the day that the records say.
const NOON: i64 = 1_795_262_400_000_000_000;
const SECOND: i64 = 1_000_000_000;

#[test]
fn lines_parts_and_both_streams_are_read() {
    let mut log = Log::new();
    assert_eq!(log.read(LogQuery::ALL), "", "a log that is not there is empty");
    log.write(&["one", "+two ", "parts", "!err", "", "end"]);
    assert_eq!(log.read(LogQuery::ALL), "one\ntwo parts\nerr\n\nend\n");
    assert_eq!(log.read(LogQuery { stderr: false, ..LogQuery::ALL }), "one\ntwo parts\n\nend\n");
    assert_eq!(log.read(LogQuery { stdout: false, ..LogQuery::ALL }), "err\n");
    let mut reader = LogReader::open(&log.path(), LogQuery::ALL).unwrap();
    let first = reader.next().unwrap().unwrap();
    assert_eq!(first, LogEntry { at: NOON + 1, stream: Stream::Stdout, bytes: b"one\n".to_vec() });
    assert!(first.is_whole() && !reader.next().unwrap().unwrap().is_whole());
}

#[test]
fn times_bound_what_is_read() {
    let mut log = Log::new();
    log.write(&["0", "1", "2", "3"]);
    let between = |since, until| log.read(LogQuery { since, until, ..LogQuery::ALL });
    assert_eq!(between(Some(NOON + 2 * SECOND), None), "2\n3\n");
    assert_eq!(between(None, Some(NOON + 2 * SECOND)), "0\n1\n");
    assert_eq!(between(Some(NOON + SECOND), Some(NOON + 3 * SECOND)), "1\n2\n");
    let mut reader =
        LogReader::open(&log.path(), LogQuery { until: Some(NOON + 2 * SECOND), ..LogQuery::ALL }).unwrap();
    rest(&mut reader);
    assert!(reader.is_over());
}

#[test]
fn the_tail_is_counted_in_lines_over_all_files() {
    let mut log = Log::new();
    log.write(&["a", "+b", "b"]);
    rotate(&log.path(), 3).unwrap();
    log.write(&["c", "!d", "+e", "+e", "e"]);
    let tail = |log: &Log, tail| log.read(LogQuery { tail: Some(tail), ..LogQuery::ALL });
    assert_eq!(tail(&log, 0), "");
    assert_eq!(tail(&log, 1), "eee\n");
    assert_eq!(tail(&log, 3), "c\nd\neee\n");
    assert_eq!(tail(&log, 4), "bb\nc\nd\neee\n");
    assert_eq!(tail(&log, 99), "a\nbb\nc\nd\neee\n");
    log.write(&["+part"]);
    assert_eq!(tail(&log, 1), "part");
    assert_eq!(tail(&log, 2), "eee\npart");
}

#[test]
fn the_tail_of_a_long_log_is_found_from_its_end() {
    let mut log = Log::new();
    let long = "x".repeat(5000);
    let lines: Vec<String> = (0..100).map(|n| format!("{n} {long}")).collect();
    log.write(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    for count in [1, 7, 50, 99, 100] {
        let text = log.read(LogQuery { tail: Some(count), ..LogQuery::ALL });
        assert_eq!(text.lines().count() as u64, count);
        assert!(text.starts_with(&format!("{} x", 100 - count)), "{count}");
    }
}

#[test]
fn reading_goes_on_while_it_is_written_and_rotated() {
    let mut log = Log::new();
    let watch = LogWatch::new(&log.path()).unwrap();
    let mut reader = LogReader::open(&log.path(), LogQuery::ALL).unwrap();
    assert_eq!(rest(&mut reader), "");
    log.write(&["one"]);
    assert!(watch.wait(Duration::from_secs(30)).unwrap());
    watch.clear();
    assert!(!watch.wait(Duration::ZERO).unwrap());
    assert_eq!(rest(&mut reader), "one\n");
    log.write(&["two"]);
    rotate(&log.path(), 5).unwrap();
    assert_eq!(rest(&mut reader), "two\n");
    log.write(&["three"]);
    rotate(&log.path(), 5).unwrap();
    log.write(&["four"]);
    rotate(&log.path(), 5).unwrap();
    log.write(&["five"]);
    assert_eq!(rest(&mut reader), "three\nfour\nfive\n", "nothing is left out or read twice");
    assert!(watch.wait(Duration::from_secs(30)).unwrap());
    // Its file was thrown away: it goes on with what there is.
    for _ in 0..5 {
        rotate(&log.path(), 2).unwrap();
        log.write(&["six"]);
    }
    assert_eq!(rest(&mut reader).lines().last(), Some("six"));
}

#[test]
fn a_record_that_is_not_whole_is_waited_for() {
    let mut log = Log::new();
    log.write(&["one"]);
    let mut file = std::fs::OpenOptions::new().append(true).open(log.path()).unwrap();
    file.write_all(b"2026-11-21T14:00:00.0+02:00 stdout F tw").unwrap();
    let mut reader = LogReader::open(&log.path(), LogQuery::ALL).unwrap();
    assert_eq!(rest(&mut reader), "one\n");
    file.write_all(b"o\nnonsense\n\n2026-11-21T14:00:00.0+02:00 stdout X no\n").unwrap();
    assert_eq!(rest(&mut reader), "two\n");
}
