//! Where things are and how long is waited.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of [`super::Conmon`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of everything that lives as long as the processes: a tmpfs. It is made if it is not there.
    pub exec_root: PathBuf,
    /// The monitor; `None` to look for `conmon`.
    pub monitor: Option<PathBuf>,
    /// Runtimes beside those that are found (`crun`, `runc`), by name; they come first where a name is the same.
    pub runtimes: Vec<(String, PathBuf)>,
    /// The name of the default runtime; `None` for the one that suits the host.
    pub default_runtime: Option<String>,
    /// The init program of `--init`; `None` to look for one.
    pub init: Option<PathBuf>,
    /// The control group under which containers are put that name none.
    pub cgroup_parent: String,
    /// How long a runtime or monitor may take for one thing. Then it is killed.
    pub patience: Duration,
}

impl Settings {
    /// Docker's defaults, below `exec_root`.
    pub fn new(exec_root: impl Into<PathBuf>) -> Self {
        Self {
            exec_root: exec_root.into(),
            monitor: None,
            runtimes: Vec::new(),
            default_runtime: None,
            init: None,
            cgroup_parent: "/pontoon".into(),
            patience: Duration::from_secs(60),
        }
    }
}
