//! What takes room on the disk.

use super::Call;
use super::containers::summaries;
use super::images::summary;
use crate::Failure;
use crate::api::Inner;
use crate::reply::{self, Reply};
use http::StatusCode;
use pontoon_api_types::{ApiVersion, ContainerSummary, DiskUsage, ImageSummary, LegacyDiskUsage, UsageOf, Volume};
use pontoon_containers::ContainerView;

/// Since this version sums are told, and lists only on request.
const SUMS: ApiVersion = ApiVersion::v1(52);
/// Since this version a client can choose sorts.
const TYPES: ApiVersion = ApiVersion::v1(42);

/// Which sorts of objects were asked for.
struct Sorts {
    containers: bool,
    images: bool,
    volumes: bool,
    build_cache: bool,
}

impl Sorts {
    fn of(call: &Call) -> Result<Self, Failure> {
        let wanted = if call.version >= TYPES { call.query.all("type") } else { Vec::new() };
        if let Some(unknown) =
            wanted.iter().find(|t| !["container", "image", "volume", "build-cache"].contains(&t.as_str()))
        {
            return Err(Failure::invalid(format!("unknown object type: {unknown}")));
        }
        let wants = |sort: &str| wanted.is_empty() || wanted.iter().any(|one| one == sort);
        Ok(Self {
            containers: wants("container"),
            images: wants("image"),
            volumes: wants("volume"),
            build_cache: wants("build-cache"),
        })
    }
}

pub(crate) async fn usage(inner: &Inner, call: &Call) -> Result<Reply, Failure> {
    let sorts = Sorts::of(call)?;
    let views = if sorts.containers { inner.containers.containers() } else { Vec::new() };
    let containers = if sorts.containers { Some(sized(inner, &views, call.version).await) } else { None };
    let volumes = if sorts.volumes { Some(inner.containers.volume_usage().await?) } else { None };
    let images = if sorts.images { Some(Taken::by_images(inner).await?) } else { None };
    if call.version < SUMS {
        let legacy = LegacyDiskUsage {
            layers_size: images.as_ref().map_or(0, |images| images.layers),
            images: images.map(|images| {
                images.shown.into_iter().map(|image| image.for_version(call.version)).collect::<Vec<_>>()
            }),
            containers,
            volumes,
            build_cache: sorts.build_cache.then(Vec::new),
        };
        return reply::json(StatusCode::OK, &legacy);
    }
    let verbose = call.query.strict_bool("verbose")?;
    let mut usage = DiskUsage {
        image_usage: images.map(of_images),
        container_usage: containers.map(|shown| of_containers(&views, shown)),
        volume_usage: volumes.map(of_volumes),
        build_cache_usage: sorts.build_cache.then(UsageOf::default),
    };
    if !verbose {
        usage.image_usage.iter_mut().for_each(|of| of.items.clear());
        usage.container_usage.iter_mut().for_each(|of| of.items.clear());
        usage.volume_usage.iter_mut().for_each(|of| of.items.clear());
    }
    reply::json(StatusCode::OK, &usage)
}

/// What images take.
#[derive(Default)]
struct Taken {
    /// Bytes of all layers, each counted once.
    layers: i64,
    /// The images; `containers` and `shared_size` are filled in.
    shown: Vec<ImageSummary>,
}

impl Taken {
    /// A daemon that keeps no images has none.
    async fn by_images(inner: &Inner) -> Result<Self, Failure> {
        let Ok(images) = inner.images().cloned() else { return Ok(Self::default()) };
        let users = inner.containers.containers();
        let measure = move || {
            let usage = images.usage();
            let users = |id: &str| count(users.iter().filter(|view| view.definition.image == id).count());
            let images = images.images();
            let shown = images.iter().map(|image| ImageSummary {
                containers: users(&image.id.to_string()),
                shared_size: usage.shared.get(&image.id).map_or(0, |&bytes| signed(bytes)),
                ..summary(image)
            });
            Self { layers: signed(usage.layers), shown: shown.collect() }
        };
        let broken = |_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "measure the images");
        tokio::task::spawn_blocking(measure).await.map_err(broken)
    }
}

fn of_images(taken: Taken) -> UsageOf<ImageSummary> {
    let own = |image: &ImageSummary| (image.size - image.shared_size).max(0);
    let used: i64 = taken.shown.iter().filter(|image| image.containers > 0).map(own).sum();
    UsageOf {
        active_count: count(taken.shown.iter().filter(|image| image.containers > 0).count()),
        total_count: count(taken.shown.len()),
        reclaimable: (taken.layers - used).max(0),
        total_size: taken.layers,
        items: taken.shown,
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

async fn sized(inner: &Inner, views: &[ContainerView], version: ApiVersion) -> Vec<ContainerSummary> {
    let mut shown = summaries(views.iter(), views, version);
    for shown in &mut shown {
        // One that is removed meanwhile takes no room.
        let sizes = inner.containers.sizes(&shown.id).await.unwrap_or_default();
        (shown.size_rw, shown.size_root_fs) = (Some(sizes.written), Some(sizes.whole));
    }
    shown
}

fn of_containers(views: &[ContainerView], shown: Vec<ContainerSummary>) -> UsageOf<ContainerSummary> {
    let size = |of: &ContainerSummary| of.size_rw.unwrap_or(0);
    let idle = views.iter().zip(&shown).filter(|(view, _)| !view.state.is_running());
    UsageOf {
        active_count: count(views.iter().filter(|view| view.state.is_running()).count()),
        total_count: count(views.len()),
        reclaimable: idle.map(|(_, shown)| size(shown)).sum(),
        total_size: shown.iter().map(size).sum(),
        items: shown,
    }
}

fn of_volumes(volumes: Vec<Volume>) -> UsageOf<Volume> {
    let size = |of: &&Volume| of.usage_data.map_or(0, |usage| usage.size.max(0));
    let used = |of: &&Volume| of.usage_data.is_some_and(|usage| usage.ref_count > 0);
    UsageOf {
        active_count: count(volumes.iter().filter(used).count()),
        total_count: count(volumes.len()),
        reclaimable: volumes.iter().filter(|of| !used(of)).map(|of| size(&of)).sum(),
        total_size: volumes.iter().map(|of| size(&of)).sum(),
        items: volumes,
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
