//! The host of a world: one thread that lives in namespaces of its own, and the process that keeps them.
//!
//! Owns the network, mount and process namespaces. All programs of the world are started by this thread, so that they
//! are in them too; when the first process ends, or this test is killed, the kernel ends all of them and nothing stays.

use crate::groups::Groups;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

type Job = Box<dyn FnOnce() + Send>;

/// Namespaces as a host.
pub struct Host {
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    net: Arc<File>,
    init: Mutex<Child>,
    /// Dropped last: it waits for the last process.
    _groups: Groups,
}

/// What the first process does: shows the processes of its own namespace, then lives until its input ends.
const INIT: &str = "mount -t proc proc /proc && echo ready && exec cat";

impl Host {
    /// Makes the namespaces. Folders `run` and `ns` below `base` become file systems that only the world sees, and
    /// `base/resolv.conf` stands in for the host's.
    pub fn new(base: &Path) -> Self {
        let (jobs, todo) = channel::<Job>();
        let (begun, beginning) = channel();
        let base = base.to_owned();
        let live = move || {
            let _ = begun.send(begin(&base));
            todo.into_iter().for_each(|job| job());
        };
        let thread = std::thread::Builder::new().name("host".into()).spawn(live).unwrap();
        let (net, init, groups) = beginning.recv().expect("the host's namespaces could be made");
        Self {
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
            net: Arc::new(net),
            init: Mutex::new(init),
            _groups: groups,
        }
    }

    /// Runs `act` in all of the host's namespaces but the process one. It must not take long: the host does one thing
    /// at a time.
    pub fn run<T: Send + 'static>(&self, act: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, outcome) = channel();
        let job = move || {
            let _ = done.send(catch_unwind(AssertUnwindSafe(act)));
        };
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().expect("the world has not ended").send(Box::new(job)).expect("the host lives");
        drop(jobs);
        outcome.recv().expect("the host lives").unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Starts a program in the world, in its host's network or in that of `net`.
    pub fn spawn(&self, mut command: Command, net: Option<Arc<File>>) -> std::io::Result<Child> {
        let own = self.net.clone();
        self.run(move || {
            let Some(net) = net else { return command.spawn() };
            setns(net.as_fd(), CloneFlags::CLONE_NEWNET).unwrap();
            let child = command.spawn();
            setns(own.as_fd(), CloneFlags::CLONE_NEWNET).unwrap();
            child
        })
    }

    /// Opens a file as the world sees it.
    pub fn open(&self, path: &Path) -> std::io::Result<File> {
        let path = path.to_owned();
        self.run(move || File::open(path))
    }

    /// The host's network namespace.
    pub fn net(&self) -> Arc<File> {
        self.net.clone()
    }

    /// The number by which processes in the world know `child`.
    pub fn pid_inside(&self, child: &Child) -> u32 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap();
        line.split_whitespace().last().unwrap().parse().unwrap()
    }

    /// Ends every process of the world.
    pub fn end(&self) {
        let mut init = self.init.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = init.kill();
        // Not waited for: it ends only when every process of the world is reaped, and some may be the test's to reap.
        drop(init);
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end();
    }
}

fn begin(base: &Path) -> (File, Child, Groups) {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID).unwrap();
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
    let net = File::open("/proc/thread-self/ns/net").unwrap();
    let name = base.file_name().map_or_else(|| "pontoon-world".into(), |name| name.to_string_lossy());
    let groups = Groups::enter(&name);
    for folder in ["run", "ns"] {
        let path = base.join(folder);
        std::fs::create_dir_all(&path).unwrap();
        mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), Some("mode=755")).unwrap();
    }
    stand_in(&base.join("resolv.conf"), "/etc/resolv.conf");
    let mut init = Command::new("sh");
    init.args(["-c", INIT]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut init = init.spawn().expect("a first process could be started");
    let mut said = String::new();
    let _ = BufReader::new(init.stdout.take().unwrap()).read_line(&mut said);
    assert_eq!(said, "ready\n", "the first process could not mount /proc");
    (net, init, groups)
}

/// Shows `file` in the place of `of`, which may be a link.
fn stand_in(file: &Path, of: &str) {
    let target: PathBuf = std::fs::canonicalize(of).unwrap_or_else(|_| of.into());
    mount(Some(file), &target, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
}
