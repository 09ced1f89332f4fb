//! Images from registries: `docker pull` and the check of `docker login`.
//!
//! The only part that is asynchronous inside: each call has a small runtime of its own on the caller's thread, and blocks
//! as all others do. Must never trust a digest that a registry states.

mod download;
mod error;
mod registry;

pub use error::PullError;

use crate::images::Inner;
use crate::import::{NewImage, refuse_host};
use crate::load::read_config;
use crate::manifest::{Document, Manifest};
use crate::progress::{Listener, Progress, tell};
use crate::store::Hold;
use crate::{Digest, ImageId, Images, Reference, Result, platform};
use download::Download;
use pontoon_types::EventSubject;
use registry::Registry;

/// Who asks a registry.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// Name of the user; empty for nobody in particular.
    pub user: String,
    /// The password.
    pub password: String,
    /// A token in their place.
    pub token: String,
}

/// Without what nobody may read in a log.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Work on one image.
struct Pulling<'a, 'b> {
    inner: &'a Inner,
    registry: Registry,
    hold: Hold,
    listener: &'a mut Listener<'b>,
}

impl Images {
    /// Brings an image from its registry; without a tag or digest the tag `latest`. Layers that are here are not brought
    /// again. On failure nothing is left.
    pub fn pull(&self, name: Reference, login: &Login, listener: &mut Listener<'_>) -> Result<ImageId> {
        let name = name.or_latest();
        refuse_host(Some(&name))?;
        let registry = Registry::new(&name, login, &self.0.insecure_registries())?;
        let hold = self.0.holds.begin();
        Pulling { inner: &self.0, registry, hold, listener }.pull(&name)
    }

    /// Whether a registry knows this user. Docker's text for the user is the answer.
    pub fn login(&self, server: &str, login: &Login) -> Result<&'static str> {
        registry::check_login(server, login, &self.0.insecure_registries())?;
        Ok("Login Succeeded")
    }
}

impl Pulling<'_, '_> {
    fn pull(mut self, name: &Reference) -> Result<ImageId> {
        let (top, bytes) = self.manifest(name)?;
        let what = name.tag().map_or_else(|| top.to_string(), ToOwned::to_owned);
        let from = Progress::Status { id: Some(what), status: format!("Pulling from {}", name.path()), amount: None };
        tell(self.listener, from)?;
        let (manifest, bytes) = self.choose(name, bytes)?;
        self.hold.add(Digest::of(&bytes));
        let config = self.registry.small_blob(&manifest.config)?;
        let diffs = read_config(&config)?.rootfs.diff_ids;
        if diffs.len() != manifest.layers.len() {
            return Err(PullError::Layers { expected: diffs.len(), found: manifest.layers.len() }.into());
        }
        let brought = self.layers(&manifest, &diffs)?;
        let manifest = self.inner.blobs.put(&self.inner.folder, &bytes)?;
        let tag = name.tag().filter(|_| name.digest().is_none()).map(|_| name.clone());
        let before = self.inner.records.now();
        let new = NewImage {
            layers: diffs,
            manifest: Some(manifest),
            tags: tag.clone().into_iter().collect(),
            digests: vec![name.at(top)],
        };
        let id = self.inner.register(&config, new, &mut self.hold)?.id;
        let had = before.named(tag.as_ref().unwrap_or(name)) == Some(id);
        self.finish(name, top, id, brought || !had)
    }

    fn finish(&mut self, name: &Reference, top: Digest, id: ImageId, news: bool) -> Result<ImageId> {
        let familiar = name.familiar();
        let attributes = [("name", name.familiar_name())];
        let attributes = attributes.each_ref().map(|(key, value)| (*key, value.as_str()));
        self.inner.events.publish(EventSubject::Image, "pull", familiar.clone(), &attributes);
        tell(self.listener, Progress::whole(format!("Digest: {top}")))?;
        let status = if news { "Downloaded newer image" } else { "Image is up to date" };
        tell(self.listener, Progress::whole(format!("Status: {status} for {familiar}")))?;
        Ok(id)
    }

    /// What the name means at the registry, and its digest.
    fn manifest(&self, name: &Reference) -> Result<(Digest, Vec<u8>)> {
        let bytes = self.registry.manifest(name)?;
        let digest = Digest::of(&bytes);
        match name.digest() {
            Some(expected) if expected != digest => Err(crate::Error::WrongBlob { expected, found: digest }),
            _ => Ok((digest, bytes)),
        }
    }

    /// The manifest for this machine.
    fn choose(&self, name: &Reference, bytes: Vec<u8>) -> Result<(Manifest, Vec<u8>)> {
        let index = match Document::read(&bytes)? {
            Document::Manifest(manifest) => return Ok((manifest, bytes)),
            Document::Index(index) => index,
        };
        let own = || PullError::Platform { platform: format!("linux/{}", platform::architecture()) };
        let chosen = index.choose().ok_or_else(own)?;
        let (_, bytes) = self.manifest(&name.at(chosen.digest))?;
        match Document::read(&bytes)? {
            Document::Manifest(manifest) => Ok((manifest, bytes)),
            Document::Index(_) => Err(own().into()),
        }
    }

    /// Brings the layers that are not here. True if there was one.
    fn layers(&mut self, manifest: &Manifest, diffs: &[Digest]) -> Result<bool> {
        let mut missing = Vec::new();
        for (layer, diff) in manifest.layers.iter().zip(diffs) {
            self.hold.add(*diff);
            let id = layer.digest.short();
            if self.inner.layers.get(*diff)?.is_some() {
                tell(self.listener, Progress::part(&id, "Already exists"))?;
            } else {
                tell(self.listener, Progress::part(&id, "Pulling fs layer"))?;
                missing.push((layer, *diff, id));
            }
        }
        for (layer, diff, id) in &missing {
            let blob = Download::new(&self.registry, layer, self.listener)?.into_blob(&self.inner.folder)?;
            tell(self.listener, Progress::part(id, "Verifying Checksum"))?;
            tell(self.listener, Progress::part(id, "Download complete"))?;
            tell(self.listener, Progress::amount(id, "Extracting", 0, layer.size))?;
            self.inner.layers.add(&self.inner.folder, &self.inner.blobs, blob, Some(*diff), &mut self.hold)?;
            tell(self.listener, Progress::part(id, "Pull complete"))?;
        }
        Ok(!missing.is_empty())
    }
}
