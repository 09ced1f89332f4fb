//! Images: lists, inspection, history, removal, and the lines by which long work tells how far it is.

use crate::ApiVersion;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// From this version on the fields that say nothing of images are left out of an image's configuration.
const WITHOUT_CONTAINER_FIELDS: ApiVersion = ApiVersion::v1(50);
/// From this version on images have no virtual size of their own.
const WITHOUT_VIRTUAL_SIZE: ApiVersion = ApiVersion::v1(44);
/// From this version on an image without a name has no tag; before, one that says so.
const WITHOUT_NONE: ApiVersion = ApiVersion::v1(43);
/// From this version on lines of progress have no text beside the numbers.
const WITHOUT_TEXTS: ApiVersion = ApiVersion::v1(52);

/// One image of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageSummary {
    /// Containers that use it; -1 when not counted.
    pub containers: i64,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Its id.
    pub id: String,
    /// Labels; null without any.
    pub labels: Option<BTreeMap<String, String>>,
    /// The image it was built on: not known here.
    pub parent_id: String,
    /// Names with a digest.
    pub repo_digests: Vec<String>,
    /// Names with a tag.
    pub repo_tags: Vec<String>,
    /// Bytes shared with other images; -1 when not computed.
    pub shared_size: i64,
    /// Bytes in all.
    pub size: i64,
    /// The same, in older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_size: Option<i64>,
}

impl ImageSummary {
    /// As clients of that version expect it.
    pub fn for_version(mut self, version: ApiVersion) -> Self {
        if version < WITHOUT_VIRTUAL_SIZE {
            self.virtual_size = Some(self.size);
        }
        if version < WITHOUT_NONE && self.repo_tags.is_empty() && self.repo_digests.is_empty() {
            self.repo_tags.push("<none>:<none>".into());
            self.repo_digests.push("<none>@<none>".into());
        }
        self
    }
}

/// Answer of `GET /images/{name}/json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "Docker's documented fields under their own names")]
pub struct ImageInspect {
    pub id: String,
    pub repo_tags: Vec<String>,
    pub repo_digests: Vec<String>,
    /// Told below API 1.50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Told below API 1.50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker_version: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    pub config: Value,
    pub architecture: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
    pub os: String,
    pub size: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_size: Option<i64>,
    pub graph_driver: GraphDriver,
    #[serde(rename = "RootFS")]
    pub root_fs: RootFs,
    pub metadata: ImageMetadata,
}

/// How an image is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GraphDriver {
    /// Null: nothing to rely on.
    pub data: Option<BTreeMap<String, String>>,
    /// Its name.
    pub name: String,
}

/// The layers of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Digests of their archives, the lowest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
}

/// What is known of an image here and not part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageMetadata {
    /// When it was last given a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_tag_time: Option<String>,
}

impl ImageInspect {
    /// As clients of that version expect it.
    pub fn for_version(mut self, version: ApiVersion) -> Self {
        if version < WITHOUT_VIRTUAL_SIZE {
            self.virtual_size = Some(self.size);
        }
        if version < WITHOUT_CONTAINER_FIELDS {
            self.parent.get_or_insert_default();
            self.docker_version.get_or_insert_default();
            self.config = with_container_fields(self.config);
        }
        self
    }
}

/// Fields of containers' configurations that images' had once too.
fn with_container_fields(config: Value) -> Value {
    let mut whole = serde_json::json!({
        "Hostname": "", "Domainname": "", "User": "", "AttachStdin": false, "AttachStdout": false, "AttachStderr": false,
        "Tty": false, "OpenStdin": false, "StdinOnce": false, "Env": null, "Cmd": null, "Image": "", "Volumes": null,
        "WorkingDir": "", "Entrypoint": null, "OnBuild": null, "Labels": null,
    });
    if let (Some(whole), Value::Object(config)) = (whole.as_object_mut(), config) {
        whole.extend(config);
    }
    whole
}

/// One step of how an image came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HistoryItem {
    /// What was said of it.
    pub comment: String,
    /// When, in seconds since 1970.
    pub created: i64,
    /// By what.
    pub created_by: String,
    /// The image; `<missing>` for all but the last step.
    pub id: String,
    /// Bytes of the files that it made.
    pub size: i64,
    /// The image's names; null for all but the last step.
    pub tags: Option<Vec<String>>,
}

/// One thing that a removal did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum DeletedImage {
    /// A name.
    Untagged(String),
    /// An image or a layer.
    Deleted(String),
}

/// Answer of `POST /images/prune`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PruneImagesReport {
    /// What was removed; null when nothing was.
    pub images_deleted: Option<Vec<DeletedImage>>,
    /// Bytes that this freed.
    pub space_reclaimed: u64,
}

/// Answer of `POST /auth`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AuthResponse {
    /// A text for the user.
    pub status: String,
    /// A token in the password's place: none is made here.
    pub identity_token: String,
}

/// One line of how far long work is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProgressLine {
    /// Text, as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// What happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// How much is done.
    #[serde(rename = "progressDetail", skip_serializing_if = "Option::is_none")]
    pub progress_detail: Option<ProgressDetail>,
    /// With which part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why it ended.
    #[serde(rename = "errorDetail", skip_serializing_if = "Option::is_none")]
    pub error_detail: Option<ErrorDetail>,
    /// The same, in older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How much is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProgressDetail {
    /// Bytes so far.
    #[serde(skip_serializing_if = "is_zero")]
    pub current: u64,
    /// Bytes in all.
    #[serde(skip_serializing_if = "is_zero")]
    pub total: u64,
}

/// Why work ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ErrorDetail {
    /// The text.
    pub message: String,
}

impl ProgressLine {
    /// The line of an error.
    pub fn failed(message: &str, version: ApiVersion) -> Self {
        let error = (version < WITHOUT_TEXTS).then(|| message.to_owned());
        Self { error_detail: Some(ErrorDetail { message: message.to_owned() }), error, ..Self::default() }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_clients_see_what_they_knew() {
        let summary = ImageSummary { size: 7, ..ImageSummary::default() };
        let told = |minor| serde_json::to_value(summary.clone().for_version(ApiVersion::v1(minor))).unwrap();
        assert_eq!((told(43)["VirtualSize"].clone(), told(44).get("VirtualSize")), (7.into(), None));
        assert_eq!(
            (told(42)["RepoTags"][0].clone(), told(43)["RepoTags"].clone()),
            ("<none>:<none>".into(), serde_json::json!([]))
        );
        let inspect = ImageInspect { config: serde_json::json!({"Cmd": ["sh"]}), ..ImageInspect::default() };
        let told = |minor| serde_json::to_value(inspect.clone().for_version(ApiVersion::v1(minor))).unwrap();
        assert_eq!(told(50)["Config"], serde_json::json!({"Cmd": ["sh"]}));
        assert_eq!(
            (told(49)["Config"]["Cmd"][0].clone(), told(49)["Config"]["Tty"].clone()),
            ("sh".into(), false.into())
        );
    }

    #[test]
    fn lines_have_only_what_they_tell() {
        let text = |line: &ProgressLine| serde_json::to_string(line).unwrap();
        assert_eq!(
            text(&ProgressLine { stream: Some("x\n".into()), ..ProgressLine::default() }),
            r#"{"stream":"x\n"}"#
        );
        let failed = |minor| text(&ProgressLine::failed("no", ApiVersion::v1(minor)));
        assert_eq!(failed(56), r#"{"errorDetail":{"message":"no"}}"#);
        assert_eq!(failed(51), r#"{"errorDetail":{"message":"no"},"error":"no"}"#);
        let deleted = serde_json::to_string(&DeletedImage::Untagged("a:b".into())).unwrap();
        assert_eq!(deleted, r#"{"Untagged":"a:b"}"#);
    }
}
