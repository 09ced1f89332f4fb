//! An image store of folders: one image, mounts that are only noted, failures on demand.

use pontoon_containers::spec::{Config, Words};
use pontoon_containers::{Error, FoundImage, Images, Result, RootfsSize};
use pontoon_types::ContainerId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Model {
    rootfs: BTreeSet<ContainerId>,
    mounted: BTreeMap<ContainerId, usize>,
    calls: usize,
    fails_at: Option<usize>,
    folder: Option<tempfile::TempDir>,
    config: Config,
}

/// The store. Clones are the same one.
#[derive(Clone, Default)]
pub struct FakeImages(Arc<Mutex<Model>>);

impl FakeImages {
    /// The `nth` changing call from now on fails; 1 is the next.
    pub fn fail_on(&self, nth: usize) {
        let mut model = self.0.lock().unwrap();
        model.fails_at = Some(model.calls + nth);
    }

    pub fn is_failure_pending(&self) -> bool {
        let model = self.0.lock().unwrap();
        model.fails_at.is_some_and(|at| at > model.calls)
    }

    pub fn mounted(&self) -> Vec<ContainerId> {
        self.0.lock().unwrap().mounted.keys().copied().collect()
    }

    pub fn owners(&self) -> Vec<ContainerId> {
        self.0.lock().unwrap().rootfs.iter().copied().collect()
    }

    pub fn unmount_all(&self) {
        self.0.lock().unwrap().mounted.clear();
    }

    /// What the image says of its containers.
    pub fn set_config(&self, config: Config) {
        self.0.lock().unwrap().config = config;
    }

    /// The folder that is every container's root.
    pub fn folder(&self) -> PathBuf {
        let mut model = self.0.lock().unwrap();
        model.folder.get_or_insert_with(|| tempfile::tempdir().unwrap()).path().to_owned()
    }

    fn call(&self, act: &str) -> Result<std::sync::MutexGuard<'_, Model>> {
        let mut model = self.0.lock().unwrap();
        model.calls += 1;
        if model.fails_at == Some(model.calls) {
            return Err(Error::Conflict(format!("{act}: failed on demand")));
        }
        Ok(model)
    }
}

impl Images for FakeImages {
    fn find(&self, term: &str) -> Result<FoundImage> {
        if term != "img" {
            return Err(Error::Missing(format!("No such image: {term}:latest")));
        }
        let mut config = self.0.lock().unwrap().config.clone();
        if config.cmd.is_unset() {
            config.cmd = Words::from(vec!["sleep".to_owned(), "inf".to_owned()]);
        }
        Ok(FoundImage { id: "sha256:1234".into(), config, os: "linux".into() })
    }

    fn create_rootfs(&self, container: &ContainerId, _image: &str) -> Result<()> {
        self.call("create a root")?.rootfs.insert(*container);
        Ok(())
    }

    fn mount_rootfs(&self, container: &ContainerId) -> Result<PathBuf> {
        {
            let mut model = self.call("mount a root")?;
            assert!(model.rootfs.contains(container), "there is no root to mount");
            *model.mounted.entry(*container).or_default() += 1;
        }
        Ok(self.folder())
    }

    fn unmount_rootfs(&self, container: &ContainerId) -> Result<()> {
        self.call("unmount a root")?.mounted.remove(container);
        Ok(())
    }

    fn remove_rootfs(&self, container: &ContainerId) -> Result<()> {
        let mut model = self.call("remove a root")?;
        model.rootfs.remove(container);
        model.mounted.remove(container);
        Ok(())
    }

    fn with_rootfs(&self, _container: &ContainerId, work: &mut dyn FnMut(&Path)) -> Result<()> {
        work(&self.folder());
        Ok(())
    }

    fn rootfs_owners(&self) -> Result<Vec<ContainerId>> {
        Ok(self.owners())
    }

    fn rootfs_size(&self, _container: &ContainerId) -> Result<RootfsSize> {
        Ok(RootfsSize { own: 5, total: 105 })
    }
}
