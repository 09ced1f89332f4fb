//! The calls: which container, with what mounted into it.

use super::jail::{Seen, within};
use super::pack::{pack, pack_all};
use super::path::{Asked, PathStat};
use super::unpack::{UnpackWish, unpack};
use crate::containers::{Containers, Inner};
use crate::spec::MountKind;
use crate::{ContainerView, Error, Result};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

impl Containers {
    /// What is at a path in a container, running or not.
    pub async fn stat_path(&self, term: &str, path: &str) -> Result<PathStat> {
        let (container, asked) = (self.0.find(term)?, Asked::new(path)?);
        let name = term.to_owned();
        self.blocking(move |inner| inner.in_root(&inner.view(&container), || asked.stat(&name))).await
    }

    /// Writes what is at a path in a container as a tar stream. Blocks as long as `to` does.
    pub fn pack(&self, term: &str, path: &str, to: &mut (dyn Write + Send)) -> Result<()> {
        let _request = self.0.requests.token();
        let (container, asked) = (self.0.find(term)?, Asked::new(path)?);
        self.0.in_root(&self.0.view(&container), || pack(&asked, &asked.real(term)?, to))?;
        self.0.publish(&container.shown().definition, "archive-path", &[]);
        Ok(())
    }

    /// Writes a container's own files as a tar stream, without what is mounted into it. Blocks as long as `to` does.
    pub fn export(&self, term: &str, to: &mut (dyn Write + Send)) -> Result<()> {
        let _request = self.0.requests.token();
        let container = self.0.find(term)?;
        let view = self.0.view(&container);
        self.0.with_root(&view, |root| within(root, &[], || pack_all(to)))?;
        self.0.publish(&view.definition, "export", &[]);
        Ok(())
    }

    /// Unpacks a tar stream into a folder of a container, running or not. Blocks as long as `from` does.
    pub fn unpack(&self, term: &str, path: &str, wish: UnpackWish, from: &mut (dyn Read + Send)) -> Result<()> {
        let _request = self.0.requests.token();
        let (container, asked) = (self.0.find(term)?, Asked::new(path)?);
        let view = self.0.view(&container);
        let (seen, read_only) = (self.0.seen(&view), view.definition.host_config.readonly_rootfs);
        self.0.with_root(&view, |root| {
            let user = &view.definition.config.user;
            let owner = if wish.own { Some(pontoon_runtime::user_in(root, user)?) } else { None };
            within(root, &seen, || {
                let folder = Asked { follows: true, ..asked }.real(term)?;
                refuse_read_only(&folder, &seen, read_only)?;
                unpack(from, &folder, wish, owner)
            })
        })?;
        self.0.publish(&view.definition, "extract-to-dir", &[]);
        Ok(())
    }
}

impl Inner {
    /// Runs `act` in the root of a container.
    fn in_root<T: Send>(&self, view: &ContainerView, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let seen = self.seen(view);
        self.with_root(view, |root| within(root, &seen, act))
    }

    /// Runs `act` while a container's root is mounted.
    fn with_root<T>(&self, view: &ContainerView, act: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        let (mut act, mut outcome) = (Some(act), None);
        self.images.with_rootfs(&view.definition.id, &mut |root| {
            outcome = act.take().map(|act| act(root));
        })?;
        outcome.unwrap_or(Err(Error::Internal("a root file system was not opened")))
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
