//! What containers ask of images: what a name means, and a root file system for a container.

use crate::spec::{Config, EmptyObject, Healthcheck, Words};
use crate::{Error, Result};
use pontoon_images::config::RunConfig;
use pontoon_images::{Image, ImageId};
use pontoon_types::{ContainerId, Ordered};
use std::path::{Path, PathBuf};

/// An image as far as containers are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundImage {
    /// Its id, `sha256:…`.
    pub id: String,
    /// What it says of containers made from it.
    pub config: Config,
    /// Its operating system: `linux`.
    pub os: String,
}

/// Bytes of a container's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RootfsSize {
    /// Those that the container wrote.
    pub own: u64,
    /// All of them, with the image's.
    pub total: u64,
}

/// The image store.
pub trait Images: Send + Sync + 'static {
    /// The image meant by a name, an id or the beginning of one. Kind not-found, with Docker's text, when there is none.
    fn find(&self, term: &str) -> Result<FoundImage>;
    /// Sets up a root file system for `container` out of the image with this id; nothing is mounted yet.
    fn create_rootfs(&self, container: &ContainerId, image: &str) -> Result<()>;
    /// Mounts it and tells where; where it is already, that is no error.
    fn mount_rootfs(&self, container: &ContainerId) -> Result<PathBuf>;
    /// Unmounts it; nothing to unmount is no error.
    fn unmount_rootfs(&self, container: &ContainerId) -> Result<()>;
    /// Removes it with everything the container wrote; nothing to remove is no error.
    fn remove_rootfs(&self, container: &ContainerId) -> Result<()>;
    /// The containers that have one.
    fn rootfs_owners(&self) -> Result<Vec<ContainerId>>;
    /// How large it is.
    fn rootfs_size(&self, container: &ContainerId) -> Result<RootfsSize>;
    /// Runs `act` while it is mounted, whether the container runs or not, and leaves it as it was.
    fn with_rootfs(&self, container: &ContainerId, act: &mut dyn FnMut(&Path)) -> Result<()>;
}

impl Images for pontoon_images::Images {
    fn find(&self, term: &str) -> Result<FoundImage> {
        Ok(FoundImage::from(&self.image(term)?))
    }

    fn create_rootfs(&self, container: &ContainerId, image: &str) -> Result<()> {
        let image: ImageId = image.parse().map_err(|_| Error::Missing(format!("No such image: {image}")))?;
        Ok(self.create_rootfs(&container.to_string(), &image)?)
    }

    fn mount_rootfs(&self, container: &ContainerId) -> Result<PathBuf> {
        Ok(self.rootfs().mount(&container.to_string())?)
    }

    fn unmount_rootfs(&self, container: &ContainerId) -> Result<()> {
        Ok(self.rootfs().unmount(&container.to_string())?)
    }

    fn remove_rootfs(&self, container: &ContainerId) -> Result<()> {
        Ok(self.rootfs().remove(&container.to_string())?)
    }

    fn rootfs_owners(&self) -> Result<Vec<ContainerId>> {
        Ok(self.rootfs().containers()?.iter().filter_map(|name| name.parse().ok()).collect())
    }

    fn rootfs_size(&self, container: &ContainerId) -> Result<RootfsSize> {
        let size = self.rootfs().size(&container.to_string())?;
        Ok(RootfsSize { own: size.written, total: size.total })
    }

    fn with_rootfs(&self, container: &ContainerId, act: &mut dyn FnMut(&Path)) -> Result<()> {
        act(self.rootfs().open_for(&container.to_string())?.path());
        Ok(())
    }
}

impl From<&Image> for FoundImage {
    fn from(image: &Image) -> Self {
        Self { id: image.id.to_string(), config: config(&image.config.config), os: image.config.os.clone() }
    }
}

fn config(image: &RunConfig) -> Config {
    let set = |keys: Vec<&String>| Ordered(keys.into_iter().map(|key| (key.clone(), EmptyObject {})).collect());
    let healthcheck = image.healthcheck.as_ref().map(|check| Healthcheck {
        test: check.test.clone().unwrap_or_default(),
        interval: check.interval,
        timeout: check.timeout,
        start_period: check.start_period,
        start_interval: check.start_interval,
        retries: check.retries,
    });
    Config {
        user: image.user.clone(),
        exposed_ports: image.exposed_ports.as_ref().map(|ports| set(ports.keys().collect())),
        env: image.env.clone(),
        entrypoint: Words(image.entrypoint.clone()),
        cmd: Words(image.cmd.clone()),
        healthcheck,
        volumes: image.volumes.as_ref().map(|volumes| set(volumes.keys().collect())),
        working_dir: image.working_dir.clone(),
        labels: image.labels.clone(),
        stop_signal: image.stop_signal.clone(),
        shell: Words(image.shell.clone()),
        ..Config::default()
    }
}
