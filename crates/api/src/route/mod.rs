//! Which call a method and a path mean. Pure.
//!
//! Owns: the table of paths. An id may contain slashes (Docker's pattern is greedy), so the fixed ends are looked at
//! first.

mod images;

pub(crate) use images::ImageRoute;

mod containers;

pub(crate) use containers::{ContainerCall, ContainerRoute, ExecCall, VolumeRoute};

use crate::work::Queue;
use http::Method;
use percent_encoding::percent_decode_str;

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Ping,
    Version,
    Info,
    Events,
    Networks,
    Network(String),
    CreateNetwork,
    PruneNetworks,
    Connect(String),
    Disconnect(String),
    RemoveNetwork(String),
    Sandboxes,
    Sandbox(String),
    CreateSandbox,
    SetPorts(String),
    RemoveSandbox(String),
    Image(ImageRoute),
    Containers(ContainerRoute),
    Exec(String, ExecCall),
    Volumes(VolumeRoute),
    /// `GET /system/df`.
    DiskUsage,
    /// `GET /plugins`: there are none.
    Plugins,
    /// `OPTIONS` on anything: allowed and empty, as in Docker.
    Options,
    /// A part of the Engine API that is not here.
    Absent(String),
}

/// A path without its version, and the version as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) version: Option<String>,
    pub(crate) route: Option<Route>,
}

/// First path components of the Engine API that Pontoon does not serve.
const ABSENT: &[&str] = &[
    "build",
    "commit",
    "configs",
    "distribution",
    "grpc",
    "images",
    "nodes",
    "plugins",
    "secrets",
    "services",
    "session",
    "swarm",
    "tasks",
];

impl Route {
    /// The call's pattern, for logs and counters.
    pub(crate) fn pattern(&self) -> &'static str {
        match self {
            Self::Ping => "/_ping",
            Self::Version => "/version",
            Self::Info => "/info",
            Self::Events => "/events",
            Self::Networks => "/networks",
            Self::Network(_) | Self::RemoveNetwork(_) => "/networks/{id}",
            Self::CreateNetwork => "/networks/create",
            Self::PruneNetworks => "/networks/prune",
            Self::Connect(_) => "/networks/{id}/connect",
            Self::Disconnect(_) => "/networks/{id}/disconnect",
            Self::Sandboxes => "/pontoon/v1/sandboxes",
            Self::Sandbox(_) | Self::RemoveSandbox(_) => "/pontoon/v1/sandboxes/{id}",
            Self::CreateSandbox => "/pontoon/v1/sandboxes/create",
            Self::SetPorts(_) => "/pontoon/v1/sandboxes/{id}/ports",
            Self::Image(route) => route.pattern(),
            Self::Containers(route) => route.pattern(),
            Self::Exec(_, call) => call.pattern(),
            Self::Volumes(route) => route.pattern(),
            Self::DiskUsage => "/system/df",
            Self::Plugins => "/plugins",
            Self::Options => "*",
            Self::Absent(_) => "absent",
        }
    }

    /// Whether the call takes a JSON body.
    pub(crate) fn takes_body(&self) -> bool {
        match self {
            Self::CreateNetwork | Self::Connect(_) | Self::Disconnect(_) | Self::CreateSandbox | Self::SetPorts(_) => {
                true
            }
            Self::Image(route) => route.takes_body(),
            Self::Containers(route) => route.takes_json(),
            Self::Exec(_, call) => *call == ExecCall::Start,
            Self::Volumes(route) => *route == VolumeRoute::Create,
            _ => false,
        }
    }

    /// Where a call that blocks waits for its turn.
    pub(crate) fn queue(&self) -> Queue {
        match self {
            Self::Info | Self::Networks | Self::Network(_) | Self::Sandboxes | Self::Sandbox(_) => Queue::Reads,
            Self::Image(route) if route.reads() => Queue::Reads,
            _ => Queue::Writes,
        }
    }

    /// What the call is about, in short, and under which field of its span that stands.
    pub(crate) fn subject(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Network(id) | Self::Connect(id) | Self::Disconnect(id) | Self::RemoveNetwork(id) => {
                Some(("network", short(id)))
            }
            Self::Sandbox(id) | Self::SetPorts(id) | Self::RemoveSandbox(id) => Some(("sandbox", short(id))),
            Self::Containers(route) => route.id().map(|id| ("container", short(id))),
            _ => None,
        }
    }
}

/// The first twelve characters of an id; names stay as they are.
pub(crate) fn short(term: &str) -> &str {
    let id = term.len() == 64 && term.bytes().all(|c| c.is_ascii_hexdigit());
    if id { &term[..12] } else { term }
}

/// Reads method and (still encoded) path.
pub(crate) fn target(method: &Method, path: &str) -> Target {
    let path = percent_decode_str(path).decode_utf8_lossy();
    // Docker cleans paths by redirecting; a doubled slash in front is the one that base addresses produce.
    let path = path.trim_start_matches('/');
    let (version, rest) = split_version(path);
    let route = if method == Method::OPTIONS { Some(Route::Options) } else { route(method, rest) };
    let route = match (route, &version) {
        // Our own API is versioned by itself.
        (Some(_), Some(_)) if rest.starts_with("pontoon/") => None,
        (route, _) => route,
    };
    Target { version: version.map(ToOwned::to_owned), route }
}

/// Takes `v1.56/` from the front; any digits and dots are a version, which is judged later.
fn split_version(path: &str) -> (Option<&str>, &str) {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    match first.strip_prefix('v') {
        Some(version) if !version.is_empty() && version.bytes().all(|c| c.is_ascii_digit() || c == b'.') => {
            (Some(version), rest)
        }
        _ => (None, path),
    }
}

fn route(method: &Method, path: &str) -> Option<Route> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let whole = !path.contains('/');
    let get = method == Method::GET;
    match first {
        "_ping" if whole && (get || method == Method::HEAD) => Some(Route::Ping),
        "version" if whole && get => Some(Route::Version),
        "info" if whole && get => Some(Route::Info),
        "events" if whole && get => Some(Route::Events),
        "networks" => networks(method, rest),
        "images" if let Some(route) = images::images(method, rest) => Some(Route::Image(route)),
        "auth" if whole && *method == Method::POST => Some(Route::Image(ImageRoute::Auth)),
        "containers" => ContainerRoute::read(method, rest).map(Route::Containers),
        "exec" => ExecCall::read(method, rest).map(|(id, call)| Route::Exec(id, call)),
        "volumes" => VolumeRoute::read(method, rest).map(Route::Volumes),
        "system" if rest == "df" && get => Some(Route::DiskUsage),
        "plugins" if whole && get => Some(Route::Plugins),
        "pontoon" => sandboxes(method, rest.strip_prefix("v1/sandboxes")?),
        first if ABSENT.contains(&first) => Some(Route::Absent(path.to_owned())),
        _ => None,
    }
}

fn networks(method: &Method, rest: &str) -> Option<Route> {
    let id = |rest: &str| Some(rest.to_owned()).filter(|id| !id.is_empty());
    match *method {
        Method::GET if rest.is_empty() => Some(Route::Networks),
        Method::GET => id(rest).map(Route::Network),
        Method::DELETE => id(rest).map(Route::RemoveNetwork),
        Method::POST => match rest {
            "create" => Some(Route::CreateNetwork),
            "prune" => Some(Route::PruneNetworks),
            _ => match rest.rsplit_once('/')? {
                (name, "connect") => id(name).map(Route::Connect),
                (name, "disconnect") => id(name).map(Route::Disconnect),
                _ => None,
            },
        },
        _ => None,
    }
}

fn sandboxes(method: &Method, rest: &str) -> Option<Route> {
    let rest = match rest {
        "" => "",
        rest => rest.strip_prefix('/')?,
    };
    let id = |rest: &str| Some(rest.to_owned()).filter(|id| !id.is_empty() && !id.contains('/'));
    match *method {
        Method::GET if rest.is_empty() => Some(Route::Sandboxes),
        Method::GET => id(rest).map(Route::Sandbox),
        Method::DELETE => id(rest).map(Route::RemoveSandbox),
        Method::POST if rest == "create" => Some(Route::CreateSandbox),
        Method::POST => id(rest.strip_suffix("/ports")?).map(Route::SetPorts),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Route::*;

    fn routed(line: &str) -> Option<Route> {
        let (method, path) = line.split_once(' ').unwrap();
        target(&method.parse().unwrap(), path).route
    }

    #[test]
    fn every_call_has_its_path_with_and_without_version() {
        let id = || "x".to_owned();
        for (line, route) in [
            ("GET /_ping", Ping),
            ("HEAD /_ping", Ping),
            ("GET /version", Version),
            ("GET /info", Info),
            ("GET /events", Events),
            ("GET /networks", Networks),
            ("GET /networks/", Networks),
            ("GET /networks/x", Network(id())),
            ("POST /networks/create", CreateNetwork),
            ("POST /networks/prune", PruneNetworks),
            ("POST /networks/x/connect", Connect(id())),
            ("POST /networks/x/disconnect", Disconnect(id())),
            ("DELETE /networks/x", RemoveNetwork(id())),
        ] {
            assert_eq!(routed(line), Some(route.clone()), "{line}");
            let versioned = line.replace(" /", " /v1.44/");
            let (method, path) = versioned.split_once(' ').unwrap();
            let target = target(&method.parse().unwrap(), path);
            assert_eq!((target.version.as_deref(), target.route), (Some("1.44"), Some(route)), "{versioned}");
        }
    }

    #[test]
    fn our_own_calls_carry_their_own_version() {
        let id = || "x".to_owned();
        for (line, route) in [
            ("GET /pontoon/v1/sandboxes", Some(Sandboxes)),
            ("GET /pontoon/v1/sandboxes/", Some(Sandboxes)),
            ("GET /pontoon/v1/sandboxes/x", Some(Sandbox(id()))),
            ("POST /pontoon/v1/sandboxes/create", Some(CreateSandbox)),
            ("POST /pontoon/v1/sandboxes/x/ports", Some(SetPorts(id()))),
            ("DELETE /pontoon/v1/sandboxes/x", Some(RemoveSandbox(id()))),
            ("GET /v1.56/pontoon/v1/sandboxes", None),
            ("GET /pontoon/v2/sandboxes", None),
            ("GET /pontoon/v1/sandboxesx", None),
            ("PUT /pontoon/v1/sandboxes", None),
        ] {
            assert_eq!(routed(line), route, "{line}");
        }
    }

    #[test]
    fn an_id_may_contain_slashes_encoded_or_not() {
        assert_eq!(routed("GET /networks/a/b"), Some(Network("a/b".into())));
        assert_eq!(routed("GET /networks/a%2Fb"), Some(Network("a/b".into())));
        assert_eq!(routed("POST /networks/a/b/connect"), Some(Connect("a/b".into())));
        assert_eq!(routed("POST /networks/connect/connect"), Some(Connect("connect".into())));
        assert_eq!(routed("DELETE /networks/create"), Some(RemoveNetwork("create".into())));
        assert_eq!(routed("GET //networks"), Some(Networks));
        assert_eq!(routed("GET /networks/%ff"), Some(Network("\u{fffd}".into())));
    }

    #[test]
    fn what_is_no_call_is_no_page() {
        for line in [
            "GET /",
            "GET /nope",
            "GET /networksx",
            "PUT /networks",
            "HEAD /networks",
            "POST /networks",
            "POST /networks/x",
            "POST /networks//connect",
            "DELETE /networks/",
            "GET /_ping/x",
            "GET /v1.44",
            "GET /vx/networks",
            "GET /v1.44/v1.44/networks",
        ] {
            assert_eq!(routed(line), None, "{line}");
        }
    }

    #[test]
    fn parts_of_the_engine_that_are_not_here_are_known() {
        assert_eq!(routed("POST /v1.50/services/create"), Some(Absent("services/create".into())));
        assert_eq!(routed("POST /build"), Some(Absent("build".into())));
        assert_eq!(routed("OPTIONS /anything/at/all"), Some(Options));
    }

    #[test]
    fn only_ids_are_shortened() {
        assert_eq!(short(&"a".repeat(64)), "a".repeat(12));
        assert_eq!(short("web"), "web");
        assert_eq!(short(&"é".repeat(32)), "é".repeat(32));
    }
}
