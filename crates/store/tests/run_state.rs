//! The store of run-time state.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking that it failed")]

use pontoon_cnm::RunState;
use pontoon_store::RunDirectory;
use pontoon_types::SandboxId;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

mod records;
use records::sandbox;

fn open() -> (TempDir, PathBuf, RunDirectory) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run/sandboxes");
    let store = RunDirectory::open(&path).unwrap();
    (directory, path, store)
}

fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn sandboxes_are_stored_replaced_and_forgotten() {
    let (_directory, path, store) = open();
    let (mut a, b) = (sandbox("a"), sandbox("b"));
    for record in [&a, &b] {
        store.put_sandbox(record).unwrap();
    }
    a.endpoints.clear();
    store.put_sandbox(&a).unwrap();
    let mut wanted = vec![a.clone(), b.clone()];
    wanted.sort_by_key(|record| record.id.to_string());
    let reopened = RunDirectory::open(&path).unwrap();
    let (found, broken) = reopened.sandboxes().unwrap();
    assert_eq!((found, broken.len()), (wanted, 0));
    store.delete_sandbox(a.id).unwrap();
    store.delete_sandbox(a.id).unwrap();
    store.delete_sandbox(SandboxId::random()).unwrap();
    assert_eq!(store.sandboxes().unwrap().0, [b]);
    assert_eq!(names(&path).len(), 1);
}

#[test]
fn a_broken_record_is_reported_and_the_others_are_read() {
    let (_directory, path, store) = open();
    let good = sandbox("good");
    store.put_sandbox(&good).unwrap();
    let other = SandboxId::random();
    std::fs::copy(path.join(format!("{}.json", good.id)), path.join(format!("{other}.json"))).unwrap();
    std::fs::write(path.join("cut-off.json"), r#"{"id":"#).unwrap();
    std::fs::write(path.join("empty.json"), "").unwrap();
    std::fs::create_dir(path.join("directory.json")).unwrap();
    std::fs::write(path.join("unrelated"), "not looked at").unwrap();
    let (found, broken) = store.sandboxes().unwrap();
    assert_eq!(found, [good]);
    let mut acts: Vec<String> = broken.iter().map(|error| error.act.clone()).collect();
    acts.sort();
    let mut wanted: Vec<String> = [other.to_string().as_str(), "cut-off", "empty", "directory"]
        .iter()
        .map(|name| format!("read {name}.json of {}", path.display()))
        .collect();
    wanted.sort();
    assert_eq!(acts, wanted);
    assert!(broken.iter().all(|error| !error.cause.is_empty()));
}

#[test]
fn what_a_crash_left_half_written_is_removed_and_the_old_record_stays() {
    let (_directory, path, store) = open();
    let record = sandbox("a");
    store.put_sandbox(&record).unwrap();
    std::fs::write(path.join(format!("{}.new", record.id)), r#"{"id":"#).unwrap();
    drop(store);
    let store = RunDirectory::open(&path).unwrap();
    assert_eq!(names(&path), [format!("{}.json", record.id)]);
    assert_eq!(store.sandboxes().unwrap().0, [record]);
}

#[test]
fn others_cannot_read_the_records() {
    let (_directory, path, store) = open();
    let record = sandbox("a");
    store.put_sandbox(&record).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join(format!("{}.json", record.id)))), (0o700, 0o600));
}

#[test]
fn a_directory_that_is_gone_is_named() {
    let (_directory, path, store) = open();
    std::fs::remove_dir(&path).unwrap();
    assert_eq!(store.put_sandbox(&sandbox("a")).unwrap_err().act.split(' ').next(), Some("write"));
    let error = store.sandboxes().unwrap_err();
    assert_eq!(error.act, format!("list {}", path.display()));
    assert!(error.hint.is_some());
}
