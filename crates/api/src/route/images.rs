//! Paths under `/images`. A name may contain slashes, so the fixed ends are looked at first.

use http::Method;

/// A call about images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ImageRoute {
    List,
    Inspect(String),
    History(String),
    Tag(String),
    Remove(String),
    Prune,
    /// Pull or import.
    Create,
    Load,
    /// By the parameter `names`.
    SaveSeveral,
    Save(String),
    /// `POST /auth`.
    Auth,
}

impl ImageRoute {
    /// The call's pattern, for logs and counters.
    pub(crate) fn pattern(&self) -> &'static str {
        match self {
            Self::List => "/images/json",
            Self::Inspect(_) => "/images/{name}/json",
            Self::History(_) => "/images/{name}/history",
            Self::Tag(_) => "/images/{name}/tag",
            Self::Remove(_) => "/images/{name}",
            Self::Prune => "/images/prune",
            Self::Create => "/images/create",
            Self::Load => "/images/load",
            Self::SaveSeveral => "/images/get",
            Self::Save(_) => "/images/{name}/get",
            Self::Auth => "/auth",
        }
    }

    /// Whether the call takes a JSON body.
    pub(crate) fn takes_body(&self) -> bool {
        matches!(self, Self::Auth)
    }

    /// Whether much is moved, in or out.
    pub(crate) fn is_transfer(&self) -> bool {
        matches!(self, Self::Create | Self::Load | Self::SaveSeveral | Self::Save(_))
    }

    /// Whether the call only looks.
    pub(crate) fn reads(&self) -> bool {
        matches!(self, Self::List | Self::Inspect(_) | Self::History(_))
    }
}

/// The call of a method and the path behind `images/`; `None` for what is not served here.
pub(super) fn images(method: &Method, rest: &str) -> Option<ImageRoute> {
    let name = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
    let end = rest.rsplit_once('/');
    match *method {
        Method::GET => match (rest, end) {
            ("json", _) => Some(ImageRoute::List),
            ("get", _) => Some(ImageRoute::SaveSeveral),
            (_, Some((of, "json"))) => name(of).map(ImageRoute::Inspect),
            (_, Some((of, "history"))) => name(of).map(ImageRoute::History),
            (_, Some((of, "get"))) => name(of).map(ImageRoute::Save),
            _ => None,
        },
        Method::POST => match (rest, end) {
            ("create", _) => Some(ImageRoute::Create),
            ("load", _) => Some(ImageRoute::Load),
            ("prune", _) => Some(ImageRoute::Prune),
            (_, Some((of, "tag"))) => name(of).map(ImageRoute::Tag),
            _ => None,
        },
        Method::DELETE => name(rest).map(ImageRoute::Remove),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ImageRoute::*;

    #[test]
    fn every_call_has_its_path_and_names_may_have_slashes() {
        let name = || "host:5000/a/b".to_owned();
        for (line, route) in [
            ("GET json", Some(List)),
            ("GET get", Some(SaveSeveral)),
            ("GET host:5000/a/b/json", Some(Inspect(name()))),
            ("GET host:5000/a/b/history", Some(History(name()))),
            ("GET host:5000/a/b/get", Some(Save(name()))),
            ("POST create", Some(Create)),
            ("POST load", Some(Load)),
            ("POST prune", Some(Prune)),
            ("POST host:5000/a/b/tag", Some(Tag(name()))),
            ("DELETE host:5000/a/b", Some(Remove(name()))),
            ("DELETE ", None),
            ("GET /json", None),
            ("GET search", None),
            ("POST host:5000/a/b/push", None),
            ("PUT json", None),
        ] {
            let (method, rest) = line.split_once(' ').unwrap();
            assert_eq!(images(&method.parse().unwrap(), rest), route, "{line}");
        }
    }
}
