//! Filters of `GET /containers/json` and of `POST /containers/prune`.
//!
//! Owns: which keys there are, what their values may be, and which containers they take. Must never ask for anything:
//! what it compares is all in [`Listed`].

use super::Patterns;
use crate::Failure;
use pontoon_api_types::Filters;
use pontoon_containers::network::{Container, PortFilter, is_in_network};
use std::collections::BTreeMap;
use std::time::SystemTime;

const KEYS: &[&str] = &[
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "is-task",
    "isolation",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
];
const STATES: &[&str] = &["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const HEALTH: &[&str] = &["none", "starting", "healthy", "unhealthy"];

/// What is compared of a container.
#[derive(Clone, Debug)]
pub(crate) struct Listed<'a> {
    pub(crate) id: String,
    pub(crate) state: &'a str,
    pub(crate) health: &'a str,
    pub(crate) running: bool,
    pub(crate) started: bool,
    pub(crate) exit_code: i32,
    /// Names and places of its volumes.
    pub(crate) volumes: Vec<(&'a str, &'a str)>,
    /// Its name, settings and networks.
    pub(crate) network: Container<'a>,
}

/// Which containers to list.
#[derive(Clone, Debug)]
pub(crate) struct ContainerFilter {
    filters: Filters,
    names: Patterns,
    ids: Patterns,
    states: Patterns,
    exited: Vec<i32>,
    publish: Vec<PortFilter>,
    expose: Vec<PortFilter>,
    task: Option<bool>,
}

impl ContainerFilter {
    /// Checks the filters; every wrong value is refused before anything is listed.
    pub(crate) fn new(filters: Filters) -> Result<Self, Failure> {
        filters.only(KEYS)?;
        one_of(&filters, "status", STATES)?;
        one_of(&filters, "health", HEALTH)?;
        let exited = filters.values("exited").map(|value| value.parse().map_err(|_| wrong("exited", value)));
        Ok(Self {
            names: Patterns::of(&filters, "name"),
            ids: Patterns::of(&filters, "id"),
            states: Patterns::of(&filters, "status"),
            exited: exited.collect::<Result<_, _>>()?,
            publish: ports(&filters, "publish")?,
            expose: ports(&filters, "expose")?,
            task: task(&filters)?,
            filters,
        })
    }

    /// Whether stopped containers are meant although they were not asked for: a filter by state says so.
    pub(crate) fn wants_all(&self) -> bool {
        self.filters.has("status")
    }

    /// Containers before and after which to list.
    pub(crate) fn before(&self) -> Option<&str> {
        self.filters.values("before").next()
    }

    pub(crate) fn since(&self) -> Option<&str> {
        self.filters.values("since").next()
    }

    /// Images from which the containers must come.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.filters.values("ancestor")
    }

    pub(crate) fn takes(&self, container: &Listed<'_>) -> bool {
        let none = BTreeMap::new();
        let of = &container.network;
        let ended = !container.running && container.started;
        let volume = |wanted: &str| container.volumes.iter().any(|(name, place)| *name == wanted || *place == wanted);
        (self.names.take(of.name) || self.names.take(&format!("/{}", of.name)))
            && self.ids.take(&container.id)
            && self.filters.labels("label", of.config.labels.as_ref().unwrap_or(&none))
            && self.filters.exact("isolation", &of.host.isolation)
            && (self.exited.is_empty() || ended && self.exited.contains(&container.exit_code))
            && self.states.take(container.state)
            && self.filters.exact("health", container.health)
            && self.filters.any("volume", volume)
            && self.filters.any("network", |wanted| is_in_network(of, wanted))
            && (self.publish.is_empty() || self.publish.iter().any(|ports| ports.is_published(of)))
            && (self.expose.is_empty() || self.expose.iter().any(|ports| ports.is_exposed(of)))
            // Tasks exist in swarms only.
            && self.task != Some(true)
    }
}

/// Which containers a prune removes, of those that do not run.
#[derive(Clone, Debug)]
pub struct ContainerPruneFilter {
    filters: Filters,
    until: Option<SystemTime>,
}

impl ContainerPruneFilter {
    pub(crate) fn new(filters: Filters, now: SystemTime) -> Result<Self, Failure> {
        filters.only(&["label", "label!", "until"])?;
        let mut untils = filters.values("until");
        let until = untils.next().map(|text| super::when::parse_time(text, now)).transpose()?;
        let several = untils.next().is_some();
        drop(untils);
        if several {
            return Err(Failure::invalid("more than one until filter specified"));
        }
        Ok(Self { until, filters })
    }

    /// Whether the container goes.
    pub fn takes(&self, created: SystemTime, labels: Option<&BTreeMap<String, String>>) -> bool {
        self.until.is_none_or(|until| created <= until) && super::labelled(&self.filters, labels)
    }
}

fn wrong(key: &str, value: &str) -> Failure {
    Failure::invalid(format!("invalid filter '{key}={value}'"))
}

fn one_of(filters: &Filters, key: &str, values: &[&str]) -> Result<(), Failure> {
    match filters.values(key).find(|value| !values.contains(value)) {
        Some(value) => Err(wrong(key, value)),
        None => Ok(()),
    }
}

fn task(filters: &Filters) -> Result<Option<bool>, Failure> {
    let value = |value: &str| match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(wrong("is-task", value)),
    };
    filters.values("is-task").next().map(value).transpose()
}

fn ports(filters: &Filters, key: &'static str) -> Result<Vec<PortFilter>, Failure> {
    filters.values(key).map(|value| PortFilter::parse(key, value).map_err(Failure::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_containers::network::Endpoint;
    use pontoon_types::ContainerId;

    fn taken(pairs: &[(&str, &str)]) -> bool {
        let config = serde_json::from_str(r#"{"Labels":{"a":"1"},"ExposedPorts":{"80/tcp":{},"53/udp":{}}}"#).unwrap();
        let host = serde_json::from_str(r#"{"PortBindings":{"80/tcp":[{"HostPort":"8080"}]}}"#).unwrap();
        let settings = serde_json::from_str(r#"{"NetworkID":"f00d"}"#).unwrap();
        let endpoints = [("front".to_owned(), Endpoint { settings, has_run: true })].into();
        let network = Container {
            id: ContainerId::random(),
            name: "web-1",
            config: &config,
            host: &host,
            endpoints: &endpoints,
            links: &[],
        };
        let container = Listed {
            id: "abcdef".into(),
            state: "exited",
            health: "none",
            running: false,
            started: true,
            exit_code: 3,
            volumes: vec![("data", "/var/data")],
            network,
        };
        ContainerFilter::new(pairs.iter().copied().collect()).unwrap().takes(&container)
    }

    #[test]
    fn filters_take_as_dockers_do() {
        for (key, value, takes) in [
            ("name", "web", true),
            ("name", "^/web", true),
            ("name", "^web-1$", true),
            ("name", "db", false),
            ("id", "bcd", true),
            ("label", "a=1", true),
            ("label", "b", false),
            ("exited", "3", true),
            ("exited", "0", false),
            ("status", "exited", true),
            ("status", "running", false),
            ("health", "none", true),
            ("health", "healthy", false),
            ("volume", "data", true),
            ("volume", "/var/data", true),
            ("volume", "dat", false),
            ("network", "front", true),
            ("network", "f0", true),
            ("network", "fron", false),
            ("publish", "80", true),
            ("publish", "70-90/tcp", true),
            ("publish", "80/udp", false),
            ("expose", "53/udp", true),
            ("expose", "53", false),
            ("is-task", "false", true),
            ("is-task", "true", false),
        ] {
            assert_eq!(taken(&[(key, value)]), takes, "{key}={value}");
        }
        assert!(taken(&[("name", "nope"), ("name", "web"), ("label", "a")]));
    }

    #[test]
    fn wrong_values_are_refused_in_dockers_words() {
        for (key, value, text) in [
            ("nope", "x", "invalid filter 'nope'"),
            ("status", "gone", "invalid filter 'status=gone'"),
            ("health", "x", "invalid filter 'health=x'"),
            ("exited", "x", "invalid filter 'exited=x'"),
            ("publish", "80:80", "filter for 'publish' should not contain ':': 80:80"),
            ("is-task", "x", "invalid filter 'is-task=x'"),
        ] {
            let failure = ContainerFilter::new([(key, value)].into_iter().collect()).unwrap_err();
            assert_eq!((failure.status.as_u16(), failure.body.message.as_str()), (400, text));
        }
    }
}
