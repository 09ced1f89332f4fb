//! Archives of images become images: `docker load`.
//!
//! Owns both forms, that of `docker save` and the OCI layout. The archive is written down file by file as it comes,
//! because what says how its files belong together may come last. Must never trust a name or digest in it.

mod archive;
mod docker;
mod layout;

use crate::config::ImageConfig;
use crate::images::Inner;
use crate::import::{NewImage, refuse_host};
use crate::progress::{Listener, Progress, tell};
use crate::store::Hold;
use crate::{Error, ImageId, Images, Reference, Result};
use archive::Archive;
use std::io::Read;

/// Most layers that a mount takes, as in Docker.
pub(crate) const MOST_LAYERS: usize = 127;

impl Images {
    /// Reads an archive to its end and makes images of it. `quiet` leaves out how far each layer is. An image that cannot
    /// be read ends the work; those before it stay.
    pub fn load(&self, archive: impl Read, quiet: bool, listener: &mut Listener<'_>) -> Result<Vec<ImageId>> {
        let archive = Archive::read(&self.0.folder, archive)?;
        let mut loading = Loading { inner: &self.0, archive, hold: self.0.holds.begin(), quiet, listener };
        if loading.archive.has("manifest.json") {
            loading.docker()
        } else if loading.archive.has("index.json") {
            loading.layout()
        } else {
            Err(Error::NotAnImage("there is neither manifest.json nor index.json in the archive".into()))
        }
    }
}

/// Work on one archive.
struct Loading<'a, 'b> {
    inner: &'a Inner,
    archive: Archive,
    hold: Hold,
    quiet: bool,
    listener: &'a mut Listener<'b>,
}

/// An image of the archive.
struct Found {
    config: Vec<u8>,
    /// Its layers' files, the lowest first.
    layers: Vec<String>,
    names: Vec<Reference>,
    manifest: Option<Vec<u8>>,
}

impl Loading<'_, '_> {
    fn add(&mut self, found: Found) -> Result<ImageId> {
        for name in &found.names {
            refuse_host(Some(name))?;
        }
        let config = read_config(&found.config)?;
        let expected = config.rootfs.diff_ids;
        if expected.len() != found.layers.len() {
            let (want, have) = (expected.len(), found.layers.len());
            let text = format!("invalid manifest, layers length mismatch: expected {want}, got {have}");
            return Err(Error::NotAnImage(text));
        }
        for (diff, path) in expected.iter().zip(&found.layers) {
            self.add_layer(*diff, path)?;
        }
        let manifest = match found.manifest {
            Some(bytes) => {
                self.hold.add(crate::Digest::of(&bytes));
                Some(self.inner.blobs.put(&self.inner.folder, &bytes)?)
            }
            None => None,
        };
        let new = NewImage { layers: expected, manifest, tags: found.names.clone(), digests: Vec::new() };
        let done = self.inner.register(&found.config, new, &mut self.hold)?;
        for (name, before) in done.moved {
            let name = name.familiar();
            self.say(format!(
                "The image {name} already exists, renaming the old one with ID {before} to empty string\n"
            ))?;
        }
        for name in &found.names {
            self.say(format!("Loaded image: {}\n", name.familiar()))?;
        }
        if found.names.is_empty() {
            self.say(format!("Loaded image ID: {}\n", done.id))?;
        }
        self.inner.tell("load", done.id, &done.id.to_string());
        Ok(done.id)
    }

    fn add_layer(&mut self, diff: crate::Digest, path: &str) -> Result<()> {
        self.hold.add(diff);
        if self.inner.layers.get(diff)?.is_some() {
            return Ok(());
        }
        let file = self.archive.take(path)?;
        let (id, size) = (diff.short(), file.length);
        self.step(&id, 0, size)?;
        self.inner.layers.add(&self.inner.folder, &self.inner.blobs, file, Some(diff), &mut self.hold)?;
        self.step(&id, size, size)
    }

    fn say(&mut self, text: String) -> Result<()> {
        tell(self.listener, Progress::Said(text))
    }

    fn step(&mut self, id: &str, done: u64, all: u64) -> Result<()> {
        if self.quiet { Ok(()) } else { tell(self.listener, Progress::amount(id, "Loading layer", done, all)) }
    }
}

/// Reads a configuration and refuses what cannot be an image here.
pub(crate) fn read_config(bytes: &[u8]) -> Result<ImageConfig> {
    let config =
        ImageConfig::read(bytes).map_err(|error| Error::NotAnImage(format!("read its configuration: {error}")))?;
    match config.os.as_str() {
        "" | "linux" => {}
        other => return Err(Error::OperatingSystem { os: other.to_owned() }),
    }
    if config.rootfs.diff_ids.len() > MOST_LAYERS {
        return Err(Error::TooDeep);
    }
    Ok(config)
}
