//! Manifests and indexes, OCI's and Docker's schema 2 alike: only what is needed to find configuration and layers.

use crate::{Digest, Error, Result, platform};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Media types of indexes.
const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
/// The media type of an image's manifest.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an index.
pub(crate) const INDEX: &str = INDEXES[0];
/// The media type of a configuration.
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The media type of a layer that is not compressed.
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// What a document refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    #[serde(default)]
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
}

/// The machine something is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Platform {
    pub(crate) architecture: String,
    pub(crate) os: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) variant: String,
}

/// An image's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    #[serde(default)]
    pub(crate) layers: Vec<Descriptor>,
}

/// Manifests for several machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    pub(crate) manifests: Vec<Descriptor>,
}

/// Either.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Document {
    Index(Index),
    Manifest(Manifest),
}

impl Document {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|_| Error::NotAnImage("neither a manifest nor an index".into()))
    }
}

impl Descriptor {
    pub(crate) fn is_index(&self) -> bool {
        INDEXES.contains(&self.media_type.as_str())
    }

    /// Whether it may be for this machine: it says so, or nothing.
    pub(crate) fn suits(&self) -> bool {
        self.platform.as_ref().is_none_or(Platform::is_this)
    }
}

impl Platform {
    fn is_this(&self) -> bool {
        let variant =
            matches!((platform::architecture(), self.variant.as_str()), (_, "") | ("arm64", "v8") | ("amd64", "v1"));
        self.os == "linux" && self.architecture == platform::architecture() && variant
    }
}

impl Index {
    /// The first that is for this machine.
    pub(crate) fn choose(&self) -> Option<&Descriptor> {
        let own = self.manifests.iter().find(|one| one.platform.as_ref().is_some_and(Platform::is_this));
        own.or_else(|| self.manifests.iter().find(|one| one.platform.is_none()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn an_index_is_told_from_a_manifest_and_the_own_machine_is_chosen() {
        let own = platform::architecture();
        let text = format!(
            r#"{{"schemaVersion":2,"manifests":[
            {{"digest":"{EMPTY}","platform":{{"os":"windows","architecture":"{own}"}}}},
            {{"digest":"{EMPTY}","platform":{{"os":"unknown","architecture":"unknown"}}}},
            {{"digest":"{EMPTY}","size":7,"platform":{{"os":"linux","architecture":"{own}"}}}}]}}"#
        );
        let Document::Index(index) = Document::read(text.as_bytes()).unwrap() else { panic!() };
        assert_eq!(index.choose().unwrap().size, 7);
        let text = format!(r#"{{"config":{{"digest":"{EMPTY}"}},"layers":[]}}"#);
        assert!(matches!(Document::read(text.as_bytes()), Ok(Document::Manifest(_))));
        for text in ["", "{}", "[]", r#"{"config":{"digest":"md5:1"}}"#] {
            assert!(Document::read(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn another_machines_images_are_not_chosen() {
        let text =
            format!(r#"{{"manifests":[{{"digest":"{EMPTY}","platform":{{"os":"linux","architecture":"s390x"}}}}]}}"#);
        let Document::Index(index) = Document::read(text.as_bytes()).unwrap() else { panic!() };
        assert_eq!(index.choose(), None);
    }
}
