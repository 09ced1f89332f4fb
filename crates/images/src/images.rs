//! The images: the handle that everything else asks.

use crate::config::ImageConfig;
use crate::host::{host_id, host_image, host_name};
use crate::rootfs::RootFileSystems;
use crate::store::{Blobs, Folder, Holds, ImageRecord, Layers, Records, Scratch, State};
use crate::{Digest, Error, Image, ImageId, Reference, Result};
use arc_swap::ArcSwap;
use pontoon_cnm::Events;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What images are told at the start.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The folder for everything, such as `<data-root>/images`.
    pub root: PathBuf,
    /// Folders of the machine that containers of the image `host` must not see: the daemon's own.
    pub hidden: Vec<PathBuf>,
    /// Registries, by host or network, that may be asked without TLS; those on this machine always may.
    pub insecure_registries: Vec<String>,
}

/// A container that uses an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUser {
    /// The container's id.
    pub container: String,
    /// Whether it is running now.
    pub running: bool,
}

/// Who uses images, as the containers know.
pub trait ImageUsers: Send + Sync {
    /// The containers made from this image. Must not call back into [`Images`].
    fn users(&self, image: &ImageId) -> Vec<ImageUser>;
}

/// The images. Clones are handles to the same.
#[derive(Clone)]
pub struct Images(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) folder: Folder,
    pub(crate) blobs: Blobs,
    pub(crate) layers: Layers,
    pub(crate) records: Records,
    pub(crate) holds: Holds,
    pub(crate) events: Arc<Events>,
    pub(crate) users: OnceLock<Arc<dyn ImageUsers>>,
    pub(crate) host: Image,
    insecure: ArcSwap<Vec<String>>,
    known: Mutex<BTreeMap<ImageId, Known>>,
    rootfs: RootFileSystems,
}

/// What is read once of each image.
#[derive(Clone)]
struct Known {
    config: Arc<ImageConfig>,
    size: u64,
}

impl Images {
    /// Opens the store, makes it if missing, and removes what an earlier process left half-made or unused.
    pub fn open(settings: Settings, events: Arc<Events>) -> Result<Self> {
        let folder = Folder::open(&settings.root)?;
        let images = Self(Arc::new(Inner {
            blobs: Blobs::open(&folder)?,
            layers: Layers::open(&folder)?,
            records: Records::open(&folder)?,
            holds: Holds::default(),
            events,
            users: OnceLock::new(),
            host: host_image(),
            insecure: ArcSwap::from_pointee(settings.insecure_registries),
            known: Mutex::default(),
            rootfs: RootFileSystems::open(&folder, settings.hidden)?,
            folder,
        }));
        images.0.sweep()?;
        Ok(images)
    }

    /// Says who knows which containers use images. Only the first call counts.
    pub fn set_users(&self, users: Arc<dyn ImageUsers>) {
        let _ = self.0.users.set(users);
    }

    /// Replaces the registries that may be asked without TLS, at a reload.
    pub fn set_insecure_registries(&self, registries: Vec<String>) {
        self.0.insecure.store(Arc::new(registries));
    }

    /// One image by name, id, or the beginning of an id, with or without `sha256:`.
    pub fn image(&self, term: &str) -> Result<Image> {
        let id = self.find(term)?;
        self.by_id(&id)
    }

    /// One image by its whole id.
    pub fn by_id(&self, id: &ImageId) -> Result<Image> {
        let state = self.0.records.now();
        if *id == self.0.host.id {
            return Ok(self.host(&state));
        }
        let record = state.images.get(id).ok_or_else(|| Error::NoImage(id.to_string()))?;
        self.0.show(&state, *id, record)
    }

    /// Every image, the built-in one too. One that cannot be read is left out, and the log says so.
    pub fn images(&self) -> Vec<Image> {
        let state = self.0.records.now();
        let shown = state.images.iter().filter_map(|(id, record)| {
            let shown = self.0.show(&state, *id, record);
            shown.inspect_err(|error| tracing::warn!(%error, image = %id, "an image cannot be read")).ok()
        });
        shown.chain([self.host(&state)]).collect()
    }

    /// The image's configuration as it came, to the byte. The built-in image has none.
    pub fn raw_config(&self, id: &ImageId) -> Result<Vec<u8>> {
        self.0.blobs.read(id.digest())
    }

    /// The root file systems of containers.
    pub fn rootfs(&self) -> &RootFileSystems {
        &self.0.rootfs
    }

    pub(crate) fn find(&self, term: &str) -> Result<ImageId> {
        let state = self.0.records.now();
        if let Some(digest) = term.parse().ok().or_else(|| Digest::from_hex(term)) {
            let id = ImageId::from(digest);
            let known = state.images.contains_key(&id) || id == host_id();
            return if known { Ok(id) } else { Err(Error::NoImage(format!("sha256:{}", digest.hex()))) };
        }
        let prefix = term.strip_prefix("sha256:").unwrap_or(term);
        match Reference::parse(term) {
            Ok(reference) => {
                let reference = reference.or_latest();
                let named = state.named(&reference).or_else(|| self.0.beginning_with(&state, prefix));
                named.ok_or_else(|| Error::NoImage(reference.familiar()))
            }
            Err(error) => self.0.beginning_with(&state, prefix).ok_or(Error::Reference(error)),
        }
    }
}

impl State {
    /// The image a name means.
    pub(crate) fn named(&self, reference: &Reference) -> Option<ImageId> {
        if host_name().as_ref() == Some(reference) {
            return Some(host_id());
        }
        match reference.digest() {
            Some(digest) => self.digests.get(&reference.at(digest)).copied(),
            None => self.tags.get(reference).copied(),
        }
    }
}

impl Inner {
    pub(crate) fn insecure_registries(&self) -> Arc<Vec<String>> {
        self.insecure.load_full()
    }

    pub(crate) fn show(&self, state: &State, id: ImageId, record: &ImageRecord) -> Result<Image> {
        let known = self.known(id, record)?;
        let names = |map: &BTreeMap<Reference, ImageId>| {
            map.iter().filter(|(_, of)| **of == id).map(|(name, _)| name.clone()).collect()
        };
        Ok(Image {
            id,
            config: known.config,
            tags: names(&state.tags),
            digests: names(&state.digests),
            layers: record.layers.clone(),
            size: known.size,
            tagged: record.tagged,
            built_in: false,
        })
    }

    fn known(&self, id: ImageId, record: &ImageRecord) -> Result<Known> {
        let all = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all().get(&id) {
            return Ok(known.clone());
        }
        let path = || self.folder.path("blobs/sha256").join(id.digest().hex());
        let config = ImageConfig::read(&self.blobs.read(id.digest())?).map_err(|_| Error::Damaged { path: path() })?;
        let mut size = 0;
        for diff in &record.layers {
            size += self.layers.get(*diff)?.map_or(0, |layer| layer.size);
        }
        let known = Known { config: Arc::new(config), size };
        all().insert(id, known.clone());
        Ok(known)
    }

    /// The one image whose id begins so.
    fn beginning_with(&self, state: &State, prefix: &str) -> Option<ImageId> {
        if prefix.is_empty() {
            return None;
        }
        let all = state.images.keys().copied().chain([self.host.id]);
        let mut found = all.filter(|id| id.digest().hex().starts_with(prefix));
        found.next().filter(|_| found.next().is_none())
    }

    /// Removes layers and blobs that no image, no container and no work under way needs.
    pub(crate) fn sweep(&self) -> Result<()> {
        // Whoever adds an image holds what it needs until the image is recorded, and looks for what is there already
        // only after that. While holds are frozen nothing needed is in neither place.
        let swept: Result<Vec<Scratch>> = self.holds.frozen(|held| {
            let used = self.rootfs.layers_in_use()?;
            let state = self.records.now();
            let images = state.images.values().flat_map(|image| image.layers.iter().copied());
            let layers: BTreeSet<Digest> = images.chain(used).collect();
            let swept = self.layers.sweep(&self.folder, |diff| layers.contains(&diff) || held(diff))?;
            let mut blobs: BTreeSet<Digest> = state.images.keys().map(ImageId::digest).collect();
            blobs.extend(state.images.values().flat_map(|image| &image.manifests));
            for diff in layers {
                blobs.extend(self.layers.get(diff)?.map(|layer| layer.blob));
            }
            self.blobs.sweep(|digest| blobs.contains(&digest) || held(digest))?;
            self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| state.images.contains_key(id));
            Ok(swept)
        });
        // The slow part, while others go on.
        drop(swept?);
        Ok(())
    }
}
