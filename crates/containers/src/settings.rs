//! What containers are told at the start.

use std::path::PathBuf;

/// Settings of the containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The folder with one folder for each container: logs and files.
    pub containers: PathBuf,
    /// The folder of volumes.
    pub volumes: PathBuf,
    /// Whether containers get a small init unless they say otherwise.
    pub init: bool,
    /// Whether links on the default bridge have environment variables.
    pub link_variables: bool,
    /// How many containers are started at once.
    pub starts_at_once: usize,
}
