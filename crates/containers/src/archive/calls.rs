//! The calls: which container, with what mounted into it.

use super::jail::{Seen, within};
use super::pack::pack;
use super::path::{Asked, PathStat};
use super::unpack::{UnpackWish, unpack};
use crate::containers::{Containers, Inner};
use crate::spec::MountKind;
use crate::{ContainerView, Error, Result};
use std::io::{PipeReader, PipeWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What is told before a stream begins.
type Told = oneshot::Sender<Result<(PathStat, PipeReader)>>;

impl Containers {
    /// What is at a path in a container, running or not.
    pub async fn stat_path(&self, term: &str, path: &str) -> Result<PathStat> {
        let (container, asked) = (self.0.find(term)?, Asked::new(path)?);
        let name = term.to_owned();
        self.blocking(move |inner| inner.in_root(&inner.view(&container), || asked.stat(&name))).await
    }

    /// What is at a path in a container, as a tar stream. The stream ends early when the files cannot be read.
    pub async fn pack(&self, term: &str, path: &str) -> Result<(PathStat, PipeReader)> {
        let (container, asked) = (self.0.find(term)?, Asked::new(path)?);
        let (name, (told, tell)) = (term.to_owned(), oneshot::channel());
        let packing = self.clone();
        // The stream goes on when this call is over, and ends with its reader.
        let task = async move {
            let done = packing.blocking(move |inner| {
                let mut told = Some(told);
                let done = inner.in_root(&inner.view(&container), || begin(&asked, &name, &mut told));
                inner.publish(&container.shown().definition, "archive-path", &[]);
                match (done, told) {
                    (Err(error), Some(told)) => {
                        let _ = told.send(Err(error));
                        Ok(())
                    }
                    (done, _) => done,
                }
            });
            if let Err(error) = done.await {
                tracing::debug!(error = pontoon_types::chain(&error), "an archive was not finished");
            }
        };
        self.0.tasks.spawn(task);
        tell.await.unwrap_or(Err(Error::ShuttingDown))
    }

    /// Unpacks a tar stream into a folder of a container, running or not.
    pub async fn unpack(&self, term: &str, path: &str, wish: UnpackWish, from: PipeReader) -> Result<()> {
        let (container, asked) = (self.0.find(term)?, Asked::new(path)?);
        let name = term.to_owned();
        self.blocking(move |inner| {
            let view = inner.view(&container);
            let (seen, read_only) = (inner.seen(&view), view.definition.host_config.readonly_rootfs);
            inner.with_owner(&view, wish, |root, owner| {
                within(root, &seen, || {
                    let folder = Asked { follows: true, ..asked }.real(&name)?;
                    refuse_read_only(&folder, &seen, read_only)?;
                    unpack(from, &folder, wish, owner)
                })
            })?;
            inner.publish(&view.definition, "extract-to-dir", &[]);
            Ok(())
        })
        .await
    }
}

/// Tells what is there, and packs it into the pipe whose other end was told.
fn begin(asked: &Asked, name: &str, told: &mut Option<Told>) -> Result<()> {
    let (stat, real) = (asked.stat(name)?, asked.real(name)?);
    let (reader, writer): (PipeReader, PipeWriter) = std::io::pipe().map_err(Error::file("make a pipe"))?;
    if let Some(told) = told.take() {
        // Nobody waits any more: writing will tell.
        let _ = told.send(Ok((stat, reader)));
    }
    pack(asked, &real, writer)
}

impl Inner {
    /// Runs `act` in the root of a container.
    fn in_root<T: Send>(self: &Arc<Self>, view: &ContainerView, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let seen = self.seen(view);
        self.with_root(view, |root| within(root, &seen, act))
    }

    /// Runs `act` while a container's root is mounted.
    fn with_root<T>(self: &Arc<Self>, view: &ContainerView, act: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        let (mut act, mut outcome) = (Some(act), None);
        self.images.with_rootfs(&view.definition.id, &mut |root| {
            outcome = act.take().map(|act| act(root));
        })?;
        outcome.unwrap_or(Err(Error::Internal("a root file system was not opened")))
    }

    /// The same, with who is to own what is unpacked.
    fn with_owner<T>(
        self: &Arc<Self>,
        view: &ContainerView,
        wish: UnpackWish,
        act: impl FnOnce(&Path, Option<(u32, u32)>) -> Result<T>,
    ) -> Result<T> {
        self.with_root(view, |root| {
            let user = &view.definition.config.user;
            let owner = if wish.own { Some(pontoon_runtime::user_in(root, user)?) } else { None };
            act(root, owner)
        })
    }

    /// What is mounted into a container from the host, outer ones first. Memory is not: it has no place on the host.
    fn seen(&self, view: &ContainerView) -> Vec<Seen> {
        let from_host = view.definition.mounts.iter().filter(|point| point.kind != MountKind::Tmpfs);
        let mut seen: Vec<Seen> = from_host
            .map(|point| Seen {
                source: point.source.clone().into(),
                below: Some(PathBuf::from(&point.subpath)).filter(|below| !below.as_os_str().is_empty()),
                target: PathBuf::from(&point.destination),
                writable: point.writable,
            })
            .collect();
        if let Some(sandbox) = &view.sandbox {
            let files = [
                ("/etc/hosts", &sandbox.files.hosts),
                ("/etc/hostname", &sandbox.files.hostname),
                ("/etc/resolv.conf", &sandbox.files.resolv_conf),
            ];
            for (target, source) in files {
                if !seen.iter().any(|other| other.target == Path::new(target)) {
                    seen.push(Seen { source: source.clone(), below: None, target: target.into(), writable: true });
                }
            }
        }
        seen.sort_by_key(|seen| seen.target.components().count());
        seen
    }
}

/// Refuses a folder that the container itself could not write.
fn refuse_read_only(folder: &Path, seen: &[Seen], read_only_root: bool) -> Result<()> {
    let mount = seen.iter().rfind(|seen| folder.starts_with(&seen.target));
    match mount {
        Some(mount) if !mount.writable => Err(Error::Refused("mounted volume is marked read-only".into())),
        None if read_only_root => Err(Error::Refused("container rootfs is marked read-only".into())),
        _ => Ok(()),
    }
}
