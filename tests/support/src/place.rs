//! A place in a world: a network namespace in which threads and programs can be put.

use crate::host::Host;
use nix::sched::{CloneFlags, setns};
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::AsFd;
use std::panic::resume_unwind;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

/// A network namespace with a name. Clones are the same place.
#[derive(Clone)]
pub struct Place {
    name: String,
    net: Arc<File>,
    host: Arc<Host>,
}

impl Place {
    /// A place in `host`'s world.
    pub fn new(name: &str, net: Arc<File>, host: Arc<Host>) -> Self {
        Self { name: name.to_owned(), net, host }
    }

    /// What tests call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `act` on a thread inside. Only its network is the world's; files and processes are the test's.
    pub fn run<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            setns(self.net.as_fd(), CloneFlags::CLONE_NEWNET).unwrap();
            act()
        };
        std::thread::scope(|scope| scope.spawn(inside).join()).unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Starts a program inside; it sees the world's files and processes.
    pub fn spawn(&self, command: Command) -> Child {
        let shown = format!("{command:?}");
        let child = self.host.spawn(command, Some(self.net.clone()));
        child.unwrap_or_else(|error| panic!("{shown}: {error}"))
    }

    /// Runs a program inside to its end.
    pub fn output<A: AsRef<OsStr>>(&self, program: impl AsRef<OsStr>, arguments: &[A]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.spawn(command).wait_with_output().unwrap()
    }

    /// Runs a line of words inside, which must succeed, and gives what it printed.
    #[track_caller]
    pub fn tell(&self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let output = self.output(words[0], &words[1..]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} in {}: {}", line, self.name, errors);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Feeds `text` to `nft -f -`, which must succeed.
    #[track_caller]
    pub fn nft(&self, text: &str) {
        use std::io::Write;
        let mut command = Command::new("nft");
        command.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.spawn(command);
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Writes a sysctl, such as `net/ipv4/ip_forward`.
    #[track_caller]
    pub fn sysctl(&self, key: &str, value: &str) {
        let write = || std::fs::write(format!("/proc/sys/{key}"), value);
        self.run(write).unwrap_or_else(|error| panic!("{key}: {error}"));
    }

    /// Reads a sysctl.
    #[track_caller]
    pub fn read_sysctl(&self, key: &str) -> String {
        let read = || std::fs::read_to_string(format!("/proc/sys/{key}"));
        self.run(read).unwrap_or_else(|error| panic!("{key}: {error}")).trim().to_owned()
    }

    /// Whether a link of that name is here.
    pub fn has_link(&self, link: &str) -> bool {
        self.run(|| nix::net::if_::if_nametoindex(link).is_ok())
    }

    /// The Ethernet address of a link.
    #[track_caller]
    pub fn mac(&self, link: &str) -> [u8; 6] {
        let text = self.tell(&format!("ip -o link show dev {link}"));
        let mac = text.split("link/ether ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        let bytes: Vec<u8> = mac.split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        bytes.try_into().unwrap()
    }
}
