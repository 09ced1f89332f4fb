//! Archives for tests, written entry by entry.

use pontoon_images::{Digest, architecture};
use serde_json::{Value, json};
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// An archive in the making.
pub struct Archive(Builder<Vec<u8>>);

impl Archive {
    pub fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    pub fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(name, EntryType::Regular, 0o644, content)
    }

    pub fn folder(self, name: &str, mode: u32) -> Self {
        self.entry(name, EntryType::Directory, mode, b"")
    }

    pub fn symlink(self, name: &str, to: &str) -> Self {
        self.link(name, EntryType::Symlink, to)
    }

    pub fn hard_link(self, name: &str, to: &str) -> Self {
        self.link(name, EntryType::Link, to)
    }

    pub fn entry(mut self, name: &str, kind: EntryType, mode: u32, content: &[u8]) -> Self {
        let mut header = header(kind, mode, content.len() as u64);
        raw_name(&mut header, name);
        self.0.append(&header, content).unwrap();
        self
    }

    pub fn device(mut self, name: &str, kind: EntryType, major: u32, minor: u32) -> Self {
        let mut header = header(kind, 0o600, 0);
        raw_name(&mut header, name);
        header.set_device_major(major).unwrap();
        header.set_device_minor(minor).unwrap();
        header.set_cksum();
        self.0.append(&header, &[][..]).unwrap();
        self
    }

    /// A file with owner, time and pax records.
    pub fn special(mut self, name: &str, owner: (u64, u64), mode: u32, records: &[(&str, &[u8])]) -> Self {
        self.0.append_pax_extensions(records.iter().copied()).unwrap();
        let mut header = header(EntryType::Regular, mode, 1);
        raw_name(&mut header, name);
        header.set_uid(owner.0);
        header.set_gid(owner.1);
        header.set_cksum();
        self.0.append(&header, &b"x"[..]).unwrap();
        self
    }

    /// A file whose writer left out what is 0.
    pub fn bare(mut self, name: &str) -> Self {
        let mut header = header(EntryType::Regular, 0, 0);
        raw_name(&mut header, name);
        let fields = header.as_old_mut();
        (fields.uid, fields.gid, fields.mode) = ([0; 8], [b' '; 8], [0; 8]);
        header.set_cksum();
        self.0.append(&header, &[][..]).unwrap();
        self
    }

    /// A file whose name needs an extension.
    pub fn long(mut self, name: &str, content: &[u8]) -> Self {
        let mut header = header(EntryType::Regular, 0o644, content.len() as u64);
        self.0.append_data(&mut header, Path::new(name), content).unwrap();
        self
    }

    pub fn end(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }

    fn link(mut self, name: &str, kind: EntryType, to: &str) -> Self {
        let mut header = header(kind, 0o777, 0);
        raw_name(&mut header, name);
        header.as_old_mut().linkname[..to.len()].copy_from_slice(to.as_bytes());
        header.set_cksum();
        self.0.append(&header, &[][..]).unwrap();
        self
    }
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(1_600_000_000);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    header
}

/// Whatever the name is: the library itself refuses those that lead out.
fn raw_name(header: &mut Header, name: &str) {
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
}

/// A configuration of an image with these layers.
pub fn config(layers: &[Vec<u8>]) -> Vec<u8> {
    let diffs: Vec<String> = layers.iter().map(|layer| Digest::of(layer).to_string()).collect();
    let history: Vec<_> = layers.iter().map(|_| json!({"created_by": "a test"})).collect();
    json!({"architecture": architecture(), "os": "linux", "config": {"Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": diffs}, "history": history})
    .to_string()
    .into_bytes()
}

/// One image as `docker save` wrote it before version 25.
pub fn docker_archive(layers: &[Vec<u8>], tags: &[&str]) -> Archive {
    let config = config(layers);
    let name = format!("{}.json", Digest::of(&config).hex());
    let paths: Vec<String> = (0..layers.len()).map(|number| format!("{number}/layer.tar")).collect();
    let manifest = json!([{"Config": name, "RepoTags": tags, "Layers": paths}]).to_string();
    let mut archive = Archive::new();
    for (path, layer) in paths.iter().zip(layers) {
        archive = archive.file(path, layer);
    }
    archive.file(&name, &config).file("manifest.json", manifest.as_bytes())
}

/// A blob of an OCI layout, and its descriptor.
pub fn blob(archive: Archive, media_type: &str, bytes: &[u8]) -> (Archive, Value) {
    let digest = Digest::of(bytes);
    let descriptor = json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
    (archive.file(&format!("blobs/sha256/{}", digest.hex()), bytes), descriptor)
}
