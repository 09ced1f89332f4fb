//! The pontoond of a world: started, killed, stopped, and what it wrote to its log.

use crate::binaries::binary;
use crate::place::Place;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pontoon_client::Host;
use pontoon_client::blocking::Client;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a start or a stop may take on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon's folders and flags; at most one runs at a time.
pub struct Daemon {
    host: Place,
    base: PathBuf,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Daemon {
    /// One with everything below `base`, not started yet.
    pub fn new(host: Place, base: &Path, arguments: &[String]) -> Self {
        std::fs::write(base.join("daemon.json"), "{}").unwrap();
        Self { host, base: base.to_owned(), arguments: arguments.to_vec(), child: None }
    }

    /// Where the API is.
    pub fn socket(&self) -> PathBuf {
        self.base.join("pontoon.sock")
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        Client::new(Host::Unix(self.socket())).unwrap().with_timeout(PATIENCE)
    }

    /// Starts it and waits until it answers.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "the daemon runs already");
        let log = File::options().append(true).create(true).open(self.log_path()).unwrap();
        let mut command = self.command(&[]);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(self.host.spawn(command));
        let client = self.client();
        let end = Instant::now() + PATIENCE;
        while client.ping().is_err() {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none(), "pontoond ended with {ended:?}:\n{}", self.log());
            assert!(Instant::now() < end, "pontoond does not answer:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it runs.
    pub fn running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Its process id as this test knows it.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the daemon runs").id()
    }

    /// `kill -9`.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to stop and waits; `None` when it did not run.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        let mut child = self.child.take()?;
        self.signal_to(&child, Signal::SIGTERM);
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return Some(status);
            }
            if Instant::now() > end {
                let _ = child.kill();
                let _ = child.wait();
                panic!("pontoond did not stop:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.signal_to(self.child.as_ref().expect("the daemon runs"), signal);
    }

    fn signal_to(&self, child: &Child, signal: Signal) {
        let _ = kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal);
    }

    /// Runs another one on the same folders to its end, with more flags.
    pub fn run(&self, flags: &[&str]) -> Output {
        let mut command = self.command(flags);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.host.spawn(command).wait_with_output().unwrap()
    }

    /// Everything that was logged since the world began.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// A number in the line that tells of the last start, such as `kernel_writes`.
    pub fn at_start(&self, field: &str) -> u64 {
        let log = self.log();
        let line = log.lines().rev().find(|line| line.contains(r#""message":"ready""#)).expect("the daemon was ready");
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line[field].as_u64().unwrap_or_else(|| panic!("no {field} in {line}"))
    }

    fn log_path(&self) -> PathBuf {
        self.base.join("log")
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(binary("pontoond"));
        let flag = |name: &str, path: &str| [OsString::from(name), self.base.join(path).into_os_string()];
        command
            .args(flag("--data-root", "data"))
            .args(flag("--exec-root", "run"))
            .args(flag("--pidfile", "pontoond.pid"))
            .args(flag("--config-file", "daemon.json"))
            .args(["--log-format", "json", "-H", &format!("unix://{}", self.socket().display())])
            .args(&self.arguments)
            .args(flags)
            .env_remove("NOTIFY_SOCKET");
        command
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill9();
    }
}
