//! A host with machines beside it, before any daemon runs on it.

use crate::host::Host;
use crate::peer::Peer;
use crate::place::Place;
use crate::skip::{skip, worlds_possible};
use crate::snapshot::Snapshot;
use crate::wait::until_true;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How the host is to be.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// Bridged packets go through the rules too (`br_netfilter`), as on many hosts.
    pub bridged_hooks: bool,
    /// The host's resolv.conf; without one, `wan` is its name server.
    pub resolv_conf: Option<String>,
}

/// A host, `lan` beside it, and `wan`, which is its way to the outside. `lan` sends everything by way of the host;
/// `wan` only knows its own link, so that it can answer nobody but the host's own addresses.
pub struct Scene {
    lan: Peer,
    wan: Peer,
    host: Place,
    namespaces: Arc<Host>,
    // Last: the folder goes when nothing is mounted in it any more.
    base: TempDir,
}

impl Scene {
    /// A scene on such ground; `None`, and said so, where none can be made.
    pub fn new(ground: Ground) -> Option<Self> {
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
        bridged_hooks(&host, ground.bridged_hooks);
        let folder = base.path().join("ns");
        let peer = |name, index| Peer::connect(&host, &namespaces, &folder, name, index);
        let (lan, wan) = (peer("lan", 1), peer("wan", 2));
        lan.route_by_host();
        host.tell(&format!("ip route add default via {}", wan.own[0]));
        host.tell(&format!("ip -6 route add default via {}", wan.own[1]));
        let resolv_conf = ground.resolv_conf.unwrap_or_else(|| format!("nameserver {}\n", wan.own[0]));
        std::fs::write(base.path().join("resolv.conf"), resolv_conf).unwrap();
        settle(&host);
        Some(Self { lan, wan, host, namespaces, base })
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

    /// The scene's own folder, which tests see too; `run` and `ns` in it only from within.
    pub fn folder(&self) -> &Path {
        self.base.path()
    }

    pub(crate) fn namespaces(&self) -> &Arc<Host> {
        &self.namespaces
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

    /// The number by which processes of the scene know `child`.
    pub fn pid_inside(&self, child: &std::process::Child) -> u32 {
        self.namespaces.pid_inside(child)
    }

    /// The network of the process that processes of the scene know by `pid`, as a place with a name.
    pub fn network_of(&self, pid: i64, name: &str) -> Place {
        let path = format!("/proc/{pid}/ns/net");
        let net = self.open(Path::new(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Place::new(name, Arc::new(net), self.namespaces.clone())
    }

    /// Opens a file as processes of the scene see it.
    pub fn open(&self, path: &Path) -> std::io::Result<std::fs::File> {
        self.namespaces.open(path)
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
