//! Query parameters: reading them, and what the filters of each call take.

mod containers;
mod events;
mod images;
mod networks;
mod prune;
mod sandboxes;
mod volumes;
mod when;

pub use containers::ContainerPruneFilter;
pub(crate) use containers::{ContainerFilter, Listed};
pub(crate) use events::{EventFilter, EventWindow};
pub(crate) use images::{ImageFilter, ImagePrune};
pub(crate) use networks::NetworkFilter;
pub(crate) use prune::prune_filter;
pub(crate) use sandboxes::SandboxFilter;
pub(crate) use volumes::VolumeFilter;
pub use volumes::VolumePruneFilter;

use crate::Failure;
use pontoon_api_types::{Filters, quote};
use pontoon_containers::spec::ConsoleSize;
use pontoon_types::parse_go_bool;
use regex::Regex;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// The parameters of one request; of a repeated one the first counts, as in Go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// A parameter's value; empty when absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// All values of a parameter, in their order.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// A parameter that must be one of Go's booleans; absent is false.
    pub(crate) fn strict_bool(&self, name: &str) -> Result<bool, Failure> {
        match self.get(name) {
            "" => Ok(false),
            text => parse_go_bool(text).ok_or_else(|| {
                let quoted = quote(text);
                Failure::invalid(format!(
                    "invalid value for {name}: {text}: strconv.ParseBool: parsing {quoted}: invalid syntax"
                ))
            }),
        }
    }

    /// A parameter that is true unless it says no in one of Docker's ways.
    pub(crate) fn flag(&self, name: &str) -> bool {
        !matches!(self.get(name).trim().to_ascii_lowercase().as_str(), "" | "0" | "no" | "false" | "none")
    }

    /// A whole number; absent is none.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Failure> {
        match self.get(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                let quoted = quote(text);
                Failure::invalid(format!("invalid value for {name}: strconv.Atoi: parsing {quoted}: invalid syntax"))
            }),
        }
    }

    /// The size of a terminal, in `h` and `w`.
    pub(crate) fn console_size(&self) -> Result<ConsoleSize, Failure> {
        let side = |name: &str, what: &str| {
            self.get(name).parse::<u32>().map(u64::from).map_err(|_| {
                let quoted = quote(self.get(name));
                Failure::invalid(format!(
                    "invalid resize {what} {quoted}: strconv.ParseUint: parsing {quoted}: invalid syntax"
                ))
            })
        };
        Ok(ConsoleSize { height: side("h", "height")?, width: side("w", "width")? })
    }

    pub(crate) fn filters(&self) -> Result<Filters, Failure> {
        Ok(Filters::parse(self.get("filters"))?)
    }
}

/// The moment that a parameter means; none when it is empty.
pub(crate) fn moment(text: &str, now: SystemTime) -> Result<Option<SystemTime>, Failure> {
    Some(text).filter(|text| !text.is_empty()).map(|text| when::parse_time(text, now)).transpose()
}

/// The filter `dangling`: whether something is not in use.
fn dangling(filters: &Filters) -> Result<Option<bool>, Failure> {
    let mut values = filters.values("dangling");
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Failure::invalid("got more than one value for filter key \"dangling\""));
    }
    match value {
        "true" | "1" => Ok(Some(true)),
        "false" | "0" => Ok(Some(false)),
        _ => Err(Failure::invalid(
            "invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or \"0\")",
        )),
    }
}

/// What every prune takes: all of `label`, none of `label!`.
fn labelled(filters: &Filters, labels: Option<&BTreeMap<String, String>>) -> bool {
    let none = BTreeMap::new();
    let labels = labels.unwrap_or(&none);
    filters.labels("label", labels) && (!filters.has("label!") || !filters.labels("label!", labels))
}

/// The values of a filter that match as text, or anywhere as a regular expression. An invalid expression matches
/// nothing, as in Docker.
#[derive(Clone, Debug, Default)]
struct Patterns(Vec<(String, Option<Regex>)>);

impl Patterns {
    fn of(filters: &Filters, key: &str) -> Self {
        Self(filters.values(key).map(|value| (value.to_owned(), Regex::new(value).ok())).collect())
    }

    /// True when there are no values or one of them matches.
    fn take(&self, text: &str) -> bool {
        self.take_with(|| text)
    }

    /// The same for a text that takes work to write; without values it is not written.
    fn take_with<T: AsRef<str>>(&self, write: impl FnOnce() -> T) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let text = write();
        let text = text.as_ref();
        let matches = |(value, pattern): &(String, Option<Regex>)| {
            value == text || pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
        };
        self.0.iter().any(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_repeated_parameter_the_first_counts() {
        let query = Query::parse("a=1&a=2&b=%2Fx+y&c");
        assert_eq!((query.get("a"), query.get("b"), query.get("c"), query.get("d")), ("1", "/x y", "", ""));
    }

    #[test]
    fn booleans_are_gos_or_dockers() {
        for (text, value) in [("", false), ("1", true), ("T", true), ("false", false)] {
            assert_eq!(Query::parse(&format!("verbose={text}")).strict_bool("verbose"), Ok(value), "{text}");
        }
        assert_eq!(
            Query::parse("verbose=yes").strict_bool("verbose").unwrap_err().body.message,
            "invalid value for verbose: yes: strconv.ParseBool: parsing \"yes\": invalid syntax"
        );
        for (text, value) in [("", false), ("0", false), ("No", false), ("none", false), ("yes", true), ("1", true)] {
            assert_eq!(Query::parse(&format!("force={text}")).flag("force"), value, "{text}");
        }
    }

    #[test]
    fn patterns_match_anywhere_and_invalid_ones_nothing() {
        let take = |value: &str, text: &str| Patterns::of(&[("name", value)].into_iter().collect(), "name").take(text);
        for (value, text, matches) in [
            ("web", "my-web-1", true),
            ("^web", "my-web", false),
            ("w.b$", "my-wib", true),
            ("[", "x[y", false),
            ("[", "[", true),
            ("(?i)WEB", "web", true),
            ("", "anything", true),
        ] {
            assert_eq!(take(value, text), matches, "{value} {text}");
        }
        assert!(Patterns::default().take("x"));
    }
}
