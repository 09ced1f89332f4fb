//! A world: the host, its daemon, and the machines beside it.

use crate::binaries::binary;
use crate::daemon::Daemon;
use crate::host::Host;
use crate::member::Member;
use crate::peer::Peer;
use crate::place::Place;
use crate::skip::{skip, worlds_possible};
use crate::snapshot::Snapshot;
use crate::wait::until_true;
use pontoon_client::blocking::Client;
use pontoon_types::Family;
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How a world is to be.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// More flags for the daemon.
    pub flags: Vec<String>,
    /// Bridged packets go through the rules too (`br_netfilter`), as on many hosts.
    pub bridged_hooks: bool,
    /// The host's resolv.conf; without one, `wan` is its name server.
    pub resolv_conf: Option<String>,
}

/// A host with a running daemon, `lan` beside it, and `wan`, which is its way to the outside. `lan` sends everything by
/// way of the host; `wan` only knows its own link, so that it can answer nobody but the host's own addresses.
pub struct World {
    daemon: Mutex<Daemon>,
    lan: Peer,
    wan: Peer,
    host: Place,
    namespaces: Arc<Host>,
    before: Snapshot,
    base: TempDir,
}

impl World {
    /// A world like any other; `None`, and said so, where none can be made.
    pub fn new() -> Option<Self> {
        Self::shaped(Shape::default())
    }

    /// A world of that shape.
    pub fn shaped(shape: Shape) -> Option<Self> {
        if let Err(reason) = worlds_possible() {
            skip(&reason);
            return None;
        }
        let base = tempfile::Builder::new().prefix("pontoon-world-").tempdir().unwrap();
        std::fs::write(base.path().join("resolv.conf"), "").unwrap();
        let namespaces = Arc::new(Host::new(base.path()));
        let host = Place::new("host", namespaces.net(), namespaces.clone());
        host.tell("ip link set lo up");
        host.sysctl("net/ipv4/ip_forward", "1");
        host.sysctl("net/ipv6/conf/all/forwarding", "1");
        bridged_hooks(&host, shape.bridged_hooks);
        let folder = base.path().join("ns");
        let peer = |name, index| Peer::connect(&host, &namespaces, &folder, name, index);
        let (lan, wan) = (peer("lan", 1), peer("wan", 2));
        lan.route_by_host();
        host.tell(&format!("ip route add default via {}", wan.own[0]));
        host.tell(&format!("ip -6 route add default via {}", wan.own[1]));
        let resolv_conf = shape.resolv_conf.unwrap_or_else(|| format!("nameserver {}\n", wan.own[0]));
        std::fs::write(base.path().join("resolv.conf"), resolv_conf).unwrap();
        settle(&host);
        host.tell(&format!("mkdir -p {}", base.path().join("run/netns").display()));
        let before = Snapshot::take(&host, &base.path().join("run"));
        let mut daemon = Daemon::new(host.clone(), base.path(), &shape.flags);
        daemon.start();
        Some(Self { daemon: Mutex::new(daemon), lan, wan, host, namespaces, before, base })
    }

    /// The host.
    pub fn host(&self) -> &Place {
        &self.host
    }

    /// The neighbour.
    pub fn lan(&self) -> &Peer {
        &self.lan
    }

    /// The outside.
    pub fn wan(&self) -> &Peer {
        &self.wan
    }

    /// The world's own folder, which tests see too; `run` and `ns` in it only from within.
    pub fn folder(&self) -> &Path {
        self.base.path()
    }

    /// The daemon.
    pub fn daemon(&self) -> MutexGuard<'_, Daemon> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `kill -9` of the daemon.
    pub fn kill9_daemon(&self) {
        self.daemon().kill9();
    }

    /// Starts the daemon again and waits until it answers.
    pub fn start_daemon(&self) {
        self.daemon().start();
    }

    /// A client of the daemon.
    pub fn api(&self) -> Client {
        self.daemon().client()
    }

    /// The command line, ready to be given arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(binary("pontoon"));
        command.args(["-H", &format!("unix://{}", self.daemon().socket().display())]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `pontoon WORDS…` on the host, to its end.
    pub fn pontoon(&self, words: &[&str]) -> Output {
        let mut command = self.command();
        command.args(words);
        self.host.spawn(command).wait_with_output().unwrap()
    }

    /// `pontoon LINE`, which must succeed; gives what it printed, without the last line break.
    #[track_caller]
    pub fn told(&self, line: &str) -> String {
        let output = self.pontoon(&line.split_whitespace().collect::<Vec<_>>());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pontoon {line}: {errors}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// A new network: `pontoon network create FLAGS`; gives its id.
    #[track_caller]
    pub fn network(&self, flags: &str) -> String {
        self.told(&format!("network create {flags}"))
    }

    /// A new sandbox: `pontoon sandbox create --name NAME FLAGS`.
    #[track_caller]
    pub fn sandbox(&self, name: &str, flags: &str) -> Member {
        self.told(&format!("sandbox create --name {name} {flags}"));
        self.member(name)
    }

    /// A sandbox that is there.
    #[track_caller]
    pub fn member(&self, name: &str) -> Member {
        Member::new(self.api().sandbox(name).unwrap(), &self.namespaces)
    }

    /// The gateway of a network, which is its bridge's own address where the bridge has one.
    #[track_caller]
    pub fn gateway(&self, network: &str, family: Family) -> Option<IpAddr> {
        let network = self.api().network(network, false, "").unwrap();
        let gateways = network.ipam.config.unwrap_or_default().into_iter().filter_map(|pool| pool.gateway.ip());
        gateways.into_iter().find(|gateway| gateway.is_ipv4() == (family == Family::V4))
    }

    /// What the kernel has of the host now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.host, &self.base.path().join("run"))
    }

    /// Waits until the kernel has what it had at `before`; fails with what differs.
    #[track_caller]
    pub fn returns_to(&self, before: &Snapshot, bound: Duration) {
        let end = Instant::now() + bound;
        loop {
            let difference = before.difference(&self.snapshot());
            if difference.is_empty() {
                return;
            }
            assert!(Instant::now() < end, "still different after {bound:?}:\n{}", difference.join("\n"));
        }
    }

    /// The number by which processes of the world know `child`.
    pub fn pid_inside(&self, child: &std::process::Child) -> u32 {
        self.namespaces.pid_inside(child)
    }

    /// Opens a file as processes of the world see it.
    pub fn open(&self, path: &Path) -> std::io::Result<std::fs::File> {
        self.namespaces.open(path)
    }

    /// Stops the daemon, lets it clean up, and says what is left in the kernel: nothing, if all is well.
    pub fn end(&self) -> Vec<String> {
        let mut daemon = self.daemon();
        let mut left = Vec::new();
        if let Some(status) = daemon.stop()
            && !status.success()
        {
            left.push(format!("pontoond ended with {status}"));
        }
        let cleanup = daemon.run(&["--cleanup"]);
        if !cleanup.status.success() {
            left.push(format!("pontoond --cleanup: {}", String::from_utf8_lossy(&cleanup.stderr)));
        }
        left.extend(self.before.difference(&self.snapshot()));
        left
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- the daemon's log\n{}----", self.daemon().log());
            return;
        }
        let left = self.end();
        assert!(left.is_empty(), "left behind:\n{}\n---- the daemon's log\n{}", left.join("\n"), self.daemon().log());
    }
}

/// Waits until the links have all their addresses.
fn settle(host: &Place) {
    until_true("the host's links have their addresses", Duration::from_secs(10), || {
        let local = host.tell("ip -6 -o address show scope link");
        local.lines().count() == 2 && !local.contains("tentative")
    });
}

/// A kernel with bridge filtering built in has it on; each namespace has its own switch.
fn bridged_hooks(host: &Place, on: bool) {
    let value = if on { "1" } else { "0" };
    for family in ["iptables", "ip6tables"] {
        let key = format!("net/bridge/bridge-nf-call-{family}");
        let there = host.run(|| Path::new("/proc/sys").join(&key).exists());
        if there {
            host.sysctl(&key, value);
        } else {
            assert!(!on, "this kernel does not filter bridged packets");
        }
    }
}
