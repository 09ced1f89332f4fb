//! Volumes: folders under the data root with a name, used by containers and kept when those go.
//!
//! Owns: which volumes exist, who uses them, their folders, names and texts.

mod book;
mod calls;

pub(crate) use book::VolumeBook;
pub use calls::{PruneVolumes, VolumeRequest, VolumeView};

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// The one driver there is.
pub const LOCAL: &str = "local";
/// How Docker marks volumes without a name of their own.
pub const ANONYMOUS: &str = "com.docker.volume.anonymous";

/// A volume as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: SystemTime,
    /// Labels; none at all is not the same as an empty list to Docker's clients.
    pub labels: Option<BTreeMap<String, String>>,
}

impl Volume {
    /// Whether it was made for a container that did not name it.
    pub fn is_anonymous(&self) -> bool {
        self.labels.as_ref().is_some_and(|labels| labels.contains_key(ANONYMOUS))
    }
}

/// Refuses names that are no folder's.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"_.-".contains(&c);
    if name.len() == 1 {
        return Err(Error::Invalid(
            "volume name is too short, names should be at least two alphanumeric characters".into(),
        ));
    }
    let starts = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if starts && name.len() <= 255 && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "\"{name}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If \
         you intended to pass a host directory, use absolute path"
    )))
}

/// There are no volume plugins.
pub(crate) fn no_driver(name: &str) -> Error {
    Error::Missing(format!("error looking up volume plugin {name}: plugin \"{name}\" not found"))
}
