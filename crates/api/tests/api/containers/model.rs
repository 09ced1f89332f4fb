//! Containers in memory, with processes of the fake runtime: enough of the rules that every kind of answer occurs.

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use pontoon_api::{
    Attached, ContainerCounts, ContainerEngine, ContainerHost, ContainerPruneFilter, Failure, LogLine, LogWish, Logs,
    RemoveWish, Sizes, VolumePruneFilter, Work,
};
use pontoon_api_types::{
    ContainerStats, CreateExecRequest, CreateVolumeRequest, DriverData, EndpointSettings, ErrorResponse, ExecInspect,
    ExecProcess, FilesystemChange, TopResponse, UpdateContainerRequest, Volume, VolumeUsage, WaitResponse,
};
use pontoon_containers::network::Endpoint;
use pontoon_containers::spec::ConsoleSize;
use pontoon_containers::{
    ContainerView, Definition, NewContainer, PathStat, State, Status, StopWish, UnpackWish, WaitCondition,
};
use pontoon_runtime::fake::FakeRuntime;
use pontoon_runtime::{Attachment, Cgroups, ContainerPlan, ExecPlan, Process, Runtime, Stdin};
use pontoon_types::{ContainerId, ExecId};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::sync::{oneshot, watch};

type Result<T> = std::result::Result<T, Failure>;

/// The containers.
#[derive(Default)]
pub struct Model {
    pub runtime: FakeRuntime,
    containers: Mutex<Vec<One>>,
    volumes: Mutex<BTreeMap<String, Volume>>,
    execs: Mutex<BTreeMap<String, (ContainerId, ExecId, CreateExecRequest)>>,
}

struct One {
    view: ContainerView,
    progress: watch::Sender<(u64, bool)>,
    waiting: Vec<(bool, oneshot::Sender<Attachment>)>,
}

fn failure(status: u16, message: impl Into<String>) -> Failure {
    let body = ErrorResponse { message: message.into(), hint: None };
    Failure { status: http::StatusCode::from_u16(status).unwrap(), body }
}

/// A change that is done at once.
fn done<T: Send + 'static>(result: Result<T>) -> Work<T> {
    std::future::ready(result).boxed()
}

impl Model {
    fn change<T>(&self, term: &str, change: impl FnOnce(&mut One) -> Result<T>) -> Result<T> {
        let mut containers = self.containers.lock().unwrap();
        let is = |one: &One| {
            let of = &one.view.definition;
            of.name == term.trim_start_matches('/') || of.id.to_string().starts_with(term)
        };
        let found = containers.iter_mut().find(|one| is(one));
        change(found.ok_or_else(|| failure(404, format!("No such container: {term}")))?)
    }

    fn id(&self, term: &str) -> Result<ContainerId> {
        self.change(term, |one| Ok(one.view.definition.id))
    }

    /// Gives a container another state.
    pub fn set_status(&self, term: &str, status: Status) {
        self.change(term, |one| {
            one.view.state.status = status;
            Ok(())
        })
        .unwrap();
    }

    /// Its process ends by itself.
    pub fn end(&self, term: &str, code: i32) {
        let id = self.id(term).unwrap();
        self.runtime.exit(&id, code).unwrap();
        self.change(term, |one| {
            one.view.state.end(code, false, SystemTime::now());
            one.progress.send_modify(|progress| *progress = (progress.0 + 1, false));
            Ok(())
        })
        .unwrap();
    }
}

impl ContainerEngine for Model {
    fn counts(&self) -> ContainerCounts {
        let all = i64::try_from(self.containers.lock().unwrap().len()).unwrap();
        ContainerCounts { all, stopped: all, ..ContainerCounts::default() }
    }

    fn host(&self) -> ContainerHost {
        ContainerHost { runtimes: self.runtime.runtimes(), cgroups: Cgroups::V2, seccomp: true, init: String::new() }
    }

    fn containers(&self) -> Vec<ContainerView> {
        self.containers.lock().unwrap().iter().rev().map(|one| one.view.clone()).collect()
    }

    fn container(&self, term: &str) -> Result<ContainerView> {
        self.change(term, |one| Ok(one.view.clone()))
    }

    fn is_from(&self, view: &ContainerView, image: &str) -> bool {
        view.definition.config.image == image
    }

    fn sizes(&self, term: &str) -> Work<Sizes> {
        done(self.container(term).map(|_| Sizes { written: 1, whole: 3 }))
    }

    fn graph(&self, term: &str) -> Work<Option<DriverData>> {
        let data = [("MergedDir".to_owned(), "/m".to_owned())].into();
        done(self.container(term).map(|_| Some(DriverData { name: "overlay2".into(), data })))
    }

    fn create_container(&self, mut new: NewContainer) -> Work<(String, Vec<String>)> {
        let id = ContainerId::random();
        if self.container(&new.name).is_ok() && !new.name.is_empty() {
            return done(Err(failure(
                409,
                format!("Conflict. The container name \"/{}\" is already in use", new.name),
            )));
        }
        let endpoint = |(name, settings): &(String, Option<_>)| {
            (name.clone(), Endpoint::asked(settings.clone().unwrap_or_default()))
        };
        new.host_config.log_config.driver = "json-file".into();
        new.host_config.cgroupns_mode = "private".into();
        let definition = Definition {
            id,
            name: if new.name.is_empty() { id.short() } else { new.name },
            created: SystemTime::now(),
            image: "sha256:abc".into(),
            platform: "linux".into(),
            config: new.config,
            host_config: new.host_config,
            endpoints: new.networking.endpoints_config.0.iter().map(endpoint).collect(),
            links: Vec::new(),
            mounts: Vec::new(),
        };
        let view = ContainerView {
            definition: Arc::new(definition),
            state: State::default(),
            sandbox: None,
            log: Some("/l".into()),
            execs: Vec::new(),
            links: Vec::new(),
        };
        let one = One { view, progress: watch::Sender::new((0, false)), waiting: Vec::new() };
        self.containers.lock().unwrap().push(one);
        done(Ok((id.to_string(), Vec::new())))
    }

    fn start_container(&self, term: &str) -> Work<bool> {
        done(self.change(term, |one| {
            if one.view.state.is_running() {
                return Ok(false);
            }
            let (id, config) = (one.view.definition.id, &one.view.definition.config);
            let mut plan = ContainerPlan::new(id, "/", &["sh"]);
            plan.process.tty = config.tty;
            plan.process.stdin = match (config.open_stdin, config.stdin_once) {
                (true, true) => Stdin::Once,
                (true, false) => Stdin::Open,
                _ => Stdin::Closed,
            };
            self.runtime.delete(&id).unwrap();
            let pid = self.runtime.create(&plan).unwrap().pid;
            for (stdin, give) in one.waiting.drain(..) {
                let _ = give.send(self.runtime.attach(&id, stdin).unwrap());
            }
            self.runtime.start(&id).unwrap();
            one.view.state.begin(pid, SystemTime::now());
            one.progress.send_modify(|progress| progress.1 = true);
            Ok(true)
        }))
    }

    fn stop_container(&self, term: &str, wish: StopWish) -> Work<bool> {
        if let Some(signal) = wish.signal.filter(|signal| signal == "NOPE") {
            return done(Err(failure(400, format!("invalid signal: {signal}"))));
        }
        let runs = self.container(term).map(|view| view.state.is_running());
        if runs == Ok(true) {
            self.end(term, 143);
        }
        done(runs)
    }

    fn restart_container(&self, term: &str, wish: StopWish) -> Work<()> {
        let stopped = self.stop_container(term, wish).now_or_never().unwrap();
        done(stopped.and_then(|_| self.start_container(term).now_or_never().unwrap()).map(|_| ()))
    }

    fn kill_container(&self, term: &str, _signal: &str) -> Work<()> {
        let view = match self.container(term) {
            Ok(view) => view,
            Err(failure) => return done(Err(failure)),
        };
        if !view.state.is_running() {
            return done(Err(failure(409, format!("cannot kill container: {term}: container is not running"))));
        }
        self.end(term, 137);
        done(Ok(()))
    }

    fn pause_container(&self, term: &str) -> Work<()> {
        done(self.container(term).map(|_| self.set_status(term, Status::Paused)))
    }

    fn unpause_container(&self, term: &str) -> Work<()> {
        done(self.container(term).map(|_| self.set_status(term, Status::Running)))
    }

    fn rename_container(&self, term: &str, name: &str) -> Work<()> {
        if name.is_empty() {
            return done(Err(failure(400, "Neither old nor new names may be empty")));
        }
        done(self.change(term, |one| {
            Arc::make_mut(&mut one.view.definition).name = name.to_owned();
            Ok(())
        }))
    }

    fn update_container(&self, term: &str, _request: UpdateContainerRequest) -> Work<Vec<String>> {
        done(self.container(term).map(|_| Vec::new()))
    }

    fn remove_container(&self, term: &str, wish: RemoveWish) -> Work<()> {
        let view = match self.container(term) {
            Ok(view) => view,
            Err(failure) => return done(Err(failure)),
        };
        if view.state.is_running() && !wish.force {
            return done(Err(failure(409, "cannot remove container: container is running")));
        }
        self.containers.lock().unwrap().retain(|one| one.view.definition.id != view.definition.id);
        done(Ok(()))
    }

    fn prune_containers(&self, _filter: ContainerPruneFilter) -> Work<(Vec<String>, u64)> {
        let mut containers = self.containers.lock().unwrap();
        let gone = containers.extract_if(.., |one| !one.view.state.is_running());
        let ids = gone.map(|one| one.view.definition.id.to_string()).collect();
        done(Ok((ids, 5)))
    }

    fn connect_container(&self, term: &str, network: &str, settings: EndpointSettings) -> Work<()> {
        let endpoint = Endpoint::asked(settings);
        done(self.change(term, |one| {
            Arc::make_mut(&mut one.view.definition).endpoints.insert(network.to_owned(), endpoint);
            Ok(())
        }))
    }

    fn disconnect_container(&self, term: &str, network: &str, _force: bool) -> Work<()> {
        done(self.change(term, |one| {
            let gone = Arc::make_mut(&mut one.view.definition).endpoints.remove(network);
            let id = one.view.definition.id;
            gone.map(|_| ())
                .ok_or_else(|| failure(500, format!("container {id} is not connected to the network {network}")))
        }))
    }

    fn resize_container(&self, term: &str, _size: ConsoleSize) -> Work<()> {
        done(self.container(term).map(|_| ()))
    }

    fn top(&self, term: &str, arguments: &str) -> Work<TopResponse> {
        let top = self.id(term).and_then(|id| Ok(self.runtime.top(&id, arguments)?));
        done(top.map(|top| TopResponse { titles: top.titles, processes: top.processes }))
    }

    fn changes(&self, term: &str) -> Work<Vec<FilesystemChange>> {
        done(self.container(term).map(|_| vec![FilesystemChange { path: "/a".into(), kind: 1 }]))
    }

    fn stat_path(&self, term: &str, path: &str) -> Work<PathStat> {
        let missing = || failure(404, format!("Could not find the file {path} in container {term}"));
        let stat = PathStat {
            name: "file".into(),
            size: 3,
            mode: 0o644,
            modified: std::time::UNIX_EPOCH,
            link_target: String::new(),
        };
        done(self.container(term).and_then(|_| if path == "/file" || path == "/" { Ok(stat) } else { Err(missing()) }))
    }

    fn pack(&self, term: &str, _path: &str, to: &mut (dyn Write + Send)) -> Result<()> {
        self.export(term, to)
    }

    fn export(&self, _term: &str, to: &mut (dyn Write + Send)) -> Result<()> {
        to.write_all(b"a tar stream").unwrap();
        Ok(())
    }

    fn unpack(&self, term: &str, path: &str, wish: UnpackWish, from: &mut (dyn Read + Send)) -> Result<()> {
        self.container(term)?;
        let mut sent = String::new();
        from.read_to_string(&mut sent).unwrap();
        if path != "/" {
            let text = format!("{path} {sent} {wish:?}");
            return Err(failure(403, text));
        }
        Ok(())
    }

    fn attach(&self, term: &str, stdin: bool) -> Result<Attached> {
        let (give, wait) = oneshot::channel();
        let config = self.change(term, |one| {
            let (id, config) = (one.view.definition.id, one.view.definition.config.clone());
            if one.view.state.is_running() {
                let _ = give.send(self.runtime.attach(&id, stdin && config.open_stdin)?);
            } else {
                one.waiting.push((stdin && config.open_stdin, give));
            }
            Ok(config)
        })?;
        Ok(Attached {
            tty: config.tty,
            detach_keys: String::new(),
            closes_stdin: config.stdin_once,
            attachment: wait.map(std::result::Result::ok).boxed(),
            settled: std::future::ready(()).boxed(),
            ended: Box::new(|_| {}),
        })
    }

    fn wait(
        &self,
        term: &str,
        condition: WaitCondition,
    ) -> Result<futures_util::future::BoxFuture<'static, WaitResponse>> {
        let (mut progress, view) = self.change(term, |one| Ok((one.progress.subscribe(), one.view.clone())))?;
        let exits = progress.borrow().0;
        Ok(async move {
            let met = |now: &(u64, bool)| match condition {
                WaitCondition::NotRunning => !now.1,
                _ => now.0 > exits,
            };
            // When it is gone the wait is over too.
            let _ = progress.wait_for(met).await;
            let _ = view;
            WaitResponse { error: None, status_code: 7 }
        }
        .boxed())
    }

    fn logs(&self, term: &str, wish: LogWish) -> Result<Logs> {
        let view = self.container(term)?;
        let line = |seconds, stderr: bool, text: &'static str| LogLine {
            time: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
            stderr,
            continues: false,
            bytes: Bytes::from(text),
        };
        let all = [line(1, false, "one\n"), line(2, true, "two\n"), line(3, false, "three\n")];
        let all = all.into_iter().filter(|line| if line.stderr { wish.stderr } else { wish.stdout });
        let all: Vec<LogLine> = all.filter(|line| wish.since.is_none_or(|since| line.time >= since)).collect();
        let skip = wish.tail.map_or(0, |tail| all.len().saturating_sub(tail));
        let lines = stream::iter(all).skip(skip);
        let lines = if wish.follow { lines.chain(stream::pending()).boxed() } else { lines.boxed() };
        Ok(Logs { tty: view.definition.config.tty, details: "a=1".into(), lines })
    }

    fn stats(&self, term: &str) -> Work<ContainerStats> {
        done(self.container(term).map(|view| {
            let runs = view.state.is_running();
            let read = if runs { pontoon_api_types::rfc3339(SystemTime::now()) } else { String::new() };
            let (id, name) = (view.definition.id.to_string(), format!("/{}", view.definition.name));
            ContainerStats { id, name, read, ..ContainerStats::default() }
        }))
    }

    fn create_exec(&self, term: &str, request: CreateExecRequest) -> Work<String> {
        let id = match self.container(term) {
            Err(failure) => return done(Err(failure)),
            Ok(view) if !view.state.is_running() => {
                return done(Err(failure(409, format!("container {} is not running", view.definition.id))));
            }
            Ok(view) => view.definition.id,
        };
        let exec = ExecId::random();
        self.execs.lock().unwrap().insert(exec.to_string(), (id, exec, request));
        done(Ok(exec.to_string()))
    }

    fn exec(&self, id: &str) -> Result<ExecInspect> {
        let execs = self.execs.lock().unwrap();
        let (container, exec, request) =
            execs.get(id).ok_or_else(|| failure(404, format!("No such exec instance: {id}")))?;
        let ended = match self.runtime.exec_state(container, exec)?.map(|state| state.phase) {
            Some(pontoon_runtime::Phase::Ended(exit)) => Some(i64::from(exit.code)),
            _ => None,
        };
        let words = request.cmd.clone().unwrap_or_default();
        Ok(ExecInspect {
            id: id.to_owned(),
            running: ended.is_none(),
            exit_code: ended,
            process_config: ExecProcess {
                tty: request.tty,
                entrypoint: words[0].clone(),
                arguments: words[1..].to_vec(),
                ..ExecProcess::default()
            },
            open_stdin: request.attach_stdin,
            open_stderr: request.attach_stderr,
            open_stdout: request.attach_stdout,
            container_id: container.to_string(),
            ..ExecInspect::default()
        })
    }

    fn start_exec(&self, id: &str, _size: Option<ConsoleSize>, detached: bool) -> Work<Option<Attached>> {
        let started = || {
            let (container, exec, request) = self.execs.lock().unwrap()[id].clone();
            if request.cmd.as_ref().is_some_and(|words| words[0] == "missing") {
                return Err(failure(400, "OCI runtime exec failed: \"missing\" not found"));
            }
            let mut process = Process::new(&["x"]);
            process.stdin = if request.attach_stdin { Stdin::Once } else { Stdin::Closed };
            let plan = ExecPlan { id: exec, process, privileged: false };
            let (_, attachment) = self.runtime.exec(&container, &plan, !detached)?;
            Ok(attachment.map(|attachment| Attached {
                tty: request.tty,
                detach_keys: request.detach_keys,
                closes_stdin: true,
                attachment: std::future::ready(Some(attachment)).boxed(),
                settled: std::future::ready(()).boxed(),
                ended: Box::new(|_| {}),
            }))
        };
        done(started())
    }

    fn resize_exec(&self, id: &str, _size: ConsoleSize) -> Work<()> {
        done(self.exec(id).map(|_| ()))
    }

    fn volumes(&self) -> Vec<Volume> {
        self.volumes.lock().unwrap().values().cloned().collect()
    }

    fn volume(&self, name: &str) -> Result<Volume> {
        let found = self.volumes.lock().unwrap().get(name).cloned();
        found.ok_or_else(|| failure(404, format!("get {name}: no such volume")))
    }

    fn create_volume(&self, request: CreateVolumeRequest) -> Work<Volume> {
        let volume = Volume {
            name: request.name.clone(),
            driver: "local".into(),
            created_at: "2024-01-02T03:04:05Z".into(),
            mountpoint: format!("/v/{}/_data", request.name),
            labels: request.labels,
            options: request.driver_opts,
            scope: "local".into(),
            usage_data: None,
        };
        self.volumes.lock().unwrap().insert(request.name, volume.clone());
        done(Ok(volume))
    }

    fn remove_volume(&self, name: &str, force: bool) -> Work<()> {
        let found = self.volume(name);
        self.volumes.lock().unwrap().remove(name);
        done(if force { Ok(()) } else { found.map(|_| ()) })
    }

    fn prune_volumes(&self, _filter: VolumePruneFilter) -> Work<(Vec<String>, u64)> {
        let names = std::mem::take(&mut *self.volumes.lock().unwrap()).into_keys().collect();
        done(Ok((names, 9)))
    }

    fn volume_usage(&self) -> Work<Vec<Volume>> {
        let mut volumes = self.volumes();
        volumes.iter_mut().for_each(|volume| volume.usage_data = Some(VolumeUsage { ref_count: 0, size: 4 }));
        done(Ok(volumes))
    }
}
