//! Volumes in the API's shape.

use pontoon_api_types::{CreateVolumeRequest, Volume, VolumeUsage, rfc3339};
use pontoon_containers::{Containers, VolumeRequest, VolumeView};
use std::collections::BTreeMap;

pub(super) fn asked(request: CreateVolumeRequest) -> VolumeRequest {
    VolumeRequest {
        name: request.name,
        driver: request.driver,
        options: request.driver_opts.unwrap_or_default(),
        labels: request.labels,
    }
}

/// A volume with how many containers have it; its size is not known.
pub(super) fn shown(view: VolumeView) -> Volume {
    let VolumeView { volume, mountpoint, users } = view;
    Volume {
        created_at: rfc3339(volume.created),
        driver: "local".into(),
        labels: volume.labels,
        mountpoint: mountpoint.to_string_lossy().into_owned(),
        name: volume.name,
        options: None::<BTreeMap<String, String>>,
        scope: "local".into(),
        usage_data: Some(VolumeUsage { ref_count: i64::try_from(users).unwrap_or(i64::MAX), size: -1 }),
    }
}

/// Every volume with its size.
pub(super) async fn measured(containers: &Containers) -> Vec<Volume> {
    let mut volumes = Vec::new();
    for view in containers.volumes() {
        let mut volume = shown(view);
        // One that is removed meanwhile keeps the unknown size.
        let size = containers.volume_size(&volume.name).await.ok().and_then(|bytes| i64::try_from(bytes).ok());
        if let (Some(usage), Some(size)) = (&mut volume.usage_data, size) {
            usage.size = size;
        }
        volumes.push(volume);
    }
    volumes
}
