//! A dockerd beside ours, in a world of its own, for as much as can be compared.
//!
//! Containers need an image without any registry: a static busybox, where one is installed, becomes one.

use crate::daemon::{network_request, resident};
use crate::error::{Error, Result};
use crate::world::command;
use pontoon_client::Host;
use pontoon_client::blocking::Client;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
const CONTAINER: &str = "pontoon-bench";

/// A running dockerd.
pub struct Dockerd {
    client: Client,
    socket: PathBuf,
    child: Child,
    // Last: it goes when nobody uses it any more.
    folder: TempDir,
    /// What it says it is.
    pub version: String,
}

impl Dockerd {
    /// Starts one if `dockerd` is installed.
    pub fn start() -> Result<Option<Self>> {
        if command("command -v dockerd").is_err() {
            return Ok(None);
        }
        let folder = tempfile::Builder::new().prefix("pontoon-bench-dockerd-").tempdir();
        let folder = folder.map_err(Error::system("make a folder"))?;
        let root = folder.path().to_owned();
        let socket = root.join("docker.sock");
        let mut child = launch(&root, &socket)?;
        let host = Host::Unix(socket.clone());
        let client = Client::new(host).map_err(Error::api("make a client"))?.with_timeout(PATIENCE);
        let begin = Instant::now();
        while client.get("/_ping").is_err() {
            let ended = child.try_wait().map_err(Error::system("watch dockerd"))?;
            if ended.is_some() || begin.elapsed() > PATIENCE {
                let _ = child.kill();
                return Err(Error::Unfit(format!("dockerd is installed but does not start: {}", last_line(&root))));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut dockerd = Self { client, socket, child, folder, version: String::new() };
        dockerd.version = dockerd.told_version()?;
        Ok(Some(dockerd))
    }

    /// A client of it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Where its folders are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn told_version(&self) -> Result<String> {
        let answer = self.client.get("/version").map_err(Error::api("ask dockerd for its version"))?;
        let value: serde_json::Value = answer.json().map_err(Error::api("read dockerd's version"))?;
        Ok(value["Version"].as_str().unwrap_or("of unknown version").to_owned())
    }

    fn call(&self, path: &str, body: &serde_json::Value) -> Result<()> {
        let act = || format!("POST {path} to dockerd");
        let answer = self.client.post(path, Some(body.to_string().as_bytes())).map_err(Error::api(act()))?;
        answer.success().map(drop).map_err(Error::api(act()))
    }

    /// Makes a network as ours are made.
    pub fn create_network(&self, name: &str) -> Result<()> {
        let mut body = serde_json::to_value(network_request(name)).unwrap_or_default();
        // Versions before 27 find no IPv6 pool by themselves.
        let tail = name.bytes().fold(0u16, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        body["IPAM"] = serde_json::json!({"Config": [{"Subnet": format!("fd00:0:0:{tail:x}::/64")}]});
        self.call("/networks/create", &body)
    }

    /// Removes a network.
    pub fn remove_network(&self, name: &str) -> Result<()> {
        let act = || format!("DELETE network {name} of dockerd");
        let answer = self.client.delete(&format!("/networks/{name}")).map_err(Error::api(act()))?;
        answer.success().map(drop).map_err(Error::api(act()))
    }

    /// Starts a container that sleeps, on its default bridge; fails where there is no static busybox or no runtime.
    pub fn run_container(&self) -> Result<()> {
        let host = format!("docker -H unix://{}", self.socket.display());
        let busybox = command("readlink -f \"$(command -v busybox)\"")?;
        let busybox = busybox.trim();
        command(&format!("tar -C / -cf - {} | {host} import - bench:1", busybox.trim_start_matches('/')))?;
        command(&format!("{host} run -d --name {CONTAINER} bench:1 {busybox} sleep 3600")).map(drop)
    }

    /// Connects the container to a network.
    pub fn connect(&self, network: &str) -> Result<()> {
        self.call(&format!("/networks/{network}/connect"), &serde_json::json!({"Container": CONTAINER}))
    }

    /// Disconnects it.
    pub fn disconnect(&self, network: &str) -> Result<()> {
        let body = serde_json::json!({"Container": CONTAINER, "Force": false});
        self.call(&format!("/networks/{network}/disconnect"), &body)
    }

    /// Resident memory, in KiB, of dockerd alone.
    pub fn resident(&self) -> Result<f64> {
        resident(self.child.id())
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        // Its containers first: they live in processes of their own.
        let _ = command(&format!("docker -H unix://{} rm -f {CONTAINER}", self.socket.display()));
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX));
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let begin = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begin.elapsed() < Duration::from_secs(15) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(root: &Path, socket: &Path) -> Result<Child> {
    let path = root.display();
    let line = format!(
        "mount -t tmpfs tmpfs /run && (umount /sys/fs/cgroup/unified 2> /dev/null || true) && mkdir -p {path}/data && \
         mount -t tmpfs tmpfs {path}/data && ip link set lo up && echo 1 > /proc/sys/net/ipv4/ip_forward && exec setpriv --pdeathsig KILL dockerd \
         --data-root {path}/data --exec-root {path}/exec --pidfile {path}/pid -H unix://{} --storage-driver overlay2 \
         > {path}/log 2>&1",
        socket.display()
    );
    Command::new("unshare")
        .args(["--net", "--mount", "--propagation", "private", "sh", "-c", &line])
        .stdin(Stdio::null())
        .spawn()
        .map_err(Error::system("start dockerd"))
}

fn last_line(root: &Path) -> String {
    let log = std::fs::read_to_string(root.join("log")).unwrap_or_default();
    log.lines().last().unwrap_or("it said nothing").to_owned()
}
