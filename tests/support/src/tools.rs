//! Foreign programs that tests use where they are there.

use std::path::PathBuf;

/// The `docker` command line: the one in the folder that `PONTOON_TOOLS` names, which `scripts/test` fills, else the
/// first on the path.
pub fn docker() -> Option<PathBuf> {
    program("docker")
}

/// A registry, found in the same way.
pub fn docker_registry() -> Option<PathBuf> {
    program("docker-registry")
}

fn program(name: &str) -> Option<PathBuf> {
    let prepared = tools().map(|folder| folder.join(name));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|folder| folder.join(name));
    prepared.into_iter().chain(installed).find(|program| program.is_file())
}

/// A Python that has docker-py, which `scripts/test` prepares.
pub fn docker_py() -> Option<PathBuf> {
    tools().map(|folder| folder.join("docker-py/bin/python")).filter(|python| python.is_file())
}

/// Docker Compose, which `scripts/test` prepares: the program that is both a command and a plugin of `docker`.
pub fn compose() -> Option<PathBuf> {
    tools().map(|folder| folder.join("docker-compose")).filter(|program| program.is_file())
}

fn tools() -> Option<PathBuf> {
    std::env::var_os("PONTOON_TOOLS").map(PathBuf::from)
}
