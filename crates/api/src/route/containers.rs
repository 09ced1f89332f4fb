//! Paths of containers, of commands in them, and of volumes.

use http::Method;

/// A call about containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ContainerRoute {
    List,
    Create,
    Prune,
    /// About one of them, by id, name or the beginning of an id.
    One(String, ContainerCall),
}

/// What is asked of one container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContainerCall {
    Inspect,
    Remove,
    Start,
    Stop,
    Restart,
    Kill,
    Pause,
    Unpause,
    Rename,
    Update,
    Wait,
    Resize,
    Attach,
    AttachWebSocket,
    Logs,
    Top,
    Stats,
    Changes,
    Export,
    ArchiveStat,
    ArchiveGet,
    ArchivePut,
    Exec,
}

impl ContainerCall {
    /// Whether it moves much, in or out: it is no ordinary call with a body of its own.
    pub(crate) fn is_transfer(self) -> bool {
        matches!(self, Self::ArchiveGet | Self::ArchivePut | Self::Export)
    }
}

/// A call about a command in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExecCall {
    Inspect,
    Start,
    Resize,
}

/// A call about volumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VolumeRoute {
    List,
    Create,
    Prune,
    Inspect(String),
    Update(String),
    Remove(String),
}

use ContainerCall as C;

/// Method, what stands behind the id, call, pattern.
const CALLS: &[(Method, &str, ContainerCall, &str)] = &[
    (Method::GET, "/json", C::Inspect, "/containers/{id}/json"),
    (Method::GET, "/top", C::Top, "/containers/{id}/top"),
    (Method::GET, "/logs", C::Logs, "/containers/{id}/logs"),
    (Method::GET, "/stats", C::Stats, "/containers/{id}/stats"),
    (Method::GET, "/changes", C::Changes, "/containers/{id}/changes"),
    (Method::GET, "/export", C::Export, "/containers/{id}/export"),
    (Method::GET, "/attach/ws", C::AttachWebSocket, "/containers/{id}/attach/ws"),
    (Method::GET, "/archive", C::ArchiveGet, "/containers/{id}/archive"),
    (Method::HEAD, "/archive", C::ArchiveStat, "/containers/{id}/archive"),
    (Method::PUT, "/archive", C::ArchivePut, "/containers/{id}/archive"),
    (Method::POST, "/start", C::Start, "/containers/{id}/start"),
    (Method::POST, "/stop", C::Stop, "/containers/{id}/stop"),
    (Method::POST, "/restart", C::Restart, "/containers/{id}/restart"),
    (Method::POST, "/kill", C::Kill, "/containers/{id}/kill"),
    (Method::POST, "/pause", C::Pause, "/containers/{id}/pause"),
    (Method::POST, "/unpause", C::Unpause, "/containers/{id}/unpause"),
    (Method::POST, "/rename", C::Rename, "/containers/{id}/rename"),
    (Method::POST, "/update", C::Update, "/containers/{id}/update"),
    (Method::POST, "/wait", C::Wait, "/containers/{id}/wait"),
    (Method::POST, "/resize", C::Resize, "/containers/{id}/resize"),
    (Method::POST, "/attach", C::Attach, "/containers/{id}/attach"),
    (Method::POST, "/exec", C::Exec, "/containers/{id}/exec"),
    (Method::DELETE, "", C::Remove, "/containers/{id}"),
];

impl ContainerRoute {
    /// Reads what stands behind `/containers/`.
    pub(super) fn read(method: &Method, rest: &str) -> Option<Self> {
        match (method, rest) {
            (&Method::GET, "json") => return Some(Self::List),
            (&Method::POST, "create") => return Some(Self::Create),
            (&Method::POST, "prune") => return Some(Self::Prune),
            _ => {}
        }
        let (id, call) = CALLS.iter().find_map(|(wanted, end, call, _)| {
            let id = rest.strip_suffix(end).filter(|id| !id.is_empty() && wanted == method)?;
            Some((id, *call))
        })?;
        Some(Self::One(id.to_owned(), call))
    }

    pub(super) fn pattern(&self) -> &'static str {
        match self {
            Self::List => "/containers/json",
            Self::Create => "/containers/create",
            Self::Prune => "/containers/prune",
            Self::One(_, call) => CALLS.iter().find(|(_, _, of, _)| of == call).map_or("/containers/{id}", |c| c.3),
        }
    }

    /// Whether the body is JSON.
    pub(super) fn takes_json(&self) -> bool {
        matches!(self, Self::Create | Self::One(_, C::Update | C::Exec))
    }

    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::One(id, _) => Some(id),
            _ => None,
        }
    }
}

impl ExecCall {
    /// Reads what stands behind `/exec/`.
    pub(super) fn read(method: &Method, rest: &str) -> Option<(String, Self)> {
        let (id, end) = rest.rsplit_once('/').filter(|(id, _)| !id.is_empty())?;
        let call = match (method, end) {
            (&Method::GET, "json") => Self::Inspect,
            (&Method::POST, "start") => Self::Start,
            (&Method::POST, "resize") => Self::Resize,
            _ => return None,
        };
        Some((id.to_owned(), call))
    }

    pub(super) fn pattern(self) -> &'static str {
        match self {
            Self::Inspect => "/exec/{id}/json",
            Self::Start => "/exec/{id}/start",
            Self::Resize => "/exec/{id}/resize",
        }
    }
}

impl VolumeRoute {
    /// Reads what stands behind `/volumes`.
    pub(super) fn read(method: &Method, rest: &str) -> Option<Self> {
        let name = || Some(rest.to_owned()).filter(|name| !name.is_empty());
        match *method {
            Method::GET if rest.is_empty() => Some(Self::List),
            Method::GET => name().map(Self::Inspect),
            Method::POST if rest == "create" => Some(Self::Create),
            Method::POST if rest == "prune" => Some(Self::Prune),
            Method::PUT => name().map(Self::Update),
            Method::DELETE => name().map(Self::Remove),
            _ => None,
        }
    }

    pub(super) fn pattern(&self) -> &'static str {
        match self {
            Self::List => "/volumes",
            Self::Create => "/volumes/create",
            Self::Prune => "/volumes/prune",
            Self::Inspect(_) | Self::Update(_) | Self::Remove(_) => "/volumes/{name}",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_about_one_container_is_read() {
        for (method, end, call, pattern) in CALLS {
            let route = ContainerRoute::read(method, &format!("web{end}")).unwrap();
            assert_eq!(route, ContainerRoute::One("web".into(), *call));
            if !matches!(call, C::ArchiveGet | C::ArchivePut | C::ArchiveStat) {
                assert_eq!(route.pattern(), *pattern);
            }
        }
    }

    #[test]
    fn lists_and_links_are_told_from_containers() {
        let read = |line: &str| {
            let (method, rest) = line.split_once(' ').unwrap();
            ContainerRoute::read(&method.parse().unwrap(), rest)
        };
        assert_eq!(read("GET json"), Some(ContainerRoute::List));
        assert_eq!(read("GET json/json"), Some(ContainerRoute::One("json".into(), C::Inspect)));
        assert_eq!(read("DELETE web/db"), Some(ContainerRoute::One("web/db".into(), C::Remove)));
        for none in ["GET web", "POST json", "POST web/json", "PUT web/start", "DELETE ", "POST /start"] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn commands_and_volumes_have_their_paths() {
        assert_eq!(ExecCall::read(&Method::POST, "x/start"), Some(("x".into(), ExecCall::Start)));
        assert_eq!(ExecCall::read(&Method::GET, "/json"), None);
        assert_eq!(VolumeRoute::read(&Method::GET, ""), Some(VolumeRoute::List));
        assert_eq!(VolumeRoute::read(&Method::PUT, "v"), Some(VolumeRoute::Update("v".into())));
        assert_eq!(VolumeRoute::read(&Method::POST, "v"), None);
    }
}
