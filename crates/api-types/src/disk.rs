//! What takes room on the disk: `GET /system/df`.

use crate::{ContainerSummary, Volume};
use serde::Serialize;

/// The answer since API 1.52; sorts that were not asked for are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskUsage<Image> {
    /// Images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_usage: Option<UsageOf<Image>>,
    /// Containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_usage: Option<UsageOf<ContainerSummary>>,
    /// Volumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_usage: Option<UsageOf<Volume>>,
    /// Build cache: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_cache_usage: Option<UsageOf<()>>,
}

/// One sort of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UsageOf<T> {
    /// How many are in use.
    #[serde(skip_serializing_if = "is_zero")]
    pub active_count: i64,
    /// The objects, when asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<T>,
    /// Bytes that removing what is not in use would free.
    #[serde(skip_serializing_if = "is_zero")]
    pub reclaimable: i64,
    /// How many there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub total_count: i64,
    /// Bytes of all.
    #[serde(skip_serializing_if = "is_zero")]
    pub total_size: i64,
}

/// The answer below API 1.52: whole lists. Null stands for sorts that were not asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LegacyDiskUsage<Image> {
    /// Bytes of all layers.
    pub layers_size: i64,
    /// Images.
    pub images: Option<Vec<Image>>,
    /// Containers.
    pub containers: Option<Vec<ContainerSummary>>,
    /// Volumes.
    pub volumes: Option<Vec<Volume>>,
    /// Build cache: there is none.
    pub build_cache: Option<Vec<()>>,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}
