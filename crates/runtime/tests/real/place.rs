//! A machine for one test: mounts and control groups of its own, a root file system with busybox, a runtime.

use pontoon_runtime::{
    Attachment, Conmon, ContainerPlan, Exit, LogPlan, PACKET, Phase, Runtime, Settings, State, Stream,
};
use pontoon_test_support::{Groups, skip, worlds_possible};
use pontoon_types::ContainerId;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// As long as a loaded machine may take for anything.
pub const BOUND: Duration = Duration::from_secs(60);

pub struct Place {
    pub runtime: Conmon,
    pub settings: Settings,
    groups: Groups,
    folder: TempDir,
}

impl Place {
    /// `None`, and said so, where there can be none.
    pub fn new() -> Option<Self> {
        Self::with(|_, _| {})
    }

    /// A place whose settings `change` has changed; it is given the place's folder, too.
    pub fn with(change: impl FnOnce(&mut Settings, &Path)) -> Option<Self> {
        if let Some(reason) = worlds_possible().err().or_else(missing) {
            skip(&reason);
            return None;
        }
        let folder = tempfile::Builder::new().prefix("pontoon-rt-").tempdir().unwrap();
        let private = nix::mount::MsFlags::MS_REC | nix::mount::MsFlags::MS_PRIVATE;
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
        nix::mount::mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
        let groups = Groups::enter(&folder.path().file_name().unwrap().to_string_lossy());
        make_rootfs(&folder.path().join("rootfs"));
        let mut settings = Settings { patience: BOUND, ..Settings::new(folder.path().join("exec")) };
        change(&mut settings, folder.path());
        Some(Self { runtime: Conmon::new(settings.clone()).unwrap(), settings, groups, folder })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn rootfs(&self) -> PathBuf {
        self.path().join("rootfs")
    }

    pub fn log(&self, id: &ContainerId) -> PathBuf {
        self.path().join(format!("{}.log", id.short()))
    }

    /// A container that runs a line of shell.
    pub fn plan(&self, line: &str) -> ContainerPlan {
        self.plan_of(&["sh", "-c", line])
    }

    pub fn plan_of(&self, args: &[&str]) -> ContainerPlan {
        let mut plan = ContainerPlan::new(ContainerId::random(), self.rootfs(), args);
        plan.process.env = vec!["PATH=/bin".into()];
        plan.log = LogPlan::File { path: self.log(&plan.id), max_size: None, max_file: 1 };
        plan
    }

    /// Creates and starts.
    pub fn run(&self, plan: &ContainerPlan) {
        self.runtime.create(plan).unwrap();
        self.runtime.start(&plan.id).unwrap();
    }

    /// Runs to the end; exit code and log.
    pub fn output(&self, plan: &ContainerPlan) -> (i32, String) {
        self.run(plan);
        let exit = self.ended(&plan.id);
        let log = self.printed(&plan.id);
        self.runtime.delete(&plan.id).unwrap();
        (exit.code, log)
    }

    /// Waits for the end.
    pub fn ended(&self, id: &ContainerId) -> Exit {
        assert!(self.runtime.ending(id).unwrap().wait(BOUND).unwrap(), "it has not ended");
        match self.runtime.state(id).unwrap() {
            Some(State { phase: Phase::Ended(exit), .. }) => exit,
            other => panic!("not ended: {other:?}"),
        }
    }

    /// What stands in the log, without times and streams.
    pub fn printed(&self, id: &ContainerId) -> String {
        let text = std::fs::read_to_string(self.log(id)).unwrap_or_default();
        let content = |line: &str| line.splitn(4, ' ').nth(3).unwrap_or_default().to_owned();
        text.lines().map(content).collect::<Vec<_>>().join("\n")
    }

    /// The processes, of all there are, that carry the id in their command line or run in its control group.
    pub fn processes_of(&self, id: &ContainerId) -> Vec<u32> {
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let mentions = |pid: u32, file: &str| {
            let text = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            String::from_utf8_lossy(&text).contains(&id.to_string())
        };
        let alive = |pid: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !stat.contains(") Z ") && !stat.is_empty()
        };
        pids.filter(|&pid| (mentions(pid, "cmdline") || mentions(pid, "cgroup")) && alive(pid)).collect()
    }

    /// Asserts that nothing is left of a container: no process, mount, control group or folder.
    pub fn nothing_left_of(&self, id: &ContainerId) {
        let until = Instant::now() + BOUND;
        while !self.processes_of(id).is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(self.processes_of(id), Vec::<u32>::new());
        let mounts = std::fs::read_to_string("/proc/thread-self/mounts").unwrap();
        assert!(!mounts.contains(&id.to_string()), "{mounts}");
        let found = find(&self.settings.exec_root, &id.to_string());
        assert_eq!(found, Vec::<PathBuf>::new());
        assert_eq!(find(Path::new("/sys/fs/cgroup"), &id.to_string()), Vec::<PathBuf>::new());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for id in self.runtime.all().unwrap_or_default() {
            let _ = self.runtime.delete(&id);
        }
        self.groups.leave();
    }
}

/// Runs `act` on a thread of its own: a place changes its thread for good.
pub fn apart(act: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        if let Err(panic) = scope.spawn(act).join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// A script in `folder` that stands in for a program.
pub fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Reads until `enough` or the end; both streams.
pub fn read_until(attachment: &Attachment, enough: impl Fn(&str, &str) -> bool) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut buffer = vec![0; PACKET];
    loop {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if enough(&text(&out), &text(&err)) {
            return (text(&out), text(&err));
        }
        assert!(attachment.wait(BOUND).unwrap(), "no output: {:?} {:?}", text(&out), text(&err));
        match attachment.read(&mut buffer).unwrap() {
            None => return (text(&out), text(&err)),
            Some((Stream::Stdout, data)) => out.extend_from_slice(data),
            Some((Stream::Stderr, data)) => err.extend_from_slice(data),
        }
    }
}

pub fn read_all(attachment: &Attachment) -> (String, String) {
    read_until(attachment, |_, _| false)
}

fn missing() -> Option<String> {
    let there = |program: &str| {
        ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"]
            .iter()
            .any(|dir| Path::new(dir).join(program).exists())
    };
    ["crun", "conmon", "busybox"]
        .into_iter()
        .find(|program| !there(program))
        .map(|name| format!("{name} is not installed"))
}

fn make_rootfs(rootfs: &Path) {
    for folder in ["bin", "etc", "tmp", "proc", "sys", "dev", "sbin"] {
        std::fs::create_dir_all(rootfs.join(folder)).unwrap();
    }
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists()).unwrap();
    std::fs::copy(busybox, rootfs.join("bin/busybox")).unwrap();
    for name in [
        "sh", "cat", "echo", "sleep", "id", "env", "ls", "stat", "ps", "stty", "dd", "kill", "hostname", "mount",
        "touch", "true", "grep", "wc", "head", "yes", "mkdir", "unshare", "date", "awk", "chmod", "readlink", "pwd",
    ] {
        std::os::unix::fs::symlink("busybox", rootfs.join("bin").join(name)).unwrap();
    }
    std::fs::write(rootfs.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\nann:x:1000:100::/home/ann:/bin/sh\n")
        .unwrap();
    std::fs::write(rootfs.join("etc/group"), "root:x:0:\nusers:x:100:\naudio:x:29:ann\n").unwrap();
}

fn find(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().contains(name) {
            found.push(entry.path());
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(find(&entry.path(), name));
        }
    }
    found
}
