//! A disk that is full, and a process that is killed: what was promised is kept.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test says by panicking that it failed")]

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use pontoon_cnm::RunState;
use pontoon_store::{Documents, Error, RunDirectory};
use pontoon_types::Kind;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

mod records;

/// Runs `test` on a thread that sees a small disk at the path it is given, as nobody else does. Skipped where mounting
/// is not allowed.
fn on_a_small_disk(test: impl FnOnce(&Path) + Send + 'static) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    let run = move || {
        let none = None::<&str>;
        let mounted = unshare(CloneFlags::CLONE_NEWNS)
            .and_then(|()| mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none))
            .and_then(|()| mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), Some("size=8m")));
        match mounted {
            Ok(()) => test(&path),
            Err(errno) => pontoon_test_support::skip(&format!("mounting a small disk is not permitted: {errno}")),
        }
    };
    // The thread's name is what a skipped test is told by.
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    std::thread::Builder::new().name(name).spawn(run).unwrap().join().unwrap();
}

fn fill(path: &Path) {
    let filler = std::fs::File::create(path.join("filler")).unwrap();
    let block = [0; 4096];
    while std::os::unix::fs::FileExt::write_all_at(&filler, &block, filler.metadata().unwrap().len()).is_ok() {}
}

#[test]
fn on_a_full_disk_a_commit_is_an_error_and_nothing_is_lost() {
    on_a_small_disk(|disk| {
        let documents = Documents::open(&disk.join("definitions.db")).unwrap();
        documents.put("t", "before", &"x").unwrap();
        fill(disk);
        let large = "y".repeat(20_000);
        let (mut stored, mut failure) = (0, None);
        for i in 0..500 {
            match documents.put("t", &format!("during {i}"), &large) {
                Ok(()) => stored += 1,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let failure = failure.unwrap();
        assert!(matches!(failure, Error::Database { .. }), "{failure}");
        assert!(pontoon_types::chain(&failure).contains("No space left"), "{}", pontoon_types::chain(&failure));
        assert!(failure.hint().is_some());
        assert_eq!(documents.list::<String>("t").unwrap().len(), stored + 1, "readable while the disk is full");
        std::fs::remove_file(disk.join("filler")).unwrap();
        documents.put("t", "after", &"z").unwrap();
        drop(documents);
        let documents = Documents::open(&disk.join("definitions.db")).unwrap();
        assert_eq!(documents.list::<String>("t").unwrap().len(), stored + 2);
    });
}

#[test]
fn on_a_full_disk_the_old_record_of_a_sandbox_stays() {
    on_a_small_disk(|disk| {
        let store = RunDirectory::open(&disk.join("sandboxes")).unwrap();
        let record = records::sandbox("a");
        store.put_sandbox(&record).unwrap();
        fill(disk);
        let mut changed = record.clone();
        changed.resolv_digest = Some("0".repeat(10_000));
        assert!(store.put_sandbox(&changed).unwrap_err().cause.contains("No space left"));
        assert_eq!(store.sandboxes().unwrap().0, [record]);
        std::fs::remove_file(disk.join("filler")).unwrap();
        store.put_sandbox(&changed).unwrap();
        assert_eq!(store.sandboxes().unwrap().0, [changed]);
    });
}

const CHILD: &str = "PONTOON_TEST_COMMIT_TO";

#[test]
fn what_was_committed_survives_kill_9_at_any_moment() {
    if let Some(path) = std::env::var_os(CHILD) {
        return commit_forever(Path::new(&path));
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("definitions.db");
    let mut promised = 0;
    for round in 1..=5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "what_was_committed_survives_kill_9_at_any_moment"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let counts = lines.by_ref().map_while(Result::ok).filter_map(|line| line.strip_prefix("stored ")?.parse().ok());
        promised = counts.take(20 * round).last().unwrap();
        child.kill().unwrap();
        // What it still said before it was killed was promised too.
        promised = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("stored ")?.parse().ok())
            .last()
            .unwrap_or(promised);
        child.wait().unwrap();
        let documents = Documents::open(&path).unwrap();
        let found = documents.list::<u64>("t").unwrap().len() as u64;
        // The last one may have been stored without being told any more.
        assert!((promised..=promised + 1).contains(&found), "{promised} promised, {found} found");
    }
    assert!(promised >= 100);
}

fn commit_forever(path: &Path) {
    let documents = Documents::open(path).unwrap();
    let first = documents.list::<u64>("t").unwrap().len() as u64;
    for count in first + 1.. {
        documents.put("t", &format!("{count:08}"), &count).unwrap();
        println!("stored {count}");
    }
}
