//! Removing whatever there is of a container, finished or half made. Goes on after a step that fails, and says so.

use super::Conmon;
use super::cgroup::Group;
use super::folder::Folder;
use super::monitor::left_behind;
use super::oci;
use super::process::KILL;
use crate::{Error, Result};
use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};
use pontoon_types::ContainerId;
use std::path::Path;
use std::time::Duration;

/// How long the dead may take to be gone.
const GONE: Duration = Duration::from_secs(10);

impl Conmon {
    pub(super) fn remove(&self, id: &ContainerId) -> Result<()> {
        let folder = self.folder(id);
        if !folder.path.exists() {
            return Ok(());
        }
        self.end_processes(id, &folder);
        self.forget_in_runtimes(id, &folder);
        let mut outcomes: Vec<Result<()>> = Vec::new();
        outcomes.extend(self.group_of(id, &folder).map(|group| group.remove(GONE)));
        outcomes.push(unmount(&folder.file("shm")));
        // All steps are tried; the first that failed is told. The folder is what tells the next attempt that something
        // is left.
        outcomes.into_iter().collect::<Result<Vec<()>>>()?;
        folder.remove()?;
        self.kept().remove(id);
        self.rotating.forget(id);
        Ok(())
    }

    /// Ends the container's processes, its commands' and their monitors.
    fn end_processes(&self, id: &ContainerId, folder: &Folder) {
        let Some(record) = folder.record() else {
            if let Some(monitor) = left_behind(folder, &id.to_string()) {
                monitor.end_tree(GONE);
            }
            return;
        };
        for exec in folder.execs() {
            let monitor = exec.record().map(|record| record.monitor).or_else(|| left_behind(&exec, &id.to_string()));
            if let Some(monitor) = monitor.filter(super::process::Process::lives) {
                monitor.end_tree(GONE);
            }
        }
        if record.first.lives() {
            let _ = record.first.signal(KILL);
            if let Some(group) = self.group(&record).filter(Group::is_frozen) {
                let _ = group.freeze(false);
            }
            record.first.wait(GONE);
        }
        // It writes the exit code and the log's last lines and goes by itself.
        if record.monitor.lives() && !record.monitor.wait(GONE) {
            record.monitor.end_tree(GONE);
        }
    }

    /// Has the runtime forget the container, or forgets for it: it may be missing, hang or be confused.
    fn forget_in_runtimes(&self, id: &ContainerId, folder: &Folder) {
        let known: Vec<oci::Oci> = match folder.record() {
            Some(record) => vec![record.oci],
            None => {
                let all = oci::all(&self.settings, self.host.mixed);
                all.into_iter().filter_map(|(name, _)| self.oci(Some(&name)).ok()).collect()
            }
        };
        for oci in known {
            let state = oci.root.join(id.to_string());
            if state.exists()
                && let Err(error) =
                    oci.run("delete", &["--force", &id.to_string()], &folder.path, self.settings.patience.min(GONE))
            {
                tracing::debug!(container = id.short(), %error, "the runtime did not delete the container");
            }
            if state.exists() {
                let _ = std::fs::remove_dir_all(&state);
            }
        }
    }

    /// The control group that it may have.
    fn group_of(&self, id: &ContainerId, folder: &Folder) -> Option<Group> {
        if !self.has_groups() {
            return None;
        }
        let path = match folder.record() {
            Some(record) => record.cgroup?,
            None => bundle_cgroup(folder)?,
        };
        // Nothing but the container's own, whatever stands in a file.
        path.ends_with(&format!("/{id}")).then(|| Group::new(self.host.cgroups.version, &path))
    }
}

/// Where the bundle says the control group is.
fn bundle_cgroup(folder: &Folder) -> Option<String> {
    let spec = oci_spec::runtime::Spec::load(folder.file("config.json")).ok()?;
    let path = spec.linux().as_ref()?.cgroups_path().as_ref()?;
    Some(path.to_str()?.to_owned())
}

fn unmount(path: &Path) -> Result<()> {
    match umount2(path, MntFlags::MNT_DETACH) {
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => Ok(()),
        Err(errno) => Err(Error::File { act: "unmount", path: path.to_owned(), cause: errno.into() }),
    }
}
