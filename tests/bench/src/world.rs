//! A host of its own to measure in: own network and mount namespace, a LAN peer beside it, a folder in memory.
//!
//! Must never touch the machine's own network. Everything is gone when the process ends.

use crate::error::{Error, Result};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;
use tempfile::TempDir;

/// The host's addresses on the LAN, and the peer's.
pub const HOST4: &str = "198.51.100.1";
/// The peer's IPv4 address.
pub const PEER4: &str = "198.51.100.2";
const HOST6: &str = "2001:db8:51::1";
const PEER6: &str = "2001:db8:51::2";

/// The world that the main thread, and whatever it starts, lives in until the next one is entered.
pub struct World {
    root: TempDir,
}

impl World {
    /// Leaves the calling thread's network for a new one.
    pub fn enter() -> Result<Self> {
        let root = tempfile::Builder::new().prefix("pontoon-bench-").tempdir();
        let root = root.map_err(Error::system("make a folder"))?;
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)
            .map_err(Error::system("make namespaces (this needs root)"))?;
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).map_err(Error::system("keep mounts private"))?;
        mount(Some("tmpfs"), root.path(), Some("tmpfs"), MsFlags::empty(), None::<&str>)
            .map_err(Error::system("mount a tmpfs"))?;
        // Where the first version of control groups is in use, container runtimes want it pure.
        let _ = nix::mount::umount2("/sys/fs/cgroup/unified", nix::mount::MntFlags::MNT_DETACH);
        let world = Self { root };
        world.furnish()?;
        Ok(world)
    }

    fn furnish(&self) -> Result<()> {
        let peer = self.peer();
        File::create(&peer).map_err(Error::system("make a file"))?;
        let peer = peer.display();
        for line in [
            "ip link set lo up".to_owned(),
            "echo 1 > /proc/sys/net/ipv4/ip_forward && echo 1 > /proc/sys/net/ipv6/conf/all/forwarding".to_owned(),
            format!("unshare --net={peer} ip link set lo up"),
            "ip link add lan0 type veth peer name eth0".to_owned(),
            format!("ip link set eth0 netns {peer}"),
            format!("ip addr add {HOST4}/24 dev lan0 && ip addr add {HOST6}/64 dev lan0 nodad && ip link set lan0 up"),
            format!("nsenter --net={peer} ip addr add {PEER4}/24 dev eth0"),
            format!("nsenter --net={peer} ip addr add {PEER6}/64 dev eth0 nodad"),
            format!("nsenter --net={peer} ip link set eth0 up"),
            format!("nsenter --net={peer} ip route add default via {HOST4}"),
            format!("nsenter --net={peer} ip -6 route add default via {HOST6}"),
        ] {
            command(&line)?;
        }
        Ok(())
    }

    /// A folder in memory that goes with the world.
    pub fn folder(&self) -> &Path {
        self.root.path()
    }

    /// The peer's namespace.
    pub fn peer(&self) -> PathBuf {
        self.root.path().join("peer")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Namespaces still held open by somebody end with the process; only the folder below the tmpfs would stay.
        let _ = nix::mount::umount2(self.root.path(), nix::mount::MntFlags::MNT_DETACH);
    }
}

/// Runs a shell command in the world and gives what it printed.
pub fn command(line: &str) -> Result<String> {
    let output = Command::new("sh").args(["-c", line]).output().map_err(Error::system("start a shell"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::Command { line: line.to_owned(), output: said });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `work` on a thread whose network namespace is the one at `path`.
pub fn inside<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<JoinHandle<Result<T>>> {
    let act = format!("enter the namespace {}", path.display());
    let namespace = File::open(path).map_err(Error::system(act.clone()))?;
    let enter_and_work = move || {
        setns(namespace, CloneFlags::CLONE_NEWNET).map_err(Error::system(act))?;
        work()
    };
    std::thread::Builder::new().name("inside".into()).spawn(enter_and_work).map_err(Error::system("start a thread"))
}

/// Waits for a thread of [`inside`].
pub fn finish<T>(thread: JoinHandle<Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|_| Err(Error::Unfit("a measuring thread panicked".into())))
}
