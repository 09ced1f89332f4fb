//! Namespaces with sockets in them, for tests of what the rules do to packets.
//!
//! Everything is made in namespaces of the test's own process and vanishes with it; nothing of the machine is touched.

#![allow(dead_code, missing_docs, reason = "each test binary uses another part")]

pub mod socket;
pub mod world;

use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::Arc;

/// A network namespace that lives as long as the value.
#[derive(Clone)]
pub struct Namespace {
    file: Arc<File>,
}

impl Namespace {
    /// A new one, with loopback up and without duplicate address detection.
    pub fn new() -> Self {
        let make = || {
            unshare(CloneFlags::CLONE_NEWNET).expect("these tests need CAP_SYS_ADMIN");
            File::open("/proc/thread-self/ns/net").unwrap()
        };
        let file = std::thread::spawn(make).join().unwrap();
        let namespace = Self { file: Arc::new(file) };
        namespace.ip("link set lo up");
        for family in ["all", "default"] {
            namespace.sysctl(&format!("net/ipv6/conf/{family}/accept_dad"), "0");
        }
        namespace
    }

    /// The open file of the namespace.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Runs `act` on a thread inside.
    pub fn run<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            setns(self.file.as_fd(), CloneFlags::CLONE_NEWNET).unwrap();
            act()
        };
        std::thread::scope(|scope| scope.spawn(inside).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// `ip ARGUMENTS`
    pub fn ip(&self, arguments: &str) {
        self.command("ip", arguments);
    }

    /// Runs a command inside and gives what it printed; it must succeed.
    pub fn command(&self, program: &str, arguments: &str) -> String {
        let output = self
            .run(|| Command::new(program).args(arguments.split_whitespace()).output().expect("the program is there"));
        assert!(output.status.success(), "{program} {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Feeds `text` to `nft -f -`.
    pub fn nft(&self, text: &str) -> std::process::Output {
        use std::io::Write;
        use std::process::Stdio;
        self.run(|| {
            let mut child = Command::new("nft")
                .args(["-f", "-"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("nft is there");
            child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            child.wait_with_output().unwrap()
        })
    }

    /// Writes a sysctl.
    pub fn sysctl(&self, key: &str, value: &str) {
        self.run(|| std::fs::write(format!("/proc/sys/{key}"), value)).unwrap_or_else(|error| panic!("{key}: {error}"));
    }

    /// A veth pair: `name` here, `peer_name` in `peer`, both up.
    pub fn connect(&self, name: &str, peer: &Namespace, peer_name: &str) {
        use std::os::fd::AsRawFd;
        let peer_path = format!("/proc/{}/fd/{}", std::process::id(), peer.file.as_raw_fd());
        self.ip(&format!("link add {name} type veth peer name {peer_name} netns {peer_path}"));
        self.ip(&format!("link set {name} up"));
        peer.ip(&format!("link set {peer_name} up"));
    }
}
