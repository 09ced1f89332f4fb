//! Commands in a running container.

use super::Conmon;
use super::attach::connected;
use super::create::stream_arguments;
use super::folder::{Folder, Record};
use super::monitor::Launch;
use super::process::Process;
use crate::bundle::exec_process;
use crate::{Attachment, ConsoleSize, Created, Ending, Error, ExecPlan, Phase, Result, State, Stdin};
use pontoon_types::{ContainerId, ExecId};
use std::ffi::OsString;
use std::time::Duration;

impl Conmon {
    pub(super) fn run_command(
        &self,
        id: &ContainerId,
        plan: &ExecPlan,
        attached: bool,
    ) -> Result<(Created, Option<Attachment>)> {
        let state = self.state_of(id)?.ok_or_else(|| Error::NoSuchContainer { id: id.to_string() })?;
        if state.phase != Phase::Running {
            return Err(Error::NotRunning { id: id.to_string() });
        }
        let (container, record) = self.record(id)?;
        let monitor = self.monitor()?;
        let folder = container.exec(plan.id);
        if !folder.make()? {
            return Err(Error::Exists { id: plan.id.to_string() });
        }
        let made = self.make_command(id, plan, &container, &folder, &record, &monitor, attached);
        let Err(error) = made else { return made };
        folder.remove()?;
        // What the runtime says of a container that ended meanwhile is not what the caller asked about.
        if record.first.lives() { Err(error) } else { Err(Error::NotRunning { id: id.to_string() }) }
    }

    #[expect(clippy::too_many_arguments, reason = "the steps of one function, parted for reading")]
    fn make_command(
        &self,
        id: &ContainerId,
        plan: &ExecPlan,
        container: &Folder,
        folder: &Folder,
        record: &Record,
        monitor: &std::path::Path,
        attached: bool,
    ) -> Result<(Created, Option<Attachment>)> {
        let config = container.file("config.json");
        let spec = oci_spec::runtime::Spec::load(&config).map_err(|error| Error::File {
            act: "read",
            path: config,
            cause: std::io::Error::other(error),
        })?;
        let first = spec.process().as_ref().ok_or_else(|| Error::NoSuchContainer { id: id.to_string() })?;
        folder.write_json("process.json", &exec_process(plan, first, &record.rootfs)?)?;
        let mut arguments: Vec<OsString> =
            ["--log-path", "none", "--exec", "--exec-process-spec"].map(Into::into).into();
        arguments.push(folder.file("process.json").into());
        if attached {
            arguments.push("--exec-attach".into());
        }
        stream_arguments(plan.process.tty, plan.process.stdin, &mut arguments);
        let launch = Launch {
            program: monitor,
            oci: &record.oci,
            id: id.to_string(),
            folder,
            arguments,
            sockets: self.sockets(),
            act: "exec",
            prefix: "",
            patience: self.settings.patience,
            waits: attached,
        };
        let patience = self.settings.patience;
        let (monitor, first, socket) = launch.run(|| connected(folder, patience))?;
        let made = Record {
            oci: record.oci.clone(),
            monitor,
            first,
            tty: plan.process.tty,
            stdin: plan.process.stdin.into(),
            cgroup: None,
            shm: false,
            rootfs: record.rootfs.clone(),
            rotation: None,
        };
        folder.write_json("record.json", &made)?;
        if let (true, Some(size)) = (plan.process.tty, plan.process.console_size) {
            // crun gives the terminal of a command no size, so it follows. A command that is over has no terminal any more.
            let _ = folder.tell(1, size.height, size.width);
        }
        let stdin = plan.process.stdin != Stdin::Closed;
        let attachment = socket.map(|socket| Attachment::new(socket, stdin));
        Ok((Created { pid: first.pid, monitor: monitor.pid }, attachment))
    }

    pub(super) fn command(&self, id: &ContainerId, exec: &ExecId) -> Result<(Folder, Record)> {
        let folder = self.folder(id).exec(exec);
        let record = folder.record().ok_or_else(|| Error::NoSuchExec { id: exec.to_string() })?;
        Ok((folder, record))
    }

    pub(super) fn command_state(&self, id: &ContainerId, exec: &ExecId) -> Result<Option<State>> {
        let Ok((folder, record)) = self.command(id, exec) else { return Ok(None) };
        Ok(Some(match self.end_of(&folder, &record)? {
            Some(exit) => State { phase: Phase::Ended(exit), pid: 0 },
            None => State { phase: Phase::Running, pid: record.first.pid },
        }))
    }

    pub(super) fn command_ending(&self, id: &ContainerId, exec: &ExecId) -> Result<Ending> {
        self.command(id, exec)?.1.monitor.ending()
    }

    pub(super) fn resize_command(&self, id: &ContainerId, exec: &ExecId, size: ConsoleSize) -> Result<()> {
        let (folder, _) = self.command(id, exec)?;
        folder.tell(1, size.height, size.width)
    }

    pub(super) fn kill_command(&self, id: &ContainerId, exec: &ExecId, signal: i32) -> Result<()> {
        let (_, record) = self.command(id, exec)?;
        if record.first.signal(signal)? { Ok(()) } else { Err(Error::NotRunning { id: exec.to_string() }) }
    }

    pub(super) fn forget_command(&self, id: &ContainerId, exec: &ExecId) -> Result<()> {
        let folder = self.folder(id).exec(exec);
        if let Some(record) = folder.record()
            && record.monitor.lives()
        {
            // The command ends with the caller's interest in it.
            let _ = record.first.signal(super::process::KILL);
            if !record.monitor.wait(Duration::from_secs(10)) {
                Process::end_tree(&record.monitor, Duration::from_secs(10));
            }
        }
        folder.remove()
    }
}
