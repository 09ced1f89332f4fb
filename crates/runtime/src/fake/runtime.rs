//! The fake runtime from the side of the code under test.

use super::fault::Call;
use super::hand::FakeRuntime;
use super::model::{Container, Model, Run, exit};
use crate::*;
use pontoon_types::{ContainerId, ExecId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

const SIGKILL: i32 = 9;

impl Runtime for FakeRuntime {
    fn cgroups(&self) -> Cgroups {
        self.model().cgroups
    }

    fn seccomp(&self) -> bool {
        true
    }

    fn runtimes(&self) -> Vec<(String, PathBuf)> {
        vec![("crun".into(), "/usr/bin/crun".into()), ("runc".into(), "/usr/sbin/runc".into())]
    }

    fn create(&self, plan: &ContainerPlan) -> Result<Created> {
        let mut model = self.model();
        if model.containers.contains_key(&plan.id) {
            return Err(Error::Exists { id: plan.id.to_string() });
        }
        known(plan.runtime.as_deref(), &self.names())?;
        model.faults.pass(Call::Create(plan.id))?;
        let pid = model.pid();
        let run = Run::new(Phase::Created, pid)?;
        model.containers.insert(plan.id, Container { plan: plan.clone(), run, execs: BTreeMap::new() });
        Ok(Created { pid, monitor: pid - 1 })
    }

    fn start(&self, id: &ContainerId) -> Result<()> {
        let mut model = self.model();
        model.container(id)?;
        model.faults.pass(Call::Start(*id))?;
        let container = model.living(id)?;
        if container.run.phase != Phase::Created {
            return Err(Error::Exists { id: id.to_string() });
        }
        container.run.phase = Phase::Running;
        Ok(())
    }

    fn state(&self, id: &ContainerId) -> Result<Option<State>> {
        Ok(self.model().containers.get(id).map(|container| container.run.state()))
    }

    fn all(&self) -> Result<Vec<ContainerId>> {
        Ok(self.model().containers.keys().copied().collect())
    }

    fn ending(&self, id: &ContainerId) -> Result<Ending> {
        self.model().container(id)?.run.ending()
    }

    fn kill(&self, id: &ContainerId, signal: i32, all: bool) -> Result<()> {
        let mut model = self.model();
        model.living(id)?;
        model.faults.pass(Call::Kill(*id, signal, all))?;
        if model.is_deadly(signal) {
            let container = model.living(id)?;
            // A frozen process gets other signals when it goes on; the model forgets them.
            if container.run.phase != Phase::Paused || signal == SIGKILL {
                container.end(exit(128 + signal));
            }
        }
        Ok(())
    }

    fn pause(&self, id: &ContainerId) -> Result<()> {
        let mut model = self.model();
        if !model.cgroups.freezer {
            return Err(Error::NotSupported("there is no control group to freeze the container with".into()));
        }
        model.living(id)?;
        model.faults.pass(Call::Pause(*id))?;
        model.living(id)?.run.phase = Phase::Paused;
        Ok(())
    }

    fn resume(&self, id: &ContainerId) -> Result<()> {
        let mut model = self.model();
        model.living(id)?;
        model.faults.pass(Call::Resume(*id))?;
        model.living(id)?.run.phase = Phase::Running;
        Ok(())
    }

    fn update(&self, id: &ContainerId, resources: &Resources) -> Result<()> {
        let mut model = self.model();
        model.living(id)?;
        model.faults.pass(Call::Update(*id))?;
        model.living(id)?.plan.resources = resources.clone();
        Ok(())
    }

    fn delete(&self, id: &ContainerId) -> Result<()> {
        let mut model = self.model();
        model.faults.pass(Call::Delete(*id))?;
        if let Some(mut container) = model.containers.remove(id) {
            container.end(exit(128 + SIGKILL));
        }
        Ok(())
    }

    fn attach(&self, id: &ContainerId, stdin: bool) -> Result<Attachment> {
        let mut model = self.model();
        model.living(id)?;
        model.faults.pass(Call::Attach(*id))?;
        let container = model.living(id)?;
        container.run.attach(stdin && container.plan.process.stdin != Stdin::Closed)
    }

    fn resize(&self, id: &ContainerId, size: ConsoleSize) -> Result<()> {
        let mut model = self.model();
        model.living(id)?;
        model.faults.pass(Call::Resize(*id, size.height, size.width))
    }

    fn exec(&self, id: &ContainerId, plan: &ExecPlan, attached: bool) -> Result<(Created, Option<Attachment>)> {
        let mut model = self.model();
        if model.living(id)?.run.phase != Phase::Running {
            return Err(Error::NotRunning { id: id.to_string() });
        }
        model.faults.pass(Call::Exec(*id, plan.id))?;
        let (pid, answer) = (model.pid(), (model.answer)(plan));
        let mut run = Run::new(Phase::Running, pid)?;
        let stdin = plan.process.stdin != Stdin::Closed;
        let attachment = if attached { Some(run.attach(stdin)?) } else { None };
        if let Some((code, output)) = answer {
            run.print(Stream::Stdout, output.as_bytes());
            run.end(exit(code));
        }
        model.living(id)?.execs.insert(plan.id, run);
        Ok((Created { pid, monitor: pid - 1 }, attachment))
    }

    fn exec_state(&self, id: &ContainerId, exec: &ExecId) -> Result<Option<State>> {
        Ok(self.model().exec(id, exec).ok().map(|run| run.state()))
    }

    fn exec_ending(&self, id: &ContainerId, exec: &ExecId) -> Result<Ending> {
        self.model().exec(id, exec)?.ending()
    }

    fn exec_resize(&self, id: &ContainerId, exec: &ExecId, size: ConsoleSize) -> Result<()> {
        let mut model = self.model();
        model.exec(id, exec)?;
        model.faults.pass(Call::ExecResize(*exec, size.height, size.width))
    }

    fn exec_kill(&self, id: &ContainerId, exec: &ExecId, signal: i32) -> Result<()> {
        let mut model = self.model();
        model.exec(id, exec)?;
        model.faults.pass(Call::ExecKill(*exec, signal))?;
        if model.is_deadly(signal) {
            model.exec(id, exec)?.end(exit(128 + signal));
        }
        Ok(())
    }

    fn exec_delete(&self, id: &ContainerId, exec: &ExecId) -> Result<()> {
        let mut model = self.model();
        model.faults.pass(Call::ExecDelete(*exec))?;
        if let Ok(container) = model.container(id) {
            container.execs.remove(exec);
        }
        Ok(())
    }

    fn top(&self, id: &ContainerId, _arguments: &str) -> Result<Top> {
        let mut model = self.model();
        let container = model.living(id)?;
        let row = vec![container.run.pid.to_string(), container.plan.process.args.join(" ")];
        Ok(Top { titles: vec!["PID".into(), "CMD".into()], processes: vec![row] })
    }

    fn stats(&self, id: &ContainerId) -> Result<Stats> {
        self.model().living(id)?;
        Ok(Stats {
            at: SystemTime::now(),
            cpu: CpuStats { online: 1, ..CpuStats::default() },
            memory: MemoryStats::default(),
            pids: PidsStats { current: 1, limit: None },
            io_service_bytes: Vec::new(),
            io_serviced: Vec::new(),
        })
    }

    fn shm(&self, id: &ContainerId) -> Result<Option<PathBuf>> {
        let mut model = self.model();
        let container = model.living(id)?;
        let shared = container.plan.namespaces.ipc == Ipc::Shareable;
        Ok(shared.then(|| PathBuf::from(format!("/fake/{id}/shm"))))
    }
}

impl FakeRuntime {
    fn names(&self) -> Vec<String> {
        self.runtimes().into_iter().map(|(name, _)| name).collect()
    }
}

impl Model {
    fn is_deadly(&self, signal: i32) -> bool {
        // 0 only asks; these are ignored by default or stop and continue.
        const HARMLESS: [i32; 9] = [0, 17, 18, 19, 20, 21, 22, 23, 28];
        signal == SIGKILL || !HARMLESS.contains(&signal) && !self.ignored.contains(&signal)
    }
}

fn known(name: Option<&str>, names: &[String]) -> Result<()> {
    match name {
        Some(name) if !names.iter().any(|known| known == name) => Err(Error::UnknownRuntime { name: name.to_owned() }),
        _ => Ok(()),
    }
}
