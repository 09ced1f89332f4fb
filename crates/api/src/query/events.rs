//! Parameters of `GET /events`: from when, until when, which (api-networks.md section 12).

use super::Query;
use super::when::parse_time;
use crate::Failure;
use pontoon_api_types::Filters;
use pontoon_types::{Event, EventSubject};
use std::time::SystemTime;

/// Objects by which events are filtered: the actor's id or name begins with the value.
const OBJECTS: &[&str] =
    &["config", "container", "daemon", "network", "node", "plugin", "sandbox", "secret", "service", "volume"];

/// From when and until when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EventWindow {
    pub(crate) since: Option<SystemTime>,
    pub(crate) until: Option<SystemTime>,
}

impl EventWindow {
    pub(crate) fn new(query: &Query, now: SystemTime) -> Result<Self, Failure> {
        let (since_text, until_text) = (query.get("since"), query.get("until"));
        let read =
            |text: &str| Some(text).filter(|text| !text.is_empty()).map(|text| parse_time(text, now)).transpose();
        let (since, until) = (read(since_text)?, read(until_text)?);
        if until.is_some_and(|until| since.is_some_and(|since| until < since)) {
            let text = format!("`since` time ({since_text}) cannot be after `until` time ({until_text})");
            return Err(Failure::invalid(text));
        }
        Ok(Self { since, until })
    }

    /// Whether a past event is to be told again. Without a window none is.
    pub(crate) fn replays(&self, event: &Event) -> bool {
        let asked = self.since.is_some() || self.until.is_some();
        asked
            && self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time <= until)
    }
}

/// Which events.
#[derive(Clone, Debug)]
pub(crate) struct EventFilter(Filters);

impl EventFilter {
    pub(crate) fn new(filters: Filters) -> Result<Self, Failure> {
        let mut keys = vec!["event", "label", "scope", "type"];
        keys.push("image");
        keys.extend(OBJECTS);
        filters.only(&keys)?;
        Ok(Self(filters))
    }

    pub(crate) fn takes(&self, event: &Event) -> bool {
        let name = event.attributes.get("name").map_or("", String::as_str);
        let scope = match event.scope {
            pontoon_types::EventScope::Local => "local",
            pontoon_types::EventScope::Swarm => "swarm",
        };
        self.0.any("event", |wanted| is_action(&event.action, wanted))
            && self.0.exact("type", &event.subject.to_string())
            && self.0.exact("scope", scope)
            && self.0.labels("label", &event.attributes)
            && self.0.any("image", |wanted| is_image(event, wanted))
            && OBJECTS.iter().all(|key| self.0.prefix(key, &event.actor) || self.0.prefix(key, name))
    }
}

/// Some actions carry more behind a colon, which filters may leave out.
fn is_action(action: &str, wanted: &str) -> bool {
    let open = matches!(wanted, "exec_create" | "exec_start" | "health_status");
    action == wanted || open && action.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(':'))
}

/// The image of a container, or an image itself; with or without its tag.
fn is_image(event: &Event, wanted: &str) -> bool {
    let key = if event.subject == EventSubject::Image { "name" } else { "image" };
    let name = event.attributes.get(key).map_or("", String::as_str);
    let bare = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(name, |(bare, _)| bare);
    event.actor == wanted || !name.is_empty() && (name == wanted || bare == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_types::EventScope;
    use std::time::Duration;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn event(action: &str, seconds: u64) -> Event {
        Event {
            subject: EventSubject::Network,
            action: action.into(),
            actor: "abcdef".into(),
            attributes: [("name", "front"), ("type", "bridge"), ("container", "ccc")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
            scope: EventScope::Local,
            time: at(seconds),
        }
    }

    #[test]
    fn filters_take_as_dockers_do() {
        for (pairs, taken) in [
            (vec![], true),
            (vec![("type", "network")], true),
            (vec![("type", "container")], false),
            (vec![("event", "connect"), ("event", "create")], true),
            (vec![("event", "conn")], false),
            (vec![("network", "abc")], true),
            (vec![("network", "fro")], true),
            (vec![("network", "ont")], false),
            (vec![("network", "x"), ("network", "front")], true),
            (vec![("container", "ccc")], false),
            (vec![("scope", "local")], true),
            (vec![("scope", "swarm")], false),
            (vec![("label", "type=bridge")], true),
            (vec![("label", "type=host")], false),
            (vec![("label", "type"), ("label", "none")], false),
            (vec![("type", "network"), ("event", "destroy")], false),
        ] {
            let filter = EventFilter::new(pairs.iter().copied().collect()).unwrap();
            assert_eq!(filter.takes(&event("create", 1)), taken, "{pairs:?}");
        }
        let unknown = EventFilter::new([("nope", "x")].into_iter().collect()).unwrap_err();
        assert_eq!(unknown.body.message, "invalid filter 'nope'");
    }

    #[test]
    fn the_window_decides_what_is_told_again() {
        let window = |query: &str| EventWindow::new(&Query::parse(query), at(100));
        for (query, seconds) in [
            ("", vec![]),
            ("since=20", vec![20, 30]),
            ("until=20.5", vec![10, 20]),
            ("since=15&until=25", vec![20]),
            ("since=85s", vec![20, 30]),
            ("since=0", vec![10, 20, 30]),
        ] {
            let window = window(query).unwrap();
            let told: Vec<u64> = [10, 20, 30].into_iter().filter(|s| window.replays(&event("x", *s))).collect();
            assert_eq!(told, seconds, "{query}");
        }
        assert_eq!(
            window("since=20&until=10").unwrap_err().body.message,
            "`since` time (20) cannot be after `until` time (10)"
        );
        assert!(window("since=yesterday").is_err());
    }
}
