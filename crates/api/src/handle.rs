//! The containers, images and runtime as the API's engine: nothing but names, shapes and a little gathering.

mod logs;
mod stats;
mod volumes;

use crate::containers::{
    Attached, ContainerCounts, ContainerEngine, ContainerHost, LogWish, Logs, RemoveWish, Sizes, Work,
};
use crate::{ContainerPruneFilter, Failure, VolumePruneFilter};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use pontoon_api_types::{
    ContainerStats, CreateExecRequest, CreateVolumeRequest, DriverData, EndpointSettings, ExecInspect, ExecProcess,
    FilesystemChange, TopResponse, UpdateContainerRequest, Volume, WaitError, WaitResponse,
};
use pontoon_cnm::Controller;
use pontoon_containers::spec::ConsoleSize;
use pontoon_containers::{
    ContainerView, Containers, Error, ExecView, NewContainer, NewExec, PathStat, StopWish, UnpackWish, Update,
    WaitCondition, Waited,
};
use pontoon_images::{ChangeKind, Images};
use pontoon_runtime::{ConsoleSize as Size, Runtime};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

type Result<T> = std::result::Result<T, Failure>;

/// Everything behind the calls about containers.
#[derive(Clone)]
pub struct ContainerHandle {
    /// The containers.
    pub containers: Containers,
    /// Where their file systems come from.
    pub images: Images,
    /// What runs them.
    pub runtime: Arc<dyn Runtime>,
    /// The core, which counts their packets.
    pub core: Arc<Controller>,
    /// The small init that containers can have; empty when there is none.
    pub init: String,
}

/// Work of the handle, with its errors as answers.
fn work<T: Send + 'static>(of: impl Future<Output = std::result::Result<T, Error>> + Send + 'static) -> Work<T> {
    async move { Ok(of.await?) }.boxed()
}

/// Runs `work` on a thread where blocking is allowed.
fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Work<T> {
    async move {
        let broken = |_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error: the call broke down");
        tokio::task::spawn_blocking(work).await.map_err(broken)?
    }
    .boxed()
}

macro_rules! call {
    ($self:ident, $name:ident($term:ident $(, $more:expr)*)) => {{
        let (containers, term) = ($self.containers.clone(), $term.to_owned());
        work(async move { containers.$name(&term $(, $more)*).await })
    }};
}

impl ContainerEngine for ContainerHandle {
    fn counts(&self) -> ContainerCounts {
        let counts = self.containers.counts();
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        ContainerCounts {
            all: number(counts.all),
            running: number(counts.running),
            paused: number(counts.paused),
            stopped: number(counts.all - counts.running - counts.paused),
        }
    }

    fn host(&self) -> ContainerHost {
        ContainerHost {
            runtimes: self.runtime.runtimes(),
            cgroups: self.runtime.cgroups(),
            seccomp: self.runtime.seccomp(),
            init: self.init.clone(),
        }
    }

    fn containers(&self) -> Vec<ContainerView> {
        self.containers.list()
    }

    fn container(&self, term: &str) -> Result<ContainerView> {
        Ok(self.containers.get(term)?)
    }

    fn is_from(&self, view: &ContainerView, image: &str) -> bool {
        let Ok(wanted) = self.images.image(image) else { return view.definition.config.image == image };
        let own = view.definition.image.parse().ok().and_then(|id| self.images.by_id(&id).ok());
        let built_on = |own: pontoon_images::Image| !wanted.layers.is_empty() && own.layers.starts_with(&wanted.layers);
        view.definition.image == wanted.id.to_string() || own.is_some_and(built_on)
    }

    fn sizes(&self, term: &str) -> Work<Sizes> {
        let (containers, term) = (self.containers.clone(), term.to_owned());
        work(async move {
            let size = containers.size(containers.get(&term)?.definition.id).await?;
            let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
            Ok(Sizes { written: number(size.own), whole: number(size.total) })
        })
    }

    fn graph(&self, term: &str) -> Work<Option<DriverData>> {
        let (images, view) = (self.images.clone(), self.container(term));
        blocking(move || {
            let id = view?.definition.id.to_string();
            // One that is removed meanwhile has no parts.
            let parts = images.rootfs().parts(&id).unwrap_or_default();
            let data = parts.into_iter().map(|(name, path)| (name.to_owned(), path)).collect();
            Ok(Some(DriverData { name: crate::STORAGE_DRIVER.into(), data }))
        })
    }

    fn create_container(&self, new: NewContainer) -> Work<(String, Vec<String>)> {
        let containers = self.containers.clone();
        work(async move {
            let made = containers.create(new).await?;
            Ok((made.id.to_string(), made.warnings))
        })
    }

    fn start_container(&self, term: &str) -> Work<bool> {
        call!(self, start(term))
    }

    fn stop_container(&self, term: &str, wish: StopWish) -> Work<bool> {
        call!(self, stop(term, wish))
    }

    fn restart_container(&self, term: &str, wish: StopWish) -> Work<()> {
        call!(self, restart(term, wish))
    }

    fn kill_container(&self, term: &str, signal: &str) -> Work<()> {
        let signal = signal.to_owned();
        call!(self, kill(term, &signal))
    }

    fn pause_container(&self, term: &str) -> Work<()> {
        call!(self, pause(term))
    }

    fn unpause_container(&self, term: &str) -> Work<()> {
        call!(self, unpause(term))
    }

    fn rename_container(&self, term: &str, name: &str) -> Work<()> {
        let name = name.to_owned();
        call!(self, rename(term, &name))
    }

    fn update_container(&self, term: &str, request: UpdateContainerRequest) -> Work<Vec<String>> {
        let restart_policy = request.restart_policy.unwrap_or_default();
        let update = Update { resources: request.resources, restart_policy };
        call!(self, update(term, update))
    }

    fn remove_container(&self, term: &str, wish: RemoveWish) -> Work<()> {
        if wish.link {
            let (containers, link) = (self.containers.clone(), term.trim_start_matches('/').to_owned());
            return work(async move {
                let (parent, alias) = link.rsplit_once('/').unwrap_or((&link, ""));
                containers.unlink(parent, alias).await
            });
        }
        let wish = pontoon_containers::RemoveWish { force: wish.force, volumes: wish.volumes };
        call!(self, remove(term, wish))
    }

    fn prune_containers(&self, filter: ContainerPruneFilter) -> Work<(Vec<String>, u64)> {
        let containers = self.containers.clone();
        work(async move {
            let wanted = move |of: &pontoon_containers::Definition| filter.takes(of.created, of.config.labels.as_ref());
            let (ids, bytes) = containers.prune(wanted).await?;
            Ok((ids.iter().map(ToString::to_string).collect(), bytes))
        })
    }

    fn connect_container(&self, term: &str, network: &str, settings: EndpointSettings) -> Work<()> {
        let (containers, term, network) = (self.containers.clone(), term.to_owned(), network.to_owned());
        work(async move { containers.connect(&network, &term, settings).await })
    }

    fn disconnect_container(&self, term: &str, network: &str, force: bool) -> Work<()> {
        let (containers, term, network) = (self.containers.clone(), term.to_owned(), network.to_owned());
        work(async move { containers.disconnect(&network, &term, force).await })
    }

    fn resize_container(&self, term: &str, size: ConsoleSize) -> Work<()> {
        call!(self, resize(term, console(size)))
    }

    fn top(&self, term: &str, arguments: &str) -> Work<TopResponse> {
        let (containers, term, arguments) = (self.containers.clone(), term.to_owned(), arguments.to_owned());
        work(async move {
            let top = containers.top(&term, &arguments).await?;
            Ok(TopResponse { titles: top.titles, processes: top.processes })
        })
    }

    fn changes(&self, term: &str) -> Work<Vec<FilesystemChange>> {
        let (images, view) = (self.images.clone(), self.container(term));
        blocking(move || {
            let changes = images.rootfs().changes(&view?.definition.id.to_string())?;
            let shown = |change: pontoon_images::Change| FilesystemChange {
                path: change.path.to_string_lossy().into_owned(),
                kind: match change.kind {
                    ChangeKind::Modified => 0,
                    ChangeKind::Added => 1,
                    ChangeKind::Deleted => 2,
                },
            };
            Ok(changes.into_iter().map(shown).collect())
        })
    }

    fn stat_path(&self, term: &str, path: &str) -> Work<PathStat> {
        let (containers, term, path) = (self.containers.clone(), term.to_owned(), path.to_owned());
        work(async move { containers.stat_path(&term, &path).await })
    }

    fn pack(&self, term: &str, path: &str, to: &mut (dyn Write + Send)) -> Result<()> {
        Ok(self.containers.pack(term, path, to)?)
    }

    fn export(&self, term: &str, to: &mut (dyn Write + Send)) -> Result<()> {
        Ok(self.containers.export(term, to)?)
    }

    fn unpack(&self, term: &str, path: &str, wish: UnpackWish, from: &mut (dyn Read + Send)) -> Result<()> {
        Ok(self.containers.unpack(term, path, wish, from)?)
    }

    fn attach(&self, term: &str, stdin: bool) -> Result<Attached> {
        let attached = self.containers.attach(term, stdin)?;
        let (containers, term) = (self.containers.clone(), term.to_owned());
        Ok(Attached {
            tty: attached.tty,
            detach_keys: String::new(),
            closes_stdin: attached.closes_stdin,
            attachment: attached.attachment,
            // Clients of containers wait for their end by another call.
            settled: std::future::ready(()).boxed(),
            ended: Box::new(move |left| {
                if left {
                    containers.detached(&term);
                }
            }),
        })
    }

    fn wait(&self, term: &str, condition: WaitCondition) -> Result<BoxFuture<'static, WaitResponse>> {
        let waiting = self.containers.wait(term, condition)?;
        let told = |Waited { exit_code, error }| WaitResponse {
            error: error.map(|message| WaitError { message }),
            status_code: i64::from(exit_code),
        };
        Ok(waiting.map(told).boxed())
    }

    fn logs(&self, term: &str, wish: LogWish) -> Result<Logs> {
        logs::open(self, term, wish)
    }

    fn stats(&self, term: &str) -> Work<ContainerStats> {
        stats::read(self.clone(), term.to_owned()).boxed()
    }

    fn create_exec(&self, term: &str, request: CreateExecRequest) -> Work<String> {
        let new = NewExec {
            command: request.cmd.unwrap_or_default(),
            env: request.env.unwrap_or_default(),
            working_dir: request.working_dir,
            user: request.user,
            tty: request.tty,
            console_size: request.console_size.map(console),
            attach_stdin: request.attach_stdin,
            attach_stdout: request.attach_stdout,
            attach_stderr: request.attach_stderr,
            privileged: request.privileged,
            detach_keys: request.detach_keys,
        };
        let made = self.containers.create_exec(term, new).map(|id| id.to_string()).map_err(Failure::from);
        std::future::ready(made).boxed()
    }

    fn exec(&self, id: &str) -> Result<ExecInspect> {
        Ok(inspected(self.containers.exec(id)?))
    }

    fn start_exec(&self, id: &str, size: Option<ConsoleSize>, detached: bool) -> Work<Option<Attached>> {
        let (containers, id) = (self.containers.clone(), id.to_owned());
        work(async move {
            let new = containers.exec(&id)?.new;
            let attachment = containers.start_exec(&id, size.map(console), detached).await?;
            Ok(attachment.map(|attachment| Attached {
                tty: new.tty,
                detach_keys: new.detach_keys,
                closes_stdin: true,
                attachment: std::future::ready(Some(attachment)).boxed(),
                settled: settled(containers, id).boxed(),
                ended: Box::new(|_| {}),
            }))
        })
    }

    fn resize_exec(&self, id: &str, size: ConsoleSize) -> Work<()> {
        call!(self, resize_exec(id, console(size)))
    }

    fn volumes(&self) -> Vec<Volume> {
        self.containers.volumes().into_iter().map(volumes::shown).collect()
    }

    fn volume(&self, name: &str) -> Result<Volume> {
        // How it is used is only told where it is asked for.
        Ok(Volume { usage_data: None, ..volumes::shown(self.containers.volume(name)?) })
    }

    fn create_volume(&self, request: CreateVolumeRequest) -> Work<Volume> {
        let (containers, request) = (self.containers.clone(), volumes::asked(request));
        work(async move {
            let made = volumes::shown(containers.create_volume(request).await?);
            Ok(Volume { usage_data: None, ..made })
        })
    }

    fn remove_volume(&self, name: &str, force: bool) -> Work<()> {
        call!(self, remove_volume(name, force))
    }

    fn prune_volumes(&self, filter: VolumePruneFilter) -> Work<(Vec<String>, u64)> {
        let containers = self.containers.clone();
        work(async move {
            let wanted = move |of: &pontoon_containers::Volume| filter.takes(of.is_anonymous(), of.labels.as_ref());
            containers.prune_volumes(Box::new(wanted)).await
        })
    }

    fn volume_usage(&self) -> Work<Vec<Volume>> {
        let containers = self.containers.clone();
        work(async move { Ok(volumes::measured(&containers).await) })
    }
}

/// Waits until it is known how a command ended.
async fn settled(containers: Containers, id: String) {
    let mut pause = Duration::from_millis(1);
    // One that is forgotten has ended.
    while containers.exec(&id).is_ok_and(|view| view.exit_code.is_none()) {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// No terminal is larger than the kernel's numbers for it.
fn console(size: ConsoleSize) -> Size {
    let side = |length: u64| u16::try_from(length).unwrap_or(u16::MAX);
    Size { height: side(size.height), width: side(size.width) }
}

fn inspected(view: ExecView) -> ExecInspect {
    let ExecView { id, container, new, running, pid, exit_code } = view;
    let mut words = new.command.into_iter();
    ExecInspect {
        id: id.to_string(),
        running,
        exit_code: exit_code.map(i64::from),
        process_config: ExecProcess {
            tty: new.tty,
            entrypoint: words.next().unwrap_or_default(),
            arguments: words.collect(),
            privileged: Some(new.privileged),
            user: new.user,
        },
        open_stdin: new.attach_stdin,
        open_stderr: new.attach_stderr,
        open_stdout: new.attach_stdout,
        can_remove: exit_code.is_some(),
        container_id: container.to_string(),
        detach_keys: String::new(),
        pid: i64::from(pid),
    }
}
