//! The durable store: what it keeps, what it refuses, and that nothing is lost when the disk fails it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking that it failed")]

use pontoon_cnm::Definitions;
use pontoon_store::{Change, DefinitionsFile, Documents, Error};
use pontoon_types::{ErrorKind, Kind, NetworkId, chain};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

mod records;
use records::network;

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data/network/definitions.db");
    (directory, path)
}

fn refusal(path: &Path) -> Error {
    Documents::open(path).map(drop).unwrap_err()
}

#[test]
fn networks_and_the_daemon_id_are_there_again_after_a_restart() {
    let (_directory, path) = place();
    let mut records = vec![network("b"), network("a"), network("c")];
    let store = DefinitionsFile::open(&path).unwrap();
    for record in &records {
        store.put_network(record).unwrap();
    }
    records[0].labels.insert("k".into(), "v".into());
    store.put_network(&records[0]).unwrap();
    store.delete_network(records[2].id).unwrap();
    store.delete_network(NetworkId::random()).unwrap();
    records.pop();
    let id = store.daemon_id().unwrap();
    assert_eq!(store.daemon_id().unwrap(), id);
    drop(store);
    let store = DefinitionsFile::open(&path).unwrap();
    records.sort_by_key(|record| record.id.to_string());
    assert_eq!(store.networks().unwrap().readable, records);
    assert_eq!(store.daemon_id().unwrap(), id);
}

#[test]
fn the_daemon_id_is_a_random_uuid() {
    let ids: Vec<String> = (0..2).map(|_| DefinitionsFile::open(&place().1).unwrap().daemon_id().unwrap()).collect();
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(id.as_bytes()[14], b'4', "{id}");
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
    }
}

#[test]
fn a_commit_takes_all_its_changes_over_several_tables() {
    let (_directory, path) = place();
    let documents = Documents::open(&path).unwrap();
    documents.put("one", "old", &1).unwrap();
    let changes =
        [Change::put("one", "new", &2).unwrap(), Change::delete("one", "old"), Change::put("two", "x", &3).unwrap()];
    documents.commit(&changes).unwrap();
    documents.commit(&[]).unwrap();
    assert_eq!(documents.list::<i32>("one").unwrap(), [("new".to_owned(), 2)]);
    assert_eq!(documents.get::<i32>("two", "x").unwrap(), Some(3));
    assert_eq!(documents.get::<i32>("two", "y").unwrap(), None);
    assert_eq!(documents.get::<i32>("three", "x").unwrap(), None);
    assert!(documents.list::<i32>("three").unwrap().is_empty());
}

#[test]
fn a_second_daemon_on_the_same_file_is_refused_and_told_where() {
    let (_directory, path) = place();
    let first = Documents::open(&path).unwrap();
    let error = refusal(&path);
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains(path.to_str().unwrap()) && error.hint().is_some());
    drop(first);
    Documents::open(&path).unwrap();
}

#[test]
fn a_file_of_something_else_is_reported_and_left_as_it_is() {
    let (_directory, path) = place();
    drop(Documents::open(&path).unwrap());
    let foreign = "# not a database\n".repeat(1000);
    std::fs::write(&path, &foreign).unwrap();
    let error = refusal(&path);
    assert!(matches!(error, Error::Corrupt { .. }), "{}", chain(&error));
    assert!(error.hint().unwrap().contains(path.to_str().unwrap()));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign);
}

#[test]
fn a_document_of_a_later_format_is_not_guessed_at() {
    let (_directory, path) = place();
    let documents = Documents::open(&path).unwrap();
    let later = Change::Put { table: "t".into(), key: "k".into(), text: r#"{"format":2,"record":7}"#.into() };
    documents.commit(&[later]).unwrap();
    assert!(matches!(documents.get::<i32>("t", "k"), Err(Error::Newer { found: 2, .. })));
    assert!(matches!(documents.list::<i32>("t"), Err(Error::Newer { .. })));
}

#[test]
fn a_network_that_cannot_be_read_hides_no_other_and_stays_as_it_is() {
    let (_directory, path) = place();
    let store = DefinitionsFile::open(&path).unwrap();
    let (good, bad) = (network("good"), network("bad"));
    store.put_network(&good).unwrap();
    let mut record = serde_json::to_value(&bad).unwrap();
    record["scope"] = "galaxy".into();
    let key = bad.id.to_string();
    let shape = serde_json::json!({"format": 1, "record": record}).to_string();
    let later = serde_json::json!({"format": 2, "record": serde_json::to_value(&bad).unwrap()}).to_string();
    for (text, name, why) in [
        (shape, "bad", "galaxy"),
        (later, "bad", "format 2 is newer than this version knows"),
        ("{".to_owned(), bad.id.short().as_str(), "read"),
    ] {
        let change = Change::Put { table: "networks".into(), key: key.clone(), text: text.clone() };
        store.documents().commit(&[change]).unwrap();
        let stored = store.networks().unwrap();
        assert_eq!(stored.readable, std::slice::from_ref(&good));
        let [unreadable] = stored.unreadable.as_slice() else { panic!("{stored:?}") };
        assert_eq!((unreadable.record.id, unreadable.record.name.as_str()), (bad.id, name));
        assert!(unreadable.why.contains(why), "{}", unreadable.why);
    }
    store.delete_network(bad.id).unwrap();
    assert_eq!(store.networks().unwrap().unreadable, []);
}

#[test]
fn a_document_that_cannot_be_read_is_an_error_that_names_it() {
    let (_directory, path) = place();
    let store = DefinitionsFile::open(&path).unwrap();
    store.put_network(&network("good")).unwrap();
    for text in ["", "{", "7", r#"{"format":1}"#, r#"{"format":1,"record":{"id":"x"}}"#] {
        let change = Change::Put { table: "networks".into(), key: "bad".into(), text: text.into() };
        store.documents().commit(&[change]).unwrap();
        let error = store.networks().unwrap_err();
        assert_eq!(error.act, "read bad of networks", "{text:?}");
        assert!(!error.cause.is_empty());
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let (directory, _) = place();
    std::fs::write(directory.path().join("file"), "").unwrap();
    let path = directory.path().join("file/definitions.db");
    let error = refusal(&path);
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn others_cannot_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, path) = place();
    let _documents = Documents::open(&path).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&directory.path().join("data")), 0o700);
}

/// Damage anywhere in the file, also of one that was being written: never a panic, and what is read is what was written.
#[test]
fn no_damage_makes_the_store_panic_or_tell_untruths() {
    let (_directory, path) = place();
    let documents = Documents::open(&path).unwrap();
    for i in 0..50 {
        documents.put("t", &format!("key {i}"), &format!("value {i}").repeat(20)).unwrap();
    }
    drop(documents);
    std::panic::set_hook(Box::new(|_| {}));
    let whole = std::fs::read(&path).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
    let mut damaged = 0;
    for step in 0..120 {
        let mut bytes = whole.clone();
        let at = used * step / 120;
        match step % 3 {
            0 => bytes.truncate(at),
            1 => bytes[at..at + 8].fill(0xff),
            _ => bytes[at] ^= 0x10,
        }
        std::fs::write(&path, bytes).unwrap();
        match Documents::open(&path).and_then(|documents| documents.list::<String>("t")) {
            Ok(list) => {
                let right = |(key, value): &(String, String)| *value == key.replace("key", "value").repeat(20);
                assert!(list.iter().all(right), "step {step}");
            }
            Err(error) => {
                damaged += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    assert!(damaged > 20, "only {damaged} damages were noticed");
}
