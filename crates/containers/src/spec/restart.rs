//! When a container that ended is started again.

use serde::{Deserialize, Serialize};

/// Docker's `RestartPolicy`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "container.RestartPolicy", rename_all = "PascalCase", default)]
pub struct RestartPolicy {
    /// `no` (or empty), `always`, `unless-stopped` or `on-failure`.
    pub name: String,
    /// How often `on-failure` tries; 0 means for ever.
    pub maximum_retry_count: i64,
}

impl RestartPolicy {
    /// Whether it never restarts.
    pub fn is_none(&self) -> bool {
        matches!(self.name.as_str(), "" | "no")
    }

    /// Whether it restarts whatever happens.
    pub fn is_always(&self) -> bool {
        self.name == "always"
    }

    /// Whether it restarts until somebody stops the container.
    pub fn is_unless_stopped(&self) -> bool {
        self.name == "unless-stopped"
    }

    /// Whether it restarts after a failure only.
    pub fn is_on_failure(&self) -> bool {
        self.name == "on-failure"
    }
}
