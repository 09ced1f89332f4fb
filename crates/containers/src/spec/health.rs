//! How it is found out whether a container is well.

use serde::{Deserialize, Serialize};

/// Docker's `HealthConfig`. Times are in nanoseconds; 0 means inherit, and then Docker's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "container.HealthConfig", rename_all = "PascalCase", default)]
pub struct Healthcheck {
    /// `[]` inherits, `["NONE"]` disables, `["CMD", …]` runs words, `["CMD-SHELL", text]` runs a shell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    /// Between two checks.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval: i64,
    /// How long a check may take.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: i64,
    /// How long failures do not count.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_period: i64,
    /// Between two checks in the start period.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_interval: i64,
    /// How many failures in a row make it unhealthy.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}
