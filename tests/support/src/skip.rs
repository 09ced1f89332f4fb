//! Tests that cannot run here: they say so and are counted, and where nothing may be skipped they fail.

use nix::sched::{CloneFlags, unshare};
use std::io::Write;

/// Says that a test, or a part of it, is not run, and why. With `CI` set this fails the test: nothing is skipped there.
/// The line also goes to the file that `PONTOON_SKIPPED` names, for whoever counts.
pub fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(std::env::var_os("CI").is_none(), "cannot run {test}: {reason}; nothing may be skipped where CI is set");
    eprintln!("SKIPPED {test}: {reason}");
    if let Some(path) = std::env::var_os("PONTOON_SKIPPED") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        let _ = file.and_then(|mut file| writeln!(file, "SKIPPED {test}: {reason}"));
    }
}

/// Why no world can be made here; `Ok` when one can.
pub fn worlds_possible() -> Result<(), String> {
    let attempt =
        std::thread::spawn(|| unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID));
    match attempt.join() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(errno)) => {
            Err(format!("making namespaces is not permitted ({errno}); run as root or with scripts/test"))
        }
        Err(_) => Err("a thread could not be started".to_owned()),
    }
}
