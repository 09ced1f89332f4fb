//! Containers in a list.

use super::{inspect, networking};
use crate::answers::Call;
use crate::query::{ContainerFilter, Listed};
use crate::reply::{self, Reply};
use crate::{ContainerEngine, Failure};
use http::StatusCode;
use pontoon_api_types::{
    ApiVersion, ContainerSummary, HealthSummary, HostConfigSummary, NetworkSettingsSummary, human_duration,
};
use pontoon_containers::network::listed_networks;
use pontoon_containers::{ContainerView, State, Status};
use std::time::SystemTime;

/// Since this version lists tell of health.
const HEALTH: ApiVersion = ApiVersion::v1(52);

pub(super) async fn list(containers: &dyn ContainerEngine, call: &Call) -> Result<Reply, Failure> {
    let filter = ContainerFilter::new(call.query.filters()?)?;
    let limit = call.query.integer("limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
    let all = call.query.flag("all") || limit.is_some() || filter.wants_all();
    let everyone = containers.containers();
    let views = between(everyone.clone(), containers, &filter)?;
    let ancestors: Vec<&str> = filter.ancestors().collect();
    let chosen = views.iter().filter(|view| {
        (all || view.state.is_running())
            && (ancestors.is_empty() || ancestors.iter().any(|image| containers.is_from(view, image)))
            && filter.takes(&listed(view))
    });
    let chosen: Vec<&ContainerView> = chosen.take(limit.unwrap_or(usize::MAX)).collect();
    let mut shown = summaries(chosen.iter().copied(), &everyone, call.version);
    if call.query.flag("size") {
        for (view, shown) in chosen.iter().zip(&mut shown) {
            // One that is removed meanwhile has no size.
            if let Ok(sizes) = containers.sizes(&view.definition.id.to_string()).await {
                (shown.size_rw, shown.size_root_fs) = (Some(sizes.written), Some(sizes.whole));
            }
        }
    }
    reply::json(StatusCode::OK, &shown)
}

/// Those older than `before` and newer than `since`; the newest come first.
fn between(
    mut views: Vec<ContainerView>,
    containers: &dyn ContainerEngine,
    filter: &ContainerFilter,
) -> Result<Vec<ContainerView>, Failure> {
    let place = |views: &[ContainerView], term: &str| -> Result<usize, Failure> {
        let id = containers.container(term)?.definition.id;
        Ok(views.iter().position(|view| view.definition.id == id).unwrap_or(views.len()))
    };
    if let Some(term) = filter.before() {
        let place = place(&views, term)?;
        views.drain(..(place + 1).min(views.len()));
    }
    if let Some(term) = filter.since() {
        let place = place(&views, term)?;
        views.truncate(place);
    }
    Ok(views)
}

fn listed(view: &ContainerView) -> Listed<'_> {
    let definition = &view.definition;
    Listed {
        id: definition.id.to_string(),
        state: view.state.status.word(),
        health: view.state.health.as_ref().map_or("none", |health| health.status.word()),
        running: view.state.is_running(),
        started: view.state.started_at.is_some(),
        exit_code: view.state.exit_code,
        volumes: definition.mounts.iter().map(|m| (m.name.as_str(), m.destination.as_str())).collect(),
        network: definition.for_network(),
    }
}

/// The containers in short, in the given order; `everyone` is asked who links to them.
pub(in crate::answers) fn summaries<'a>(
    views: impl Iterator<Item = &'a ContainerView>,
    everyone: &[ContainerView],
    version: ApiVersion,
) -> Vec<ContainerSummary> {
    let now = SystemTime::now();
    views.map(|view| ContainerSummary { names: names(view, everyone), ..summary(view, version, now) }).collect()
}

/// Its own name, and those that others gave it by linking to it: `/parent/alias`.
fn names(view: &ContainerView, everyone: &[ContainerView]) -> Vec<String> {
    let own = view.definition.id;
    let given = everyone.iter().map(|other| &other.definition).flat_map(|parent| {
        let links = parent.links.iter().filter(|link| link.child == own);
        links.map(|link| format!("/{}/{}", parent.name, link.alias))
    });
    std::iter::once(format!("/{}", view.definition.name)).chain(given).collect()
}

fn summary(view: &ContainerView, version: ApiVersion, now: SystemTime) -> ContainerSummary {
    let definition = &view.definition;
    let (path, args) = definition.command();
    let network = networking::shown(view);
    let quoted = |arg: &String| if arg.contains(' ') { format!(" '{arg}'") } else { format!(" {arg}") };
    let created = definition.created.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    ContainerSummary {
        id: definition.id.to_string(),
        image: definition.config.image.clone(),
        image_id: definition.image.clone(),
        command: path + &args.iter().map(quoted).collect::<String>(),
        created: i64::try_from(created).unwrap_or(i64::MAX),
        ports: networking::ports(view, &network),
        labels: definition.config.labels.clone().unwrap_or_default(),
        state: view.state.status.word().into(),
        status: status(&view.state, now),
        host_config: HostConfigSummary {
            network_mode: definition.host_config.network_mode.clone(),
            annotations: definition.host_config.annotations.clone(),
        },
        health: (version >= HEALTH).then(|| health(&view.state)),
        network_settings: NetworkSettingsSummary { networks: listed_networks(&network) },
        mounts: definition.mounts.iter().map(inspect::mount).collect(),
        ..ContainerSummary::default()
    }
}

fn health(state: &State) -> HealthSummary {
    let of = state.health.as_ref();
    HealthSummary {
        status: of.map_or("none", |health| health.status.word()).into(),
        failing_streak: of.map_or(0, |health| health.failing_streak),
    }
}

/// For people.
fn status(state: &State, now: SystemTime) -> String {
    let since = |time: Option<SystemTime>| {
        human_duration(time.and_then(|time| now.duration_since(time).ok()).unwrap_or_default())
    };
    let up = || format!("Up {}", since(state.started_at));
    match state.status {
        Status::Created => "Created".into(),
        Status::Paused => format!("{} (Paused)", up()),
        Status::Restarting => format!("Restarting ({}) {} ago", state.exit_code, since(state.finished_at)),
        Status::Running => match state.health.as_ref().map(|health| health.status.word()) {
            None => up(),
            Some("starting") => format!("{} (health: starting)", up()),
            Some(word) => format!("{} ({word})", up()),
        },
        Status::Removing => "Removal In Progress".into(),
        Status::Dead => "Dead".into(),
        Status::Exited => format!("Exited ({}) {} ago", state.exit_code, since(state.finished_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_state_is_told_in_dockers_words() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000);
        let at = |seconds: u64| Some(now - Duration::from_secs(seconds));
        let state = |status, health| State {
            status,
            exit_code: 3,
            started_at: at(300),
            finished_at: at(7),
            health,
            ..State::default()
        };
        for (shown, text) in [
            (state(Status::Created, None), "Created"),
            (state(Status::Running, None), "Up 5 minutes"),
            (state(Status::Running, Some(Default::default())), "Up 5 minutes (health: starting)"),
            (state(Status::Paused, None), "Up 5 minutes (Paused)"),
            (state(Status::Restarting, None), "Restarting (3) 7 seconds ago"),
            (state(Status::Exited, None), "Exited (3) 7 seconds ago"),
            (state(Status::Removing, None), "Removal In Progress"),
            (state(Status::Dead, None), "Dead"),
        ] {
            assert_eq!(status(&shown, now), text);
        }
    }
}
