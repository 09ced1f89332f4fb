//! The OCI image layout: `index.json` leads to manifests, and they to configuration and layers, by digest.

use super::{Found, Loading};
use crate::manifest::{Descriptor, Document, Manifest};
use crate::{Digest, Error, ImageId, Reference, Result};

/// containerd's annotation with the whole name.
const NAME: &str = "io.containerd.image.name";
/// OCI's annotation: a tag, or a whole name.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// How deep indexes may refer to indexes.
const DEPTH: usize = 4;

impl Loading<'_, '_> {
    pub(super) fn layout(&mut self) -> Result<Vec<ImageId>> {
        let Document::Index(index) = Document::read(&self.archive.text("index.json")?)? else {
            return Err(Error::NotAnImage("index.json is no index".into()));
        };
        let mut images: Vec<(Digest, Vec<Reference>)> = Vec::new();
        for descriptor in &index.manifests {
            // Signatures and the like, for no machine.
            let Some(digest) = self.choose(descriptor)? else { continue };
            let name = name(descriptor)?;
            match images.iter_mut().find(|(known, _)| *known == digest) {
                Some((_, names)) => names.extend(name),
                None => images.push((digest, name.into_iter().collect())),
            }
        }
        if images.is_empty() {
            return Err(Error::NotAnImage("no image for this machine is in the archive".into()));
        }
        images.into_iter().map(|(digest, names)| self.image(digest, names)).collect()
    }

    /// The manifest for this machine that a descriptor leads to.
    fn choose(&self, descriptor: &Descriptor) -> Result<Option<Digest>> {
        let mut at = descriptor.clone();
        for _ in 0..DEPTH {
            if !at.is_index() {
                return Ok(at.suits().then_some(at.digest));
            }
            let Document::Index(index) = Document::read(&self.blob(at.digest)?)? else {
                return Ok(Some(at.digest));
            };
            match index.choose() {
                Some(chosen) => at = chosen.clone(),
                None => return Ok(None),
            }
        }
        Err(Error::NotAnImage("indexes refer to each other too deeply".into()))
    }

    fn image(&mut self, digest: Digest, names: Vec<Reference>) -> Result<ImageId> {
        let bytes = self.blob(digest)?;
        let Document::Manifest(Manifest { config, layers }) = Document::read(&bytes)? else {
            return Err(Error::NotAnImage(format!("{digest} is no manifest")));
        };
        let config = self.blob(config.digest)?;
        let layers = layers.iter().map(|layer| path(layer.digest)).collect();
        self.add(Found { config, layers, names, manifest: Some(bytes) })
    }

    fn blob(&self, digest: Digest) -> Result<Vec<u8>> {
        let bytes = self.archive.text(&path(digest))?;
        let found = Digest::of(&bytes);
        if found == digest { Ok(bytes) } else { Err(Error::WrongBlob { expected: digest, found }) }
    }
}

fn path(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// The name that a descriptor is annotated with; a tag alone names nothing.
fn name(descriptor: &Descriptor) -> Result<Option<Reference>> {
    let annotation = |key: &str| descriptor.annotations.get(key).map(String::as_str);
    let text = annotation(NAME).or_else(|| annotation(REF_NAME).filter(|text| text.contains([':', '/'])));
    Ok(text.map(Reference::parse).transpose()?.map(Reference::or_latest))
}
