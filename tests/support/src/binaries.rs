//! Where the programs under test are.

use std::path::PathBuf;

/// A program of ours: in the folder that `PONTOON_BIN` names, else beside the test's own executable. `scripts/test`
/// builds them first; by hand it is `cargo build -p pontoond -p pontoon`.
pub fn binary(name: &str) -> PathBuf {
    let folder = std::env::var_os("PONTOON_BIN").map_or_else(beside_us, PathBuf::from);
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: cargo build -p pontoond -p pontoon", path.display());
    path
}

/// Test executables stand in `deps`, one below the programs.
fn beside_us() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap();
    if folder.ends_with("deps") { folder.parent().unwrap().to_owned() } else { folder.to_owned() }
}
