//! One container, whole.

use super::networking;
use crate::answers::Call;
use crate::reply::{self, Reply};
use crate::{ContainerEngine, Failure};
use http::StatusCode;
use pontoon_api_types::{ApiVersion, ContainerInspect, ContainerState, Health, HealthcheckResult, MountPoint, rfc3339};
use pontoon_cnm::FilePaths;
use pontoon_containers::spec::{Config, HostConfig};
use pontoon_containers::{ContainerView, State, Status};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Below this version the container-wide Ethernet address is shown.
const WITHOUT_MAC: ApiVersion = ApiVersion::v1(52);
/// What Go writes for a time that is none.
const NEVER: &str = "0001-01-01T00:00:00Z";

pub(super) async fn inspect(containers: &dyn ContainerEngine, id: &str, call: &Call) -> Result<Reply, Failure> {
    let view = containers.container(id)?;
    let mut shown = shape(&view, call.version);
    shown.graph_driver = containers.graph(id).await?;
    if call.query.flag("size") {
        let sizes = containers.sizes(id).await?;
        (shown.size_rw, shown.size_root_fs) = (Some(sizes.written), Some(sizes.whole));
    }
    reply::json(StatusCode::OK, &shown)
}

fn shape(view: &ContainerView, version: ApiVersion) -> ContainerInspect {
    let definition = &view.definition;
    let (path, args) = definition.command();
    let file = |which: fn(&FilePaths) -> &PathBuf| {
        view.sandbox.as_ref().map(|sandbox| text(which(&sandbox.files))).unwrap_or_default()
    };
    ContainerInspect {
        id: definition.id.to_string(),
        created: rfc3339(definition.created),
        path,
        args,
        state: state(&view.state),
        image: definition.image.clone(),
        resolv_conf_path: file(|files| &files.resolv_conf),
        hostname_path: file(|files| &files.hostname),
        hosts_path: file(|files| &files.hosts),
        log_path: view.log.as_deref().map(text).unwrap_or_default(),
        name: format!("/{}", definition.name),
        restart_count: i64::from(view.state.restart_count),
        driver: crate::containers::STORAGE_DRIVER.into(),
        platform: definition.platform.clone(),
        exec_ids: Some(view.execs.iter().map(ToString::to_string).collect()).filter(|execs: &Vec<_>| !execs.is_empty()),
        host_config: HostConfig {
            links: Some(view.links.clone()).filter(|links| !links.is_empty()),
            ..definition.host_config.clone()
        },
        mounts: definition.mounts.iter().map(mount).collect(),
        config: config(view, version),
        network_settings: networking::settings(view, version),
        ..ContainerInspect::default()
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn config(view: &ContainerView, version: ApiVersion) -> Config {
    let mut config = view.definition.config.clone();
    config.mac_address.clear();
    if version < WITHOUT_MAC {
        let main = view.definition.endpoints.get(&view.definition.host_config.network_mode);
        config.mac_address = main.map(|main| main.mac().to_string()).unwrap_or_default();
    }
    config
}

pub(super) fn state(state: &State) -> ContainerState {
    let time = |time: Option<SystemTime>| time.map_or_else(|| NEVER.to_owned(), rfc3339);
    ContainerState {
        status: state.status.word().into(),
        running: state.is_running(),
        paused: state.status == Status::Paused,
        restarting: state.status == Status::Restarting,
        oom_killed: state.oom_killed,
        dead: state.status == Status::Dead,
        pid: i64::from(state.pid),
        exit_code: i64::from(state.exit_code),
        error: state.error.clone(),
        started_at: time(state.started_at),
        finished_at: time(state.finished_at),
        health: state.health.as_ref().map(health),
    }
}

fn health(health: &pontoon_containers::Health) -> Health {
    let log = health.log.iter().map(|check| HealthcheckResult {
        start: rfc3339(check.start),
        end: rfc3339(check.end),
        exit_code: i64::from(check.exit_code),
        output: check.output.clone(),
    });
    Health { status: health.status.word().into(), failing_streak: health.failing_streak, log: log.collect() }
}

pub(super) fn mount(mount: &pontoon_containers::MountPoint) -> MountPoint {
    MountPoint {
        kind: mount.kind.word().into(),
        name: mount.name.clone(),
        source: mount.source.clone(),
        destination: mount.destination.clone(),
        driver: mount.driver.clone(),
        mode: mount.mode.clone(),
        rw: mount.writable,
        propagation: mount.propagation.clone(),
    }
}
