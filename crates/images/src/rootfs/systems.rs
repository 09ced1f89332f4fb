//! Making, mounting and removing root file systems.

use super::changes::{self, Change};
use super::foundation::{self, Ground, imitate};
use super::mount::{Overlay, is_mounted, unmount};
use super::opened::{OpenRootfs, Turns};
use super::record::{Places, RootfsRecord};
use super::size::{RootfsSize, written};
use crate::host::host_id;
use crate::images::Inner;
use crate::store::{Folder, sync_folder};
use crate::{Digest, Error, Image, Result};
use rustix::fs::CWD;
use rustix::mount::OpenTreeFlags;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The root file systems of containers.
///
/// [`Images::create_rootfs`](crate::Images::create_rootfs) makes one when a container is made. From then on what it is
/// made of stays, even if the image is removed.
#[derive(Debug)]
pub struct RootFileSystems {
    path: PathBuf,
    foundations: PathBuf,
    layers: PathBuf,
    hidden: Vec<PathBuf>,
    turns: Turns,
}

impl RootFileSystems {
    pub(crate) fn open(folder: &Folder, hidden: Vec<PathBuf>) -> Result<Self> {
        let systems = Self {
            path: folder.part("rootfs")?,
            foundations: folder.part("foundations")?,
            layers: folder.part("layers")?,
            hidden,
            turns: Turns::default(),
        };
        systems.tidy()?;
        Ok(systems)
    }

    /// Mounts a container's and returns where. Mounted already, it stays as it is.
    pub fn mount(&self, container: &str) -> Result<PathBuf> {
        let turn = self.turns.of(container);
        let mut openers = turn.lock();
        let path = self.mount_now(container)?;
        openers.keep();
        Ok(path)
    }

    /// Unmounts a container's. Not mounted, or not there, is no error; who opened it keeps it until done.
    pub fn unmount(&self, container: &str) -> Result<()> {
        let turn = self.turns.of(container);
        let mut openers = turn.lock();
        if openers.release() { Ok(()) } else { self.unmount_now(container) }
    }

    /// Opens a container's to look at it or change it, whether it is mounted or not; unmounts it again at the end if
    /// nobody else needs it by then.
    pub fn open_for(self: &RootFileSystems, container: &str) -> Result<OpenRootfs<'_>> {
        let turn = self.turns.of(container);
        let mut openers = turn.lock();
        let mounted = is_mounted(&self.places(container)?.merged()).unwrap_or(false);
        let path = self.mount_now(container)?;
        openers.enter(mounted);
        drop(openers);
        Ok(OpenRootfs::new(self, container, path))
    }

    pub(super) fn close(&self, container: &str) {
        let turn = self.turns.of(container);
        let mut openers = turn.lock();
        if openers.leave()
            && let Err(error) = self.unmount_now(container)
        {
            tracing::warn!(%error, container, "a root file system stays mounted");
        }
    }

    /// Removes a container's, mounted or not, with all that was written. Not there is no error.
    pub fn remove(&self, container: &str) -> Result<()> {
        let turn = self.turns.of(container);
        let _openers = turn.lock();
        let places = self.places(container)?;
        self.unmount_now(container)?;
        // The record goes first: what is left without one is nobody's and goes at the next start.
        let aside = self.path.join(format!(".{container}"));
        match fs::rename(places.folder(), &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other.map_err(Error::file("remove", places.folder()))?,
        }
        self.turns.forget(container);
        match fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %aside.display(), %error, "cannot remove all that a container wrote");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether a container has one.
    pub fn has(&self, container: &str) -> bool {
        matches!(self.record(container), Ok((_, _)))
    }

    /// The containers that have one, in no order.
    pub fn containers(&self) -> Result<Vec<String>> {
        let all = fs::read_dir(&self.path).map_err(Error::file("read", &self.path))?.flatten();
        let name = |found: fs::DirEntry| found.file_name().into_string().ok().filter(|name| !name.starts_with('.'));
        Ok(all.filter_map(name).collect())
    }

    /// Where the parts of a container's stand, under the names that Docker gives them.
    pub fn parts(&self, container: &str) -> Result<BTreeMap<&'static str, String>> {
        let (places, record) = self.record(container)?;
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let lowers: Vec<String> = self.lowers(&record).into_iter().map(text).collect();
        Ok(BTreeMap::from([
            ("LowerDir", lowers.join(":")),
            ("MergedDir", text(places.merged())),
            ("UpperDir", text(places.upper())),
            ("WorkDir", text(places.work())),
        ]))
    }

    /// How much a container wrote, and how much it sees in all.
    pub fn size(&self, container: &str) -> Result<RootfsSize> {
        let (places, record) = self.record(container)?;
        let written = written(&places.upper());
        Ok(RootfsSize { written, total: written + record.size })
    }

    /// What a container changed, sorted by path.
    pub fn changes(&self, container: &str) -> Result<Vec<Change>> {
        let (places, record) = self.record(container)?;
        let mut lowers = self.lowers(&record);
        let failed = || Error::file("read", places.upper());
        // What is mounted below the machine's root is no part of the image.
        let bare = if record.image == host_id() { Some(bare_root().map_err(failed())?) } else { None };
        if let (Some(bare), Some(root)) = (&bare, lowers.last_mut()) {
            *root = format!("/proc/self/fd/{}", bare.as_raw_fd()).into();
        }
        changes::changes(&places.upper(), &lowers).map_err(failed())
    }

    pub(crate) fn create(&self, inner: &Inner, container: &str, image: &Image) -> Result<()> {
        let places = self.places(container)?;
        if places.folder().exists() {
            return Err(Error::RootfsExists(container.to_owned()));
        }
        let ground = self.ground(image);
        foundation::lay(&inner.folder, &self.foundations, &ground)?;
        let record =
            RootfsRecord { image: image.id, layers: image.layers.clone(), foundation: ground.key(), size: image.size };
        let scratch = inner.folder.scratch_path();
        let new = Places::new(scratch.path().to_owned());
        let make = || {
            for (part, mode) in
                [(new.folder().to_owned(), 0o700), (new.upper(), 0o755), (new.work(), 0o700), (new.merged(), 0o700)]
            {
                DirBuilder::new().mode(mode).create(part)?;
            }
            let foundation = self.foundations.join(record.foundation.hex());
            if image.built_in {
                foundation::copy(&foundation, &new.upper())?;
            }
            imitate(&foundation, &new.upper())?;
            new.write(&record)?;
            fs::rename(new.folder(), places.folder())?;
            sync_folder(&self.path)
        };
        make().map_err(Error::file("make", places.folder()))
    }

    /// The layers that containers need.
    pub(crate) fn layers_in_use(&self) -> Result<BTreeSet<Digest>> {
        Ok(self.records()?.flat_map(|record| record.layers).collect())
    }

    /// Removes what is left of removed containers, and foundations that no container has: those are soon made again.
    fn tidy(&self) -> Result<()> {
        let used: BTreeSet<String> = self.records()?.map(|record| record.foundation.hex()).collect();
        let removed = |found: &fs::DirEntry| found.file_name().as_encoded_bytes().starts_with(b".");
        let unused = |found: &fs::DirEntry| found.file_name().to_str().is_none_or(|name| !used.contains(name));
        let read = |path: &Path| fs::read_dir(path).map_err(Error::file("read", path));
        let left = read(&self.path)?.flatten().filter(removed);
        for found in left.chain(read(&self.foundations)?.flatten().filter(unused)) {
            if let Err(error) = fs::remove_dir_all(found.path()) {
                tracing::warn!(path = %found.path().display(), %error, "cannot remove what nobody uses");
            }
        }
        Ok(())
    }

    /// All that can be read. Of one that cannot, nothing can be used.
    fn records(&self) -> Result<impl Iterator<Item = RootfsRecord>> {
        let read = |container: String| match self.record(&container) {
            Ok((_, record)) => Some(record),
            Err(error) => {
                tracing::warn!(%error, container, "a root file system cannot be used");
                None
            }
        };
        Ok(self.containers()?.into_iter().filter_map(read))
    }

    fn mount_now(&self, container: &str) -> Result<PathBuf> {
        let (places, record) = self.record(container)?;
        let merged = places.merged();
        let failed = |cause| Error::Mount { path: merged.clone(), cause };
        if !is_mounted(&merged).map_err(failed)? {
            let mut lowers = self.lowers(&record);
            if record.image == host_id() {
                // Its foundation was copied.
                lowers.remove(0);
            }
            Overlay { lowers, upper: places.upper(), work: places.work() }.mount(&merged).map_err(failed)?;
        }
        Ok(merged)
    }

    fn unmount_now(&self, container: &str) -> Result<()> {
        let merged = self.places(container)?.merged();
        unmount(&merged).map_err(Error::file("unmount", merged))
    }

    fn ground(&self, image: &Image) -> Ground {
        let hidden = if image.built_in { self.hidden.clone() } else { Vec::new() };
        Ground { image: image.id, lowers: self.layers_of(image.id, &image.layers), hidden }
    }

    /// All folders below what the container writes, the uppermost first.
    fn lowers(&self, record: &RootfsRecord) -> Vec<PathBuf> {
        let mut lowers = vec![self.foundations.join(record.foundation.hex())];
        lowers.extend(self.layers_of(record.image, &record.layers));
        lowers
    }

    fn layers_of(&self, image: crate::ImageId, layers: &[Digest]) -> Vec<PathBuf> {
        if image == host_id() {
            return vec!["/".into()];
        }
        layers.iter().rev().map(|diff| self.layers.join(diff.hex()).join("diff")).collect()
    }

    fn record(&self, container: &str) -> Result<(Places, RootfsRecord)> {
        let places = self.places(container)?;
        let record = places.read()?.ok_or_else(|| Error::NoRootfs(container.to_owned()))?;
        Ok((places, record))
    }

    fn places(&self, container: &str) -> Result<Places> {
        let good = |c: u8| c.is_ascii_alphanumeric() || b"_.-".contains(&c);
        if container.is_empty() || container.starts_with('.') || !container.bytes().all(good) {
            return Err(Error::NoRootfs(container.to_owned()));
        }
        Ok(Places::new(self.path.join(container)))
    }
}

/// The machine's root without what is mounted below it.
fn bare_root() -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    Ok(rustix::mount::open_tree(CWD, "/", flags)?)
}
