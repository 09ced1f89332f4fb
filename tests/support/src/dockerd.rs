//! A real dockerd as the daemon of a scene, for tests that must first pass on it.
//!
//! Its folders, sockets, rules and control groups are its own and end with it; the machine's own are not touched.

use crate::place::Place;
use crate::scene::{Ground, Scene};
use crate::wait::until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pontoon_client::Host;
use pontoon_client::blocking::Client;
use std::fs::File;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A running dockerd in a scene.
pub struct Dockerd {
    child: Child,
    control_group: String,
    scene: Scene,
}

impl Dockerd {
    /// Starts `program` and waits until it answers; `None`, and said so, where no scene can be made.
    pub fn start(program: &Path, flags: &[String]) -> Option<Self> {
        let scene = Scene::new(Ground::default())?;
        let control_group = scene.folder().file_name().unwrap().to_str().unwrap().to_owned();
        let child = scene.host().spawn(command(program, scene.folder(), &control_group, flags));
        let mut dockerd = Self { child, control_group, scene };
        let client = Client::new(Host::Unix(dockerd.socket())).unwrap().with_timeout(PATIENCE);
        until("dockerd answers", PATIENCE, || {
            let ended = dockerd.child.try_wait().unwrap();
            assert!(ended.is_none(), "dockerd ended with {ended:?}:\n{}", dockerd.log());
            client.ping().ok()
        });
        Some(dockerd)
    }

    /// Where the API is.
    pub fn socket(&self) -> PathBuf {
        self.scene.folder().join("docker.sock")
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.scene.folder().join("log")).unwrap_or_default()
    }

    /// The host it runs on.
    pub fn place(&self) -> &Place {
        self.scene.host()
    }
}

impl Deref for Dockerd {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        // Containers live in processes of their own: dockerd ends them when it is asked to stop.
        let _ = kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGTERM);
        let end = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        remove_control_groups(&self.control_group);
    }
}

fn command(program: &Path, folder: &Path, control_group: &str, flags: &[String]) -> Command {
    // Its shims have their sockets below /run whatever the flags say.
    let line = "mount -t tmpfs tmpfs /run && exec \"$@\"";
    let below = |name: &str| folder.join(name).into_os_string();
    std::fs::write(folder.join("daemon.json"), "{}").unwrap();
    let log = File::create(folder.join("log")).unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation", "private", "sh", "-c", line, "sh"])
        .arg(program)
        .args(["--data-root".into(), below("run/data"), "--exec-root".into(), below("run/exec")])
        .args(["--pidfile".into(), below("dockerd.pid"), "--config-file".into(), below("daemon.json")])
        .args(["--storage-driver", "overlay2", "--cgroup-parent", &format!("/{control_group}")])
        .args(["-H", &format!("unix://{}", folder.join("docker.sock").display())])
        .args(flags)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    command
}

/// Removes the folders of that name below each hierarchy, which have no processes any more.
fn remove_control_groups(name: &str) {
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    for folder in hierarchies.chain([root.to_owned()]).map(|hierarchy| hierarchy.join(name)) {
        remove_folders(&folder);
    }
}

/// Removes a folder with the folders in it, deepest first. Files of a control group go with their folder.
fn remove_folders(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_folders(&entry.path());
    }
    let _ = std::fs::remove_dir(folder);
}
