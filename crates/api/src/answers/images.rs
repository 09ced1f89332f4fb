//! Images: lists, inspection, names, removal. What takes long is in `transfers`.

use super::Call;
use crate::Failure;
use crate::query::{ImageFilter, ImagePrune};
use crate::reply::{self, Reply};
use http::StatusCode;
use pontoon_api_types::{
    ApiVersion, DeletedImage, GraphDriver, HistoryItem, ImageInspect, ImageMetadata, ImageSummary, PruneImagesReport,
    RootFs, rfc3339,
};
use pontoon_images::{HistoryStep, Image, Images, Reference, Removed};
use serde::Deserialize;
use std::time::{SystemTime, UNIX_EPOCH};

/// The whole list, the newest first.
pub(super) fn list(images: &Images, call: &Call) -> Result<Reply, Failure> {
    let filter = ImageFilter::new(call.query.filters()?, images, SystemTime::now())?;
    let shared = call.query.flag("shared-size").then(|| images.usage().shared);
    let mut listed: Vec<Image> = images.images().into_iter().filter_map(|image| filter.takes(image)).collect();
    listed.sort_by_key(|image| std::cmp::Reverse(image.created()));
    let shown = listed.iter().map(|image| {
        let mut summary = summary(image);
        if let Some(shared) = &shared {
            summary.shared_size = shared.get(&image.id).map_or(0, |bytes| signed(*bytes));
        }
        summary.for_version(call.version)
    });
    reply::json(StatusCode::OK, &shown.collect::<Vec<_>>())
}

/// One image of a list, without what takes work to find out.
pub(crate) fn summary(image: &Image) -> ImageSummary {
    ImageSummary {
        containers: -1,
        created: seconds(image.created()),
        id: image.id.to_string(),
        labels: image.config.config.labels.clone(),
        parent_id: String::new(),
        repo_digests: familiar(&image.digests),
        repo_tags: familiar(&image.tags),
        shared_size: -1,
        size: signed(image.size),
        virtual_size: None,
    }
}

pub(super) fn inspect(images: &Images, name: &str, call: &Call) -> Result<Reply, Failure> {
    check_platform(call.query.get("platform"))?;
    let image = images.image(name)?;
    let config = &image.config;
    let shown = ImageInspect {
        id: image.id.to_string(),
        repo_tags: familiar(&image.tags),
        repo_digests: familiar(&image.digests),
        parent: None,
        comment: config.comment.clone(),
        created: config.created.clone(),
        docker_version: Some(config.docker_version.clone()).filter(|_| call.version < ApiVersion::v1(50)),
        author: config.author.clone(),
        config: serde_json::to_value(&config.config)
            .map_err(|error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?,
        architecture: config.architecture.clone(),
        variant: config.variant.clone(),
        os: config.os.clone(),
        size: signed(image.size),
        virtual_size: None,
        graph_driver: GraphDriver { data: None, name: "overlay2".into() },
        root_fs: RootFs { kind: "layers".into(), layers: image.layers.iter().map(ToString::to_string).collect() },
        metadata: ImageMetadata { last_tag_time: image.tagged.map(rfc3339) },
    };
    reply::json(StatusCode::OK, &shown.for_version(call.version))
}

pub(super) fn history(images: &Images, name: &str, call: &Call) -> Result<Reply, Failure> {
    check_platform(call.query.get("platform"))?;
    let item = |step: HistoryStep| HistoryItem {
        comment: step.entry.comment,
        created: seconds(step.entry.created.as_deref().and_then(pontoon_api_types::parse_rfc3339)),
        created_by: step.entry.created_by,
        id: step.id.map_or_else(|| "<missing>".into(), |id| id.to_string()),
        size: signed(step.size),
        tags: Some(familiar(&step.tags)).filter(|tags| !tags.is_empty()),
    };
    let steps: Vec<HistoryItem> = images.history(name)?.into_iter().map(item).collect();
    reply::json(StatusCode::OK, &steps)
}

pub(super) fn tag(images: &Images, name: &str, call: &Call) -> Result<Reply, Failure> {
    images.tag(name, call.query.get("repo"), call.query.get("tag"))?;
    Ok(reply::empty(StatusCode::CREATED))
}

pub(super) fn remove(images: &Images, name: &str, call: &Call) -> Result<Reply, Failure> {
    let removed = images.remove(name, call.query.flag("force"))?;
    reply::json(StatusCode::OK, &deleted(removed))
}

pub(super) fn prune(images: &Images, call: &Call) -> Result<Reply, Failure> {
    let prune = ImagePrune::new(call.query.filters()?, SystemTime::now())?;
    let (removed, freed) = images.prune(prune.all, |image| prune.takes(image))?;
    let report = PruneImagesReport {
        images_deleted: Some(deleted(removed)).filter(|deleted| !deleted.is_empty()),
        space_reclaimed: freed,
    };
    reply::json(StatusCode::OK, &report)
}

/// Only the machine's own platform is kept here.
pub(crate) fn check_platform(text: &str) -> Result<(), Failure> {
    if text.is_empty() {
        return Ok(());
    }
    let (os, architecture) = match serde_json::from_str::<Platform>(text) {
        Ok(platform) => (platform.os, platform.architecture),
        // `os[/architecture[/variant]]`, as in the parameter of pull.
        Err(_) => {
            let mut parts = text.split('/').map(str::to_ascii_lowercase);
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        }
    };
    let own = pontoon_images::architecture();
    let same = match architecture.as_str() {
        "" => true,
        "x86_64" => own == "amd64",
        "aarch64" => own == "arm64",
        other => other == own,
    };
    if os == "linux" && same {
        return Ok(());
    }
    Err(Failure::new(StatusCode::NOT_FOUND, format!("no image for platform {text} here: only linux/{own} is kept")))
}

/// A platform in the JSON form of newer clients.
#[derive(Deserialize)]
struct Platform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

fn deleted(removed: Vec<Removed>) -> Vec<DeletedImage> {
    let one = |removed| match removed {
        Removed::Untagged(name) => DeletedImage::Untagged(name),
        Removed::Deleted(id) => DeletedImage::Deleted(id),
    };
    removed.into_iter().map(one).collect()
}

fn familiar(names: &[Reference]) -> Vec<String> {
    names.iter().map(Reference::familiar).collect()
}

fn seconds(time: Option<SystemTime>) -> i64 {
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
