//! An image as others see it.

use crate::config::ImageConfig;
use crate::{Digest, DigestError, Reference};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

/// The id of an image: the digest of its configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageId(Digest);

impl ImageId {
    /// The digest that it is.
    pub fn digest(&self) -> Digest {
        self.0
    }

    /// The first twelve hexadecimal digits.
    pub fn short(&self) -> String {
        self.0.short()
    }
}

impl From<Digest> for ImageId {
    fn from(digest: Digest) -> Self {
        Self(digest)
    }
}

impl FromStr for ImageId {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        text.parse().map(Self)
    }
}

/// `sha256:` and 64 hexadecimal digits.
impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImageId({})", self.short())
    }
}

/// An image.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Its id.
    pub id: ImageId,
    /// What its configuration says.
    pub config: Arc<ImageConfig>,
    /// Its names with a tag, sorted.
    pub tags: Vec<Reference>,
    /// Its names with a digest, sorted.
    pub digests: Vec<Reference>,
    /// Digests of its layers' archives, the lowest first.
    pub layers: Vec<Digest>,
    /// Bytes of all files of its layers.
    pub size: u64,
    /// When it was last given a name here.
    pub tagged: Option<SystemTime>,
    /// Whether it is the machine's own root.
    pub built_in: bool,
}

impl Image {
    /// Whether no name is left.
    pub fn is_dangling(&self) -> bool {
        self.tags.is_empty() && self.digests.is_empty()
    }

    /// When it was made, if its configuration says so in a way that can be read.
    pub fn created(&self) -> Option<SystemTime> {
        let time = chrono::DateTime::parse_from_rfc3339(self.config.created.as_deref()?).ok()?;
        Some(SystemTime::from(time))
    }
}
