//! Where the tests work: a store in a folder of its own, in a mount namespace of its own.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use pontoon_cnm::Events;
use pontoon_images::{Image, Images, Import, Progress, Reference, Result, Settings};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A store and what it announced.
pub struct Bench {
    pub images: Images,
    pub events: Arc<Events>,
    folder: TempDir,
}

impl Bench {
    /// A new store. Overlay mounts need root and end with the test's thread; `None` if they are not possible.
    pub fn new() -> Option<Self> {
        if !rustix_root() {
            pontoon_test_support::skip("overlay mounts and device nodes need root");
            return None;
        }
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let events = Arc::new(Events::default());
        let images = open(folder.path(), &events);
        Some(Self { images, events, folder })
    }

    /// Opens the store anew, as after the daemon was killed.
    pub fn reopen(&mut self) {
        self.images = open(self.folder.path(), &self.events);
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("images")
    }

    /// Imports an archive under a name.
    pub fn import(&self, archive: &[u8], name: &str) -> Image {
        let import = Import { name: Some(Reference::parse(name).unwrap()), ..Import::default() };
        let id = self.images.import(archive, import).unwrap();
        self.images.by_id(&id).unwrap()
    }

    /// Loads an archive and returns what was said.
    pub fn load(&self, archive: &[u8]) -> Result<String> {
        let mut said = String::new();
        let mut listener = |progress| {
            if let Progress::Said(text) = progress {
                said.push_str(&text);
            }
            ControlFlow::Continue(())
        };
        self.images.load(archive, true, &mut listener)?;
        Ok(said)
    }

    /// A container's root, mounted.
    pub fn container(&self, id: &str, image: &Image) -> PathBuf {
        self.images.create_rootfs(id, &image.id).unwrap();
        self.images.rootfs().mount(id).unwrap()
    }

    /// Everything in the store but its state: `kind/name`, sorted.
    pub fn kept(&self) -> Vec<String> {
        let mut all = Vec::new();
        for kind in ["blobs/sha256", "layers", "rootfs", "tmp"] {
            for found in std::fs::read_dir(self.root().join(kind)).unwrap() {
                all.push(format!("{kind}/{}", found.unwrap().file_name().to_str().unwrap()));
            }
        }
        all.sort();
        all
    }

    /// What was announced: `action name`.
    pub fn told(&self) -> Vec<String> {
        let (past, _) = self.events.subscribe();
        past.iter().map(|event| format!("{} {}", event.action, event.attributes["name"])).collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for container in self.images.rootfs().containers().unwrap() {
            self.images.rootfs().remove(&container).unwrap();
        }
    }
}

fn open(folder: &Path, events: &Arc<Events>) -> Images {
    let settings = Settings { root: folder.join("images"), hidden: vec![folder.to_owned()], ..Settings::default() };
    Images::open(settings, events.clone()).unwrap()
}

fn rustix_root() -> bool {
    nix::unistd::geteuid().is_root()
}
