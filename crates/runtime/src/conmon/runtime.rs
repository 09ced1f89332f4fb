//! The trait, each call handed to where it is done.

use super::Conmon;
use crate::*;
use pontoon_types::{ContainerId, ExecId};
use std::path::PathBuf;

impl Runtime for Conmon {
    fn cgroups(&self) -> Cgroups {
        // Where the default runtime leaves them alone, there are none for us.
        if self.oci(None).is_ok_and(|oci| oci.without_cgroups) { Cgroups::NONE } else { self.host.cgroups }
    }

    fn seccomp(&self) -> bool {
        PathBuf::from("/proc/sys/kernel/seccomp").exists()
    }

    fn runtimes(&self) -> Vec<(String, PathBuf)> {
        super::oci::all(&self.settings, self.host.mixed)
    }

    fn create(&self, plan: &ContainerPlan) -> Result<Created> {
        self.create_container(plan)
    }

    fn start(&self, id: &ContainerId) -> Result<()> {
        self.start_container(id)
    }

    fn state(&self, id: &ContainerId) -> Result<Option<State>> {
        self.state_of(id)
    }

    fn all(&self) -> Result<Vec<ContainerId>> {
        super::folder::all(&self.root())
    }

    fn ending(&self, id: &ContainerId) -> Result<Ending> {
        self.record(id)?.1.monitor.ending()
    }

    fn kill(&self, id: &ContainerId, signal: i32, all: bool) -> Result<()> {
        self.kill_container(id, signal, all)
    }

    fn pause(&self, id: &ContainerId) -> Result<()> {
        self.freeze_container(id, true)
    }

    fn resume(&self, id: &ContainerId) -> Result<()> {
        self.freeze_container(id, false)
    }

    fn update(&self, id: &ContainerId, resources: &Resources) -> Result<()> {
        self.update_container(id, resources)
    }

    fn delete(&self, id: &ContainerId) -> Result<()> {
        self.remove(id)
    }

    fn attach(&self, id: &ContainerId, stdin: bool) -> Result<Attachment> {
        let (folder, record) = self.living(id)?;
        self.attach_to(id, &folder, &record, stdin)
    }

    fn resize(&self, id: &ContainerId, size: ConsoleSize) -> Result<()> {
        self.living(id)?.0.tell(1, size.height, size.width)
    }

    fn exec(&self, id: &ContainerId, plan: &ExecPlan, attached: bool) -> Result<(Created, Option<Attachment>)> {
        self.run_command(id, plan, attached)
    }

    fn exec_state(&self, id: &ContainerId, exec: &ExecId) -> Result<Option<State>> {
        self.command_state(id, exec)
    }

    fn exec_ending(&self, id: &ContainerId, exec: &ExecId) -> Result<Ending> {
        self.command_ending(id, exec)
    }

    fn exec_resize(&self, id: &ContainerId, exec: &ExecId, size: ConsoleSize) -> Result<()> {
        self.resize_command(id, exec, size)
    }

    fn exec_kill(&self, id: &ContainerId, exec: &ExecId, signal: i32) -> Result<()> {
        self.kill_command(id, exec, signal)
    }

    fn exec_delete(&self, id: &ContainerId, exec: &ExecId) -> Result<()> {
        self.forget_command(id, exec)
    }

    fn top(&self, id: &ContainerId, arguments: &str) -> Result<Top> {
        let (_, record) = self.living(id)?;
        super::top::top(&self.processes(&record), arguments)
    }

    fn stats(&self, id: &ContainerId) -> Result<Stats> {
        let (_, record) = self.living(id)?;
        Ok(super::stats::stats(self.group(&record).as_ref(), &self.processes(&record)))
    }

    fn shm(&self, id: &ContainerId) -> Result<Option<PathBuf>> {
        let (folder, record) = self.living(id)?;
        Ok(record.shm.then(|| folder.file("shm")))
    }
}
