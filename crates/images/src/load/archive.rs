//! The files of an archive of images, each written down beside the store with its digest.

use crate::layer::{Decoder, Entries};
use crate::store::{Folder, Spooled};
use crate::{Digest, Error, Result, UnpackError};
use std::collections::BTreeMap;
use std::io::Read;
use tar::EntryType;

/// More files than any archive of images has.
const MOST_FILES: usize = 100_000;
/// More than any configuration, manifest or index has.
const MOST_TEXT: u64 = 8 << 20;

/// The files by their names.
pub(super) struct Archive(BTreeMap<String, Item>);

enum Item {
    File(Spooled),
    /// Another name of a file: `docker save` once wrote equal layers so.
    Link(String),
}

impl Archive {
    /// Writes down all files of the stream.
    pub(super) fn read(folder: &Folder, stream: impl Read) -> Result<Self> {
        let broken = |cause| Error::Unpack(UnpackError::Archive(cause));
        let decoder = Decoder::new(stream).map_err(broken)?;
        let mut files = BTreeMap::new();
        Entries::over(decoder).each(|entry| {
            let path = entry.path_bytes().into_owned();
            let name = clean(&path, "").ok_or_else(|| Error::Unpack(UnpackError::outside(&path)))?;
            if files.len() >= MOST_FILES {
                return Err(Error::NotAnImage(format!("more than {MOST_FILES} files in the archive")));
            }
            match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous => {
                    files.insert(name, Item::File(Spooled::read(folder, entry)?));
                }
                kind @ (EntryType::Symlink | EntryType::Link) => {
                    let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                    let beside = if kind == EntryType::Symlink { parent(&name) } else { "" };
                    let target = clean(&target, beside).ok_or_else(|| Error::Unpack(UnpackError::outside(&path)))?;
                    files.insert(name, Item::Link(target));
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self(files))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.resolve(name).is_ok()
    }

    /// A small file as a whole; it stays.
    pub(super) fn text(&self, name: &str) -> Result<Vec<u8>> {
        let name = self.resolve(name)?;
        let Some(Item::File(file)) = self.0.get(&name) else { return Err(missing(&name)) };
        if file.length > MOST_TEXT {
            return Err(Error::NotAnImage(format!("{name} is too large")));
        }
        let mut bytes = Vec::new();
        file.open()?.read_to_end(&mut bytes).map_err(|cause| Error::Receive { cause })?;
        Ok(bytes)
    }

    /// A file, which is then no longer in the archive.
    pub(super) fn take(&mut self, name: &str) -> Result<Spooled> {
        let name = self.resolve(name)?;
        let Some(Item::File(file)) = self.0.remove(&name) else { return Err(missing(&name)) };
        check(&name, file.digest)?;
        Ok(file)
    }

    /// The name of the file itself.
    fn resolve(&self, name: &str) -> Result<String> {
        let mut at = clean(name.as_bytes(), "").ok_or_else(|| missing(name))?;
        // Far more than any real archive needs; a circle ends here.
        for _ in 0..8 {
            match self.0.get(&at) {
                Some(Item::File(_)) => return Ok(at),
                Some(Item::Link(target)) => at = target.clone(),
                None => break,
            }
        }
        Err(missing(name))
    }
}

/// A file whose name is a digest has that digest.
pub(super) fn check(name: &str, digest: Digest) -> Result<()> {
    match name.strip_prefix("blobs/sha256/").map(|hex| (hex, Digest::from_hex(hex))) {
        Some((_, Some(expected))) if expected != digest => Err(Error::WrongBlob { expected, found: digest }),
        Some((hex, None)) => Err(Error::NotAnImage(format!("blobs/sha256/{hex} is no digest"))),
        _ => Ok(()),
    }
}

fn missing(name: &str) -> Error {
    Error::NotAnImage(format!("{name} is missing in the archive"))
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A clean path within the archive; `None` if it leads out or is no text.
fn clean(path: &[u8], beside: &str) -> Option<String> {
    let path = std::str::from_utf8(path).ok()?;
    let start = if path.starts_with('/') { "" } else { beside };
    let mut parts: Vec<&str> = start.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_links_stay_in_the_archive() {
        for (path, beside, name) in [
            ("a/b", "", Some("a/b")),
            ("./a//b/", "x", Some("x/a/b")),
            ("../b/layer.tar", "a", Some("b/layer.tar")),
            ("../../b", "a", None),
            ("/b", "a", Some("b")),
        ] {
            assert_eq!(clean(path.as_bytes(), beside).as_deref(), name, "{path}");
        }
        assert_eq!(clean(b"\xff", ""), None);
    }
}
