//! A pontoond under measurement: start, kill, and what /proc tells of it.

use crate::error::{Error, Result};
use crate::world::World;
use pontoon_api_types::{CreateNetworkRequest, CreateSandboxRequest, EndpointSettings, Ordered, PortMap};
use pontoon_client::Host;
use pontoon_client::blocking::Client;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than this no start may take.
const PATIENCE: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running pontoond with its client.
pub struct Daemon {
    /// Its client.
    pub client: Client,
    program: PathBuf,
    root: PathBuf,
    child: Child,
    /// From its start to its first answer.
    pub ready_after: Duration,
}

impl Daemon {
    /// Starts `program` with roots below the world's folder, called `name`.
    pub fn start(program: &Path, world: &World, name: &str) -> Result<Self> {
        let root = world.folder().join(name);
        fs::create_dir_all(&root).map_err(Error::system("make a folder"))?;
        let host = Host::Unix(root.join("pontoon.sock"));
        let client = Client::new(host).map_err(Error::api("make a client"))?.with_timeout(TIMEOUT);
        let (child, ready_after) = launch(program, &root, &client)?;
        Ok(Self { client, program: program.to_owned(), root, child, ready_after })
    }

    /// Ends it without warning, as a crash would.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().map_err(Error::system("kill pontoond"))?;
        self.child.wait().map(drop).map_err(Error::system("wait for pontoond"))
    }

    /// Starts it again on the same roots, after [`Daemon::kill`].
    pub fn start_again(&mut self) -> Result<()> {
        let host = Host::Unix(self.root.join("pontoon.sock"));
        self.client = Client::new(host).map_err(Error::api("make a client"))?.with_timeout(TIMEOUT);
        (self.child, self.ready_after) = launch(&self.program, &self.root, &self.client)?;
        Ok(())
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its folders are.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Resident memory, in KiB.
    pub fn resident(&self) -> Result<f64> {
        resident(self.pid())
    }

    /// Processes it has started and that still run.
    pub fn children(&self) -> Result<usize> {
        let tasks =
            fs::read_dir(format!("/proc/{}/task", self.pid())).map_err(Error::system("list pontoond's threads"))?;
        let lists = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
        Ok(lists.map(|list| list.split_whitespace().count()).sum())
    }

    /// Its log so far.
    pub fn log(&self) -> Result<String> {
        fs::read_to_string(self.root.join("log")).map_err(Error::system("read pontoond's log"))
    }

    /// Makes a bridge network with both families.
    pub fn network(&self, name: &str) -> Result<()> {
        let request = network_request(name);
        self.client.create_network(&request).map(drop).map_err(Error::api(format!("create network {name}")))
    }

    /// Makes a sandbox joined to `networks`, and gives the path of its namespace.
    pub fn sandbox(&self, name: &str, networks: &[&str]) -> Result<PathBuf> {
        let joined = networks.iter().map(|network| ((*network).to_owned(), Some(EndpointSettings::default())));
        let request = CreateSandboxRequest {
            name: name.into(),
            networks: Ordered(joined.collect()),
            ..CreateSandboxRequest::default()
        };
        self.client.create_sandbox(&request).map_err(Error::api(format!("create sandbox {name}")))?;
        let made = self.client.sandbox(name).map_err(Error::api(format!("inspect sandbox {name}")))?;
        Ok(made.network_settings.sandbox_key.into())
    }

    /// A sandbox's IPv4 address in a network.
    pub fn address(&self, sandbox: &str, network: &str) -> Result<String> {
        let made = self.client.sandbox(sandbox).map_err(Error::api(format!("inspect sandbox {sandbox}")))?;
        let endpoint = made.network_settings.networks.get(network);
        let address = endpoint.and_then(|endpoint| endpoint.ip_address.get().ok().flatten());
        address
            .map(|address| address.to_string())
            .ok_or_else(|| Error::Unfit(format!("{sandbox} has no IPv4 address in {network}")))
    }

    /// Replaces a sandbox's published ports.
    pub fn publish(&self, sandbox: &str, ports: PortMap) -> Result<()> {
        self.client.set_ports(sandbox, ports).map(drop).map_err(Error::api(format!("publish ports of {sandbox}")))
    }

    /// Removes a network.
    pub fn remove_network(&self, name: &str) -> Result<()> {
        self.client.remove_network(name).map_err(Error::api(format!("remove network {name}")))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already; there is nobody to tell either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A bridge network with both families.
pub fn network_request(name: &str) -> CreateNetworkRequest {
    CreateNetworkRequest {
        name: name.into(),
        driver: "bridge".into(),
        enable_ipv6: Some(true),
        options: BTreeMap::new(),
        ..CreateNetworkRequest::default()
    }
}

/// Resident memory of a process, in KiB.
pub fn resident(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(Error::system("read a process's memory"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
    number.ok_or_else(|| Error::Unfit(format!("/proc/{pid}/status tells no VmRSS")))
}

/// CPU time that a process (`/proc/PID`) or thread (`/proc/self/task/TID`) has used.
pub fn cpu_time(folder: &str) -> Result<Duration> {
    let stat = fs::read_to_string(format!("{folder}/stat")).map_err(Error::system("read a process's CPU time"))?;
    // The name in parentheses may hold anything; behind it stand the state and then numbers.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100) as f64;
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => Ok(Duration::from_secs_f64((user + system) / per_second)),
        _ => Err(Error::Unfit(format!("{folder}/stat is not understood"))),
    }
}

fn launch(program: &Path, root: &Path, client: &Client) -> Result<(Child, Duration)> {
    let log = OpenOptions::new().create(true).append(true).open(root.join("log"));
    let log = log.map_err(Error::system("open a log file"))?;
    let socket = format!("unix://{}", root.join("pontoon.sock").display());
    let path = |name: &str| root.join(name).display().to_string();
    let begin = Instant::now();
    // pdeathsig: should this process be killed, the daemon goes with it.
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL"])
        .arg(program)
        .args(["--data-root", &path("data"), "--exec-root", &path("exec"), "--pidfile", &path("pid")])
        .args(["-H", &socket, "--log-format", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(Error::system("start pontoond"))?;
    while client.ping().is_err() {
        if let Some(status) = child.try_wait().map_err(Error::system("watch pontoond"))? {
            let log = fs::read_to_string(root.join("log")).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(3).collect();
            return Err(Error::Unfit(format!("pontoond ended with {status}: {}", last.join(" / "))));
        }
        if begin.elapsed() > PATIENCE {
            // The caller gets the error; the process must not stay.
            let _ = child.kill();
            let _ = child.wait();
            return Err(Error::Unfit(format!("pontoond did not answer within {PATIENCE:?}")));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok((child, begin.elapsed()))
}
