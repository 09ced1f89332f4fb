//! A file or folder of a container as a tar stream, with owners, times, links, devices and capabilities.

use super::path::Asked;
use crate::{Error, Result};
use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};

/// The extended attribute that belongs to a program as much as its permissions do.
const CAPABILITY: &str = "security.capability";

/// Writes what is at `asked` to `to`. Names begin with its last part.
pub(super) fn pack(asked: &Asked, real: &Path, to: impl Write) -> Result<()> {
    packed(to, |packing| packing.tree(real, asked.name()))
        .map_err(Error::file(format!("pack {}", asked.path.display())))
}

/// Writes everything in the root to `to`, under names from there.
pub(super) fn pack_all(to: impl Write) -> Result<()> {
    let all = |packing: &mut Packing<_>| {
        for entry in std::fs::read_dir("/")? {
            let entry = entry?;
            packing.tree(&entry.path(), entry.file_name().into())?;
        }
        Ok(())
    };
    packed(to, all).map_err(Error::file("pack the container's files"))
}

type Buffered<W> = io::BufWriter<W>;

fn packed<W: Write>(to: W, act: impl FnOnce(&mut Packing<Buffered<W>>) -> io::Result<()>) -> io::Result<()> {
    let builder = Builder::new(io::BufWriter::with_capacity(64 << 10, to));
    let mut packing = Packing { builder, linked: HashMap::new() };
    act(&mut packing)?;
    packing.builder.into_inner()?.flush()
}

struct Packing<W: Write> {
    builder: Builder<W>,
    /// Files with several names, under which they were packed first.
    linked: HashMap<(u64, u64), PathBuf>,
}

impl<W: Write> Packing<W> {
    /// Packs `from` as `name`, and what is in it.
    fn tree(&mut self, from: &Path, name: PathBuf) -> io::Result<()> {
        let mut todo = vec![(from.to_owned(), name)];
        while let Some((from, name)) = todo.pop() {
            let meta = match std::fs::symlink_metadata(&from) {
                Ok(meta) => meta,
                // It has gone meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            self.entry(&from, &name, &meta)?;
            if meta.is_dir() {
                let mut entries: Vec<_> = std::fs::read_dir(&from)?.collect::<io::Result<_>>()?;
                entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
                todo.extend(entries.iter().map(|entry| (entry.path(), name.join(entry.file_name()))));
            }
        }
        Ok(())
    }

    fn entry(&mut self, from: &Path, name: &Path, meta: &Metadata) -> io::Result<()> {
        let kind = meta.file_type();
        let mut header = Header::new_gnu();
        header.set_metadata(meta);
        header.set_size(0);
        if meta.is_dir() {
            return self.builder.append_data(&mut header, folder_name(name), io::empty());
        }
        if kind.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            return self.builder.append_link(&mut header, name, std::fs::read_link(from)?);
        }
        if kind.is_socket() {
            // It is nothing without who listens.
            return Ok(());
        }
        if meta.nlink() > 1
            && let Some(first) = self.linked.insert((meta.dev(), meta.ino()), name.to_owned())
        {
            header.set_entry_type(EntryType::Link);
            self.builder.append_link(&mut header, name, &first)?;
            self.linked.insert((meta.dev(), meta.ino()), first);
            return Ok(());
        }
        if kind.is_char_device() || kind.is_block_device() || kind.is_fifo() {
            return self.builder.append_data(&mut header, name, io::empty());
        }
        self.file(from, name, meta, header)
    }

    fn file(&mut self, from: &Path, name: &Path, meta: &Metadata, mut header: Header) -> io::Result<()> {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let file =
            File::options().read(true).custom_flags(i32::try_from(flags.bits()).unwrap_or_default()).open(from)?;
        let mut capability = [0; 256];
        if let Ok(length) = rustix::fs::fgetxattr(&file, CAPABILITY, &mut capability[..]) {
            let key = format!("SCHILY.xattr.{CAPABILITY}");
            self.builder.append_pax_extensions([(key.as_str(), &capability[..length])])?;
        }
        header.set_size(meta.len());
        // Exactly as many bytes as were announced, whatever happens to the file meanwhile.
        self.builder.append_data(&mut header, name, file.chain(io::repeat(0)).take(meta.len()))
    }
}

/// A folder's name ends with a slash.
fn folder_name(name: &Path) -> PathBuf {
    let mut text = name.as_os_str().to_owned();
    if name != Path::new("/") {
        text.push("/");
    }
    text.into()
}
