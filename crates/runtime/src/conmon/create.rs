//! Creating a container: its bundle, its monitor, its record.

use super::Conmon;
use super::folder::{Folder, Record, Rotation};
use super::host;
use super::monitor::Launch;
use super::oci::{self, Oci};
use crate::bundle::{Surroundings, spec};
use crate::{ContainerPlan, Created, Error, Ipc, LogPlan, Result, Stdin};
use nix::mount::{MsFlags, mount};
use std::ffi::OsString;
use std::path::Path;

/// What Docker says before a runtime's refusal.
const PREFIX: &str = "failed to create task for container: failed to create shim task: ";

impl Conmon {
    pub(super) fn create_container(&self, plan: &ContainerPlan) -> Result<Created> {
        let oci = self.oci(plan.runtime.as_deref())?;
        let monitor = self.monitor()?;
        let folder = self.folder(&plan.id);
        if !folder.make()? {
            return Err(Error::Exists { id: plan.id.to_string() });
        }
        let made = self.make(plan, oci, &monitor, &folder);
        if made.is_err() {
            // Whatever was made goes; that it cannot be is not what the caller asked about, and delete says it again.
            if let Err(error) = self.remove(&plan.id) {
                tracing::warn!(container = plan.id.short(), %error, "remove what is left of a container");
            }
        }
        made
    }

    fn make(&self, plan: &ContainerPlan, oci: Oci, monitor: &Path, folder: &Folder) -> Result<Created> {
        let shm = self.make_shm(plan, folder)?;
        let init = match (plan.init, &self.settings.init) {
            (false, _) => None,
            (true, Some(init)) => Some(init.clone()),
            (true, None) => Some(host::init()?),
        };
        let cgroup = self.cgroup_path(plan);
        let around = Surroundings {
            cgroups: &self.host.cgroups,
            cgroup_path: &cgroup,
            seccomp: true,
            apparmor: Path::new("/sys/kernel/security/apparmor").exists(),
            init: init.as_deref(),
            shm: shm.as_deref(),
        };
        let mut spec = spec(plan, &around)?;
        let uncompiled = if oci.is_crun() { self.filters.apply(&mut spec) } else { None };
        folder.write_json("config.json", &spec)?;
        let launch = Launch {
            program: monitor,
            oci: &oci,
            id: plan.id.to_string(),
            folder,
            arguments: arguments(plan)?,
            sockets: self.sockets(),
            act: "create",
            prefix: PREFIX,
            patience: self.settings.patience,
            waits: false,
        };
        let (monitor, first, _) = launch.run(|| Ok(()))?;
        if first.pid == 0 {
            return Err(Error::Died { program: oci.name, act: "create", message: String::new() });
        }
        if let Some(filter) = uncompiled {
            self.filters.keep(filter, &oci.root.join(plan.id.to_string()));
        }
        let record = Record {
            cgroup: (self.has_groups() && !oci.without_cgroups).then_some(cgroup),
            oci,
            monitor,
            first,
            tty: plan.process.tty,
            stdin: plan.process.stdin.into(),
            shm: shm.is_some(),
            rootfs: plan.rootfs.clone(),
            rotation: rotation(&plan.log),
        };
        folder.write_json("record.json", &record)?;
        if let Some(rotation) = record.rotation {
            self.rotating.add(plan.id, folder.clone(), rotation);
        }
        if let (true, Some(size)) = (plan.process.tty, plan.process.console_size) {
            folder.tell(1, size.height, size.width)?;
        }
        Ok(Created { pid: first.pid, monitor: monitor.pid })
    }

    /// A memory file system that others can mount, too.
    fn make_shm(&self, plan: &ContainerPlan, folder: &Folder) -> Result<Option<std::path::PathBuf>> {
        if plan.namespaces.ipc != Ipc::Shareable {
            return Ok(None);
        }
        let path = folder.file("shm");
        let failed = |cause| Error::File { act: "mount", path: path.clone(), cause };
        std::fs::create_dir(&path).map_err(failed)?;
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC | MsFlags::MS_NODEV;
        let options = format!("mode=1777,size={}", plan.shm_size);
        mount(Some("shm"), &path, Some("tmpfs"), flags, Some(options.as_str()))
            .map_err(|errno| failed(errno.into()))?;
        Ok(Some(path))
    }

    /// Where the container's control group is to be.
    fn cgroup_path(&self, plan: &ContainerPlan) -> String {
        let parent = plan.cgroup_parent.as_deref().unwrap_or(&self.settings.cgroup_parent);
        format!("/{}/{}", parent.trim_matches('/'), plan.id).replace("//", "/")
    }

    /// The runtime called `name`, or the default one.
    pub(super) fn oci(&self, name: Option<&str>) -> Result<Oci> {
        let mut all = oci::all(&self.settings, self.host.mixed).into_iter();
        let (name, program) = match name {
            Some(name) => {
                all.find(|(one, _)| one == name).ok_or_else(|| Error::UnknownRuntime { name: name.to_owned() })?
            }
            None => all.next().ok_or_else(|| oci::missing("crun"))?,
        };
        let root = self.settings.exec_root.join("runtimes").join(&name);
        let mut oci = Oci { name, program, root, without_cgroups: false };
        oci.without_cgroups = oci.is_crun() && (self.host.mixed || !self.has_groups());
        Ok(oci)
    }

    pub(super) fn monitor(&self) -> Result<std::path::PathBuf> {
        let found = self.settings.monitor.clone().or_else(|| host::program("conmon"));
        found.ok_or_else(|| oci::missing("conmon"))
    }
}

/// The monitor can only throw away what it has when a log is full. Where more than one file is to be kept, it is us.
fn rotation(log: &LogPlan) -> Option<Rotation> {
    match log {
        LogPlan::File { path, max_size: Some(max_size), max_file } if *max_file > 1 => {
            Some(Rotation { path: path.clone(), max_size: *max_size, max_file: *max_file })
        }
        _ => None,
    }
}

fn arguments(plan: &ContainerPlan) -> Result<Vec<OsString>> {
    let mut all: Vec<OsString> = Vec::new();
    match &plan.log {
        LogPlan::None => all.extend(["--log-path".into(), "none".into()]),
        LogPlan::File { path, max_size, max_file } => {
            // The monitor's own syntax leaves no way to say a colon.
            if path.as_os_str().as_encoded_bytes().contains(&b':') {
                return Err(Error::NotSupported(format!("a log file with a colon in its path: {}", path.display())));
            }
            let mut word = OsString::from("k8s-file:");
            word.push(path);
            all.extend(["--log-path".into(), word]);
            if let (Some(size), 0 | 1) = (max_size, max_file) {
                all.extend(["--log-size-max".into(), size.to_string().into()]);
            }
        }
    }
    stream_arguments(plan.process.tty, plan.process.stdin, &mut all);
    Ok(all)
}

/// The monitor's words for terminal and standard input.
pub(super) fn stream_arguments(tty: bool, stdin: Stdin, all: &mut Vec<OsString>) {
    if tty {
        all.push("--terminal".into());
    }
    match stdin {
        Stdin::Closed => {}
        Stdin::Open => all.extend(["--stdin".into(), "--leave-stdin-open".into()]),
        Stdin::Once => all.push("--stdin".into()),
    }
}
