//! A plain archive of a root file system becomes an image: `docker import`.

use crate::config::{HistoryEntry, ImageConfig, RootfsConfig};
use crate::images::Inner;
use crate::instruction::change_config;
use crate::store::{Hold, ImageRecord, Spooled};
use crate::{Digest, Error, ImageId, Images, Reference, Result, platform};
use pontoon_types::EventSubject;
use std::io::Read;
use std::time::SystemTime;

/// What is said of an archive to import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// The name to give.
    pub name: Option<Reference>,
    /// What to say of it.
    pub message: String,
    /// Lines as in a Dockerfile that change its configuration.
    pub changes: Vec<String>,
}

/// An image about to be recorded.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewImage {
    pub(crate) layers: Vec<Digest>,
    pub(crate) manifest: Option<Digest>,
    pub(crate) tags: Vec<Reference>,
    pub(crate) digests: Vec<Reference>,
}

/// What recording did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registered {
    pub(crate) id: ImageId,
    /// Names that meant other images before.
    pub(crate) moved: Vec<(Reference, ImageId)>,
}

impl Images {
    /// Reads an archive to its end and makes an image of it. Nothing is left of one that cannot be read.
    pub fn import(&self, archive: impl Read, import: Import) -> Result<ImageId> {
        let mut config = ImageConfig {
            architecture: platform::architecture().into(),
            os: "linux".into(),
            comment: import.message.clone(),
            ..ImageConfig::default()
        };
        change_config(&mut config.config, &import.changes)?;
        let name = import.name.map(Reference::or_latest);
        refuse_host(name.as_ref())?;
        let inner = &self.0;
        let mut hold = inner.holds.begin();
        let archive = Spooled::read(&inner.folder, archive)?;
        let layer = inner.layers.add(&inner.folder, &inner.blobs, archive, None, &mut hold)?;
        let created = Some(platform::now());
        config.created = created.clone();
        config.rootfs = RootfsConfig { diff_ids: vec![layer.diff], ..RootfsConfig::default() };
        config.history = vec![HistoryEntry { created, comment: import.message, ..HistoryEntry::default() }];
        let bytes = serde_json::to_vec(&config).map_err(|error| Error::Change(error.to_string()))?;
        let tags: Vec<Reference> = name.into_iter().collect();
        let new = NewImage { layers: vec![layer.diff], tags: tags.clone(), ..NewImage::default() };
        let id = inner.register(&bytes, new, &mut hold)?.id;
        tags.iter().for_each(|name| inner.tell("tag", id, &name.familiar()));
        inner.tell("import", id, &id.to_string());
        Ok(id)
    }

    /// Makes the root file system of a new container.
    pub fn create_rootfs(&self, container: &str, image: &ImageId) -> Result<()> {
        let mut hold = self.0.holds.begin();
        for layer in self.by_id(image)?.layers {
            hold.add(layer);
        }
        // Again: now it cannot go.
        let image = self.by_id(image)?;
        self.rootfs().create(&self.0, container, &image)
    }
}

/// The name of the built-in image is not given to another.
pub(crate) fn refuse_host(name: Option<&Reference>) -> Result<()> {
    if name.is_some() && name == crate::host::host_name().as_ref() {
        return Err(Error::BuiltIn(
            "host:latest is the built-in image of this machine's own root; choose another name",
        ));
    }
    Ok(())
}

impl Inner {
    /// Records an image whose layers are there, under its names. The configuration is kept as it is, to the byte.
    pub(crate) fn register(&self, config: &[u8], new: NewImage, hold: &mut Hold) -> Result<Registered> {
        let digest = Digest::of(config);
        hold.add(digest);
        self.blobs.put(&self.folder, config)?;
        let id = ImageId::from(digest);
        let moved = self.records.change(&self.folder, |state| {
            let record = state.images.entry(id).or_insert_with(|| ImageRecord {
                layers: new.layers,
                manifests: Vec::new(),
                tagged: None,
            });
            if let Some(manifest) = new.manifest.filter(|manifest| !record.manifests.contains(manifest)) {
                record.manifests.push(manifest);
            }
            if !new.tags.is_empty() {
                record.tagged = Some(SystemTime::now());
            }
            let mut moved = Vec::new();
            for name in new.tags {
                match state.tags.insert(name.clone(), id) {
                    Some(before) if before != id => moved.push((name, before)),
                    _ => {}
                }
            }
            for name in new.digests {
                state.digests.insert(name, id);
            }
            Ok(moved)
        })?;
        Ok(Registered { id, moved })
    }

    /// Announces what happened to an image.
    pub(crate) fn tell(&self, action: &str, id: ImageId, name: &str) {
        self.events.publish(EventSubject::Image, action, id.to_string(), &[("name", name)]);
    }
}
