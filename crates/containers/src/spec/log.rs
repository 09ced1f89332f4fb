//! Where a container's output goes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Docker's `LogConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "container.LogConfig", rename_all = "PascalCase", default)]
pub struct LogConfig {
    /// The log driver: empty (the default), `json-file`, `local` or `none`.
    #[serde(rename = "Type")]
    pub driver: String,
    /// Its options.
    pub config: Option<BTreeMap<String, String>>,
}
