//! An image's configuration: what stands in its JSON, which is a blob and never written again.
//!
//! Owns the shape, Docker's and OCI's alike, read leniently: null is absent. Must never decide what a container makes of it.

use crate::Digest;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The whole document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageConfig {
    /// Architecture in Go's words: `amd64`.
    #[serde(deserialize_with = "nullable")]
    pub architecture: String,
    /// Its variant: `v8`.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// Operating system: `linux`.
    #[serde(deserialize_with = "nullable")]
    pub os: String,
    /// When it was made, RFC 3339; as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who made it.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// What was said of it.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// The version of Docker that made it.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub docker_version: String,
    /// How a container of it runs.
    #[serde(deserialize_with = "nullable")]
    pub config: RunConfig,
    /// Its layers.
    #[serde(deserialize_with = "nullable")]
    pub rootfs: RootfsConfig,
    /// How it came to be.
    #[serde(deserialize_with = "nullable")]
    pub history: Vec<HistoryEntry>,
}

/// How a container runs, as far as its image says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RunConfig {
    /// `user[:group]`.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// `port/protocol`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposed_ports: Option<BTreeMap<String, Value>>,
    /// `NAME=value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<String>>,
    /// Program and first arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Arguments unless others are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// How to find out whether it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Whether the command is one line already (Windows).
    #[serde(deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub args_escaped: bool,
    /// Folders that are volumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volumes: Option<BTreeMap<String, Value>>,
    /// Where the program starts.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// What a build on top of it does first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_build: Option<Vec<String>>,
    /// Labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// The signal that asks it to end.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    /// The shell of commands in their shell form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<Vec<String>>,
}

/// How to find out whether a container is well. Times are nanoseconds; 0 inherits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Healthcheck {
    /// `NONE`, `CMD` with arguments, or `CMD-SHELL` with one line; empty inherits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Vec<String>>,
    /// Time between two tests.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_zero")]
    pub interval: i64,
    /// Time one may take.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_zero")]
    pub timeout: i64,
    /// Time to start in which failures do not count.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_zero")]
    pub start_period: i64,
    /// Time between two tests while it starts.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_zero")]
    pub start_interval: i64,
    /// Failures in a row that count.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_zero")]
    pub retries: i64,
}

/// The layers of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootfsConfig {
    /// Always `layers`.
    #[serde(rename = "type", deserialize_with = "nullable", default)]
    pub kind: String,
    /// Their digests, the lowest first.
    #[serde(deserialize_with = "nullable", default)]
    pub diff_ids: Vec<Digest>,
}

impl Default for RootfsConfig {
    fn default() -> Self {
        Self { kind: "layers".into(), diff_ids: Vec::new() }
    }
}

/// One step of how an image came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryEntry {
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// By what.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    /// What was said of it.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Whether it made no layer.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

impl ImageConfig {
    /// Reads a document; fields that are not known here are left out.
    pub fn read(bytes: &[u8]) -> serde_json::Result<Self> {
        // A list would be read as the fields in their order.
        let fields: Map<String, Value> = serde_json::from_slice(bytes)?;
        serde_json::from_value(Value::Object(fields))
    }

    /// Labels of containers of it.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.config.labels.iter().flatten().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A set in Go's JSON: an object with empty objects.
pub(crate) fn set<I: IntoIterator<Item = String>>(names: I) -> BTreeMap<String, Value> {
    names.into_iter().map(|name| (name, Value::Object(Map::new()))).collect()
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Null counts as absent, as in Go.
fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_and_unknown_fields_are_no_obstacle() {
        let text = br#"{"architecture":"amd64","os":"linux","container":"x","author":null,
            "config":{"Env":null,"Cmd":["sh"],"User":null,"ExposedPorts":{"80/tcp":{}},"Healthcheck":{"Test":["NONE"]},
            "Labels":{"a":"b"}},"rootfs":{"type":"layers","diff_ids":null},"history":null}"#;
        let config = ImageConfig::read(text).unwrap();
        assert_eq!(config.config.cmd, Some(vec!["sh".to_owned()]));
        assert_eq!(config.labels().collect::<Vec<_>>(), [("a", "b")]);
        assert_eq!(config.config.healthcheck.unwrap().test, Some(vec!["NONE".to_owned()]));
        assert_eq!(ImageConfig::read(br#"{"config":null}"#).unwrap().config, RunConfig::default());
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        for text in ["", "[]", "{\"rootfs\":{\"diff_ids\":[\"x\"]}}", "{\"config\":1}"] {
            assert!(ImageConfig::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
