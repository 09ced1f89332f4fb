//! Starting a monitor: the process that creates a container or command, and stays with it.
//!
//! A monitor forks itself away at once and is nobody's child. It reports over a pipe of ours: the pid of the process
//! that was made, or why none was.

use super::folder::Folder;
use super::oci::{Oci, environment};
use super::process::Process;
use crate::{Error, Result};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sched::{CloneFlags, unshare};
use serde::Deserialize;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that has ended.
const GONE: Process = Process { pid: 0, start: 0 };
/// The longest report; a runtime's complaint is a line.
const MOST: usize = 1 << 20;

/// A monitor to be started.
pub(super) struct Launch<'a> {
    pub program: &'a Path,
    pub oci: &'a Oci,
    /// The container's id.
    pub id: String,
    pub folder: &'a Folder,
    pub arguments: Vec<OsString>,
    /// A short folder for its sockets.
    pub sockets: PathBuf,
    pub act: &'static str,
    /// What Docker says before a refusal.
    pub prefix: &'static str,
    pub patience: Duration,
    /// Whether it is to wait until somebody is attached.
    pub waits: bool,
}

#[derive(Deserialize)]
struct Report {
    data: i64,
    #[serde(default)]
    message: Option<String>,
}

impl Launch<'_> {
    /// Starts the monitor and waits for its report. `attach` is called when streams can be attached and nothing runs yet,
    /// if the monitor waits for that. After an error the monitor and everything below it has ended.
    pub fn run<T>(self, attach: impl FnOnce() -> Result<T>) -> Result<(Process, Process, Option<T>)> {
        let until = Instant::now() + self.patience;
        let outcome = self.begin(until, attach);
        if outcome.is_err() {
            self.end();
        }
        outcome
    }

    fn begin<T>(&self, until: Instant, attach: impl FnOnce() -> Result<T>) -> Result<(Process, Process, Option<T>)> {
        let (report, report_end) = pipe()?;
        let (start_end, start) = pipe()?;
        let (attached, attached_end) = pipe()?;
        let mut ends = vec![("_OCI_SYNCPIPE", report_end.as_fd())];
        if self.waits {
            ends.push(("_OCI_STARTPIPE", start_end.as_fd()));
            ends.push(("_OCI_ATTACHPIPE", attached_end.as_fd()));
        }
        let mut child = self.spawn(&ends)?;
        drop((report_end, start_end, attached_end));
        let outcome = self.converse(until, report, attached, start, attach);
        if outcome.is_err()
            && let Some(process) = Process::now(child.id())
        {
            process.end_tree(Duration::from_secs(10));
        }
        // It has forked itself away long since, or was just ended.
        let _ = child.wait();
        let (first, extra) = outcome?;
        let monitor = match self.folder.pid("monitor").and_then(Process::now) {
            Some(monitor) => monitor,
            // A command may be over before we have looked, and its monitor with it: it has written the exit.
            None if self.folder.exit().is_some() => GONE,
            None => return Err(self.died()),
        };
        Ok((monitor, first, extra))
    }

    fn converse<T>(
        &self,
        until: Instant,
        report: PipeReader,
        attached: PipeReader,
        mut start: PipeWriter,
        attach: impl FnOnce() -> Result<T>,
    ) -> Result<(Process, Option<T>)> {
        let mut extra = None;
        if self.waits {
            // Once for itself, once for the runtime; a monitor that is gone is noticed at the next pipe.
            let _ = start.write_all(b"0");
            self.answer(attached, until)?;
            extra = Some(attach()?);
            let _ = start.write_all(b"0");
        }
        let first = self.answer(report, until)?;
        let first = u32::try_from(first).ok().filter(|&pid| pid > 0).and_then(Process::now);
        // A command may be over before we have looked; its exit file tells.
        Ok((first.unwrap_or(GONE), extra))
    }

    /// Spawns it on a thread with file descriptors of its own: only there the pipes' ends are open to a child. Otherwise
    /// a monitor that is started at the same moment by another thread would hold them, too, for all its life.
    fn spawn(&self, ends: &[(&str, std::os::fd::BorrowedFd<'_>)]) -> Result<Child> {
        let failed = |act: &'static str| move |cause: io::Error| Error::Process { act: act.into(), cause };
        let errors = File::create(self.folder.file("monitor.errors")).map_err(|cause| Error::File {
            act: "create",
            path: self.folder.file("monitor.errors"),
            cause,
        })?;
        let mut command = Command::new(self.program);
        command.args(self.own_arguments()).args(&self.arguments).current_dir(&self.folder.path);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
        environment(&mut command);
        command.env("TMPDIR", &self.sockets);
        for (name, end) in ends {
            command.env(name, end.as_raw_fd().to_string());
        }
        let spawned = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("spawn".into()).spawn_scoped(scope, || {
                unshare(CloneFlags::CLONE_FILES)?;
                for (_, end) in ends {
                    fcntl(end, FcntlArg::F_SETFD(FdFlag::empty()))?;
                }
                command.spawn()
            });
            thread.map(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked"))))
        });
        spawned.map_err(failed("start a thread"))?.map_err(|cause| {
            if cause.kind() == io::ErrorKind::NotFound {
                return super::oci::missing("conmon");
            }
            failed("start conmon")(cause)
        })
    }

    fn own_arguments(&self) -> Vec<OsString> {
        let folder = &self.folder;
        let mut all: Vec<OsString> = ["--api-version", "1", "--full-attach", "--no-sync-log"].map(Into::into).into();
        let mut add = |flag: &str, value: OsString| {
            all.push(flag.into());
            all.push(value);
        };
        add("--cid", self.id.clone().into());
        add("--cuuid", self.id.clone().into());
        add("--name", self.id.clone().into());
        add("--runtime", self.oci.program.clone().into());
        add("--bundle", folder.path.clone().into());
        add("--container-pidfile", folder.file("pid").into());
        add("--conmon-pidfile", folder.file("monitor").into());
        add("--exit-dir", folder.path.clone().into());
        all.extend(self.oci.arguments().into_iter().map(|argument| {
            let mut whole = OsString::from("--runtime-arg=");
            whole.push(argument);
            whole
        }));
        all
    }

    /// Waits for one report; the number in it.
    fn answer(&self, mut pipe: PipeReader, until: Instant) -> Result<i64> {
        let failed = |cause| Error::Process { act: "read from conmon".into(), cause };
        let mut said = Vec::new();
        while !said.contains(&b'\n') && said.len() < MOST {
            let left = until.saturating_duration_since(Instant::now());
            if !crate::wait::readable(pipe.as_fd(), left).map_err(failed)? {
                return Err(Error::TimedOut { program: self.slow(), act: self.act, patience: self.patience });
            }
            let mut buffer = [0; 4096];
            match pipe.read(&mut buffer).map_err(failed)? {
                0 => break,
                length => said.extend_from_slice(&buffer[..length]),
            }
        }
        // The exit code of a command that is over at once follows in the same breath.
        let line = said.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let report: Report = serde_json::from_slice(line).map_err(|_| self.died())?;
        if report.data >= 0 {
            return Ok(report.data);
        }
        Err(self.oci.refused(self.act, self.prefix, report.message.as_deref().unwrap_or_default()))
    }

    /// Which of the two programs keeps us waiting: the runtime, if it runs.
    fn slow(&self) -> String {
        if self.folder.pid("monitor").is_some() { self.oci.name.clone() } else { "conmon".into() }
    }

    /// The error for a monitor that says nothing.
    fn died(&self) -> Error {
        let said = std::fs::read_to_string(self.folder.file("monitor.errors")).unwrap_or_default();
        let said: String = said.trim().chars().filter(|c| !c.is_control()).take(1000).collect();
        let message = if said.is_empty() { said } else { format!(": {said}") };
        Error::Died { program: "conmon".into(), act: self.act, message }
    }

    /// Ends a monitor that was started for nothing.
    fn end(&self) {
        if let Some(process) = left_behind(self.folder, &self.id) {
            process.end_tree(Duration::from_secs(10));
        }
    }
}

/// The monitor whose pid stands in `folder`, if that is what it is: without a record there is no start time, but a
/// monitor's command line has the container's id.
pub(super) fn left_behind(folder: &Folder, id: &str) -> Option<Process> {
    let process = Process::now(folder.pid("monitor")?)?;
    let line = std::fs::read(format!("/proc/{}/cmdline", process.pid)).ok()?;
    let mut words = line.split(|&byte| byte == 0);
    let is_it = words.any(|word| word == b"--conmon-pidfile")
        && words.next() == Some(folder.file("monitor").as_os_str().as_encoded_bytes());
    (is_it && line.split(|&byte| byte == 0).any(|word| word == id.as_bytes())).then_some(process)
}

fn pipe() -> Result<(PipeReader, PipeWriter)> {
    io::pipe().map_err(|cause| Error::Process { act: "make a pipe".into(), cause })
}
