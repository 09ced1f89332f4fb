//! Images become an archive: `docker save`, in the form that Docker writes since version 25.
//!
//! It is an OCI layout and has `manifest.json` as well, so that older Dockers and other tools read it. Equal images make
//! equal archives, to the byte.

use crate::digest::Hashing;
use crate::layer::Decoder;
use crate::manifest::{CONFIG, Descriptor, INDEX, LAYER, MANIFEST};
use crate::store::{Hold, LayerRecord};
use crate::{Digest, Error, Image, ImageId, Images, Reference, Result};
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use tar::{Builder, EntryType, Header};

/// Images chosen for an archive. They stay until this is dropped.
pub struct Export {
    images: Images,
    chosen: Vec<Chosen>,
    _hold: Hold,
}

/// One image and the names it is saved under.
struct Chosen {
    image: Image,
    names: BTreeSet<Reference>,
}

/// One image of `manifest.json`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
    layer_sources: BTreeMap<Digest, Descriptor>,
}

impl Images {
    /// Chooses images by names or ids. A name without a tag means all tags of it.
    pub fn export(&self, terms: &[String]) -> Result<Export> {
        let mut hold = self.0.holds.begin();
        let mut chosen: Vec<Chosen> = Vec::new();
        for term in terms {
            for (id, name) in self.meant(term)? {
                match chosen.iter_mut().find(|known| known.image.id == id) {
                    Some(known) => known.names.extend(name),
                    None => chosen.push(Chosen { image: self.hold(id, &mut hold)?, names: name.into_iter().collect() }),
                }
            }
        }
        Ok(Export { images: self.clone(), chosen, _hold: hold })
    }

    fn meant(&self, term: &str) -> Result<Vec<(ImageId, Option<Reference>)>> {
        let state = self.0.records.now();
        if let Ok(reference) = Reference::parse(term) {
            if reference.tag().is_none() && reference.digest().is_none() {
                let of = state.tags.iter().filter(|(name, _)| name.repository() == reference);
                let all: Vec<_> = of.map(|(name, id)| (*id, Some(name.clone()))).collect();
                if !all.is_empty() {
                    return Ok(all);
                }
            }
            if let Some(id) = state.named(&reference.clone().or_latest()) {
                return Ok(vec![(id, reference.tag().map(|_| reference.clone()))]);
            }
        }
        Ok(vec![(self.find(term)?, None)])
    }

    fn hold(&self, id: ImageId, hold: &mut Hold) -> Result<Image> {
        let image = self.by_id(&id)?;
        if image.built_in {
            return Err(Error::BuiltIn("the image host is this machine's own root and cannot be saved"));
        }
        hold.add(id.digest());
        for diff in &image.layers {
            hold.add(*diff);
            if let Some(layer) = self.0.layers.get(*diff)? {
                hold.add(layer.blob);
            }
        }
        // Again: now it cannot go.
        self.by_id(&id)
    }
}

impl Export {
    /// The images, each with the names it is saved under.
    fn layers(&self, image: &Image) -> Result<Vec<LayerRecord>> {
        let get = |diff: &Digest| self.images.0.layers.get(*diff)?.ok_or_else(|| Error::NoImage(image.id.to_string()));
        image.layers.iter().map(get).collect()
    }

    /// Writes the archive.
    pub fn write(&self, to: impl Write) -> Result<()> {
        let mut archive = Writer { archive: Builder::new(to), written: BTreeSet::new() };
        archive.folder("blobs/")?;
        archive.folder("blobs/sha256/")?;
        let (mut items, mut manifests) = (Vec::new(), Vec::new());
        let mut repositories: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for Chosen { image, names } in &self.chosen {
            let config = self.images.raw_config(&image.id)?;
            let layers = self.layers(image)?;
            for layer in &layers {
                self.write_layer(&mut archive, layer)?;
            }
            archive.blob(&config)?;
            let descriptors: Vec<Descriptor> =
                layers.iter().map(|l| described(LAYER, l.diff, l.archive_size)).collect();
            let manifest = json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": described(CONFIG, image.id.digest(), config.len() as u64),
                "layers": descriptors,
            });
            let manifest = text(&manifest)?;
            let found = described(MANIFEST, archive.blob(&manifest)?, manifest.len() as u64);
            manifests.extend(announced(&found, names));
            for name in names {
                if let (Some(tag), Some(top)) = (name.tag(), layers.last()) {
                    repositories.entry(name.familiar_name()).or_default().insert(tag.to_owned(), top.diff.hex());
                }
            }
            items.push(Item {
                config: path(image.id.digest()),
                repo_tags: Some(names.iter().map(Reference::familiar).collect())
                    .filter(|names: &Vec<_>| !names.is_empty()),
                layers: layers.iter().map(|layer| path(layer.diff)).collect(),
                layer_sources: layers.iter().zip(descriptors).map(|(layer, from)| (layer.diff, from)).collect(),
            });
        }
        archive.file("index.json", &text(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}))?)?;
        archive.file("manifest.json", &text(&items)?)?;
        archive.file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        if !repositories.is_empty() {
            archive.file("repositories", &text(&repositories)?)?;
        }
        archive.archive.into_inner().and_then(|mut to| to.flush()).map_err(sent)?;
        for Chosen { image, names } in &self.chosen {
            let name = names.first().map_or_else(|| image.id.to_string(), Reference::familiar);
            self.images.0.tell("save", image.id, &name);
        }
        Ok(())
    }

    /// Writes a layer's archive as it was before it was compressed, and makes sure that it is.
    fn write_layer(&self, archive: &mut Writer<impl Write>, layer: &LayerRecord) -> Result<()> {
        if !archive.written.insert(layer.diff) {
            return Ok(());
        }
        let path = path(layer.diff);
        let damaged = || Error::Damaged { path: self.images.0.folder.path(&self::path(layer.blob)) };
        let decoder = Decoder::new(self.images.0.blobs.get(layer.blob)?).map_err(|_| damaged())?;
        let mut reader = Hashing::new(decoder.take(layer.archive_size));
        archive.append(&path, layer.archive_size, &mut reader)?;
        let (_, found, length) = reader.finish();
        if (found, length) == (layer.diff, layer.archive_size) { Ok(()) } else { Err(damaged()) }
    }
}

/// The manifest once for each name, or once without one.
fn announced(manifest: &Descriptor, names: &BTreeSet<Reference>) -> Vec<Descriptor> {
    if names.is_empty() {
        return vec![manifest.clone()];
    }
    let named = names.iter().map(|name| {
        let whole = ("io.containerd.image.name".to_owned(), name.to_string());
        let tag = name.tag().map(|tag| ("org.opencontainers.image.ref.name".to_owned(), tag.to_owned()));
        Descriptor { annotations: [Some(whole), tag].into_iter().flatten().collect(), ..manifest.clone() }
    });
    named.collect()
}

fn described(media_type: &str, digest: Digest, size: u64) -> Descriptor {
    Descriptor { media_type: media_type.into(), digest, size, annotations: BTreeMap::new(), platform: None }
}

fn path(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn text(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| sent(error.into()))
}

/// The archive could not be handed over.
fn sent(cause: io::Error) -> Error {
    Error::Send { cause }
}

/// An archive of which each blob is written once.
struct Writer<W: Write> {
    archive: Builder<W>,
    written: BTreeSet<Digest>,
}

impl<W: Write> Writer<W> {
    fn folder(&mut self, name: &str) -> Result<()> {
        let mut header = header(EntryType::Directory, 0o755, 0);
        self.archive.append_data(&mut header, name, io::empty()).map_err(sent)
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.append(name, bytes.len() as u64, bytes)
    }

    fn blob(&mut self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        if self.written.insert(digest) {
            self.file(&path(digest), bytes)?;
        }
        Ok(digest)
    }

    fn append(&mut self, name: &str, size: u64, from: impl Read) -> Result<()> {
        self.archive.append_data(&mut header(EntryType::Regular, 0o644, size), name, from).map_err(sent)
    }
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}
