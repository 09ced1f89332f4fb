//! A world: the host, its daemon, and the machines beside it.

use crate::binaries::binary;
use crate::daemon::Daemon;
use crate::member::Member;
use crate::scene::{Ground, Scene};
use crate::snapshot::Snapshot;
use pontoon_client::blocking::Client;
use pontoon_types::Family;
use std::net::IpAddr;
use std::ops::Deref;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How a world is to be.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// More flags for the daemon.
    pub flags: Vec<String>,
    /// Bridged packets go through the rules too (`br_netfilter`), as on many hosts.
    pub bridged_hooks: bool,
    /// The host's resolv.conf; without one, `wan` is its name server.
    pub resolv_conf: Option<String>,
    /// Lines of words run on the host before the daemon starts; `@` stands for the world's folder.
    pub before: Vec<String>,
}

/// A [`Scene`] whose host has a running daemon.
pub struct World {
    daemon: Mutex<Daemon>,
    before: Snapshot,
    // Last: its processes and mounts end after the daemon.
    scene: Scene,
}

impl World {
    /// A world like any other; `None`, and said so, where none can be made.
    pub fn new() -> Option<Self> {
        Self::shaped(Shape::default())
    }

    /// A world of that shape.
    pub fn shaped(shape: Shape) -> Option<Self> {
        let scene = Scene::new(Ground { bridged_hooks: shape.bridged_hooks, resolv_conf: shape.resolv_conf })?;
        let run = scene.folder().join("run");
        scene.host().tell(&format!("mkdir -p {}", run.join("netns").display()));
        let folder = scene.folder().to_str().unwrap().to_owned();
        shape.before.iter().for_each(|line| drop(scene.host().tell(&line.replace('@', &folder))));
        let before = scene.snapshot();
        let mut daemon = Daemon::new(scene.host().clone(), scene.folder(), &shape.flags);
        daemon.start();
        Some(Self { daemon: Mutex::new(daemon), before, scene })
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
        self.host().spawn(command).wait_with_output().unwrap()
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
        Member::new(self.api().sandbox(name).unwrap(), self.scene.namespaces())
    }

    /// The gateway of a network, which is its bridge's own address where the bridge has one.
    #[track_caller]
    pub fn gateway(&self, network: &str, family: Family) -> Option<IpAddr> {
        let network = self.api().network(network, false, "").unwrap();
        let gateways = network.ipam.config.unwrap_or_default().into_iter().filter_map(|pool| pool.gateway.ip());
        gateways.into_iter().find(|gateway| gateway.is_ipv4() == (family == Family::V4))
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

impl Deref for World {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
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
