//! Where an older engine does otherwise: said with the reason, and counted.

use std::io::Write;

/// Notes that a case is different, or left out, on the engine under test, and why.
pub(crate) fn note(engine: &str, reason: &str) {
    let test = std::thread::current().name().unwrap_or("a case").to_owned();
    eprintln!("DIFFERENT {test} on {engine}: {reason}");
    if let Some(path) = std::env::var_os("PONTOON_DIFFERENT") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        let _ = file.and_then(|mut file| writeln!(file, "DIFFERENT {test} on {engine}: {reason}"));
    }
}

/// `1.41` as numbers that can be compared.
pub(crate) fn version(text: &str) -> (u32, u32) {
    let (major, minor) = text.split_once('.').unwrap_or_else(|| panic!("{text:?} is no version"));
    (major.parse().unwrap(), minor.parse().unwrap())
}
