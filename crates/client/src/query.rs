//! What calls take beside a body: query parameters; and the answer of a ping, which is all headers.

use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pontoon_api_types::Filters;

/// Which events to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// From when on: a duration such as `10m`, RFC 3339, or seconds since 1970.
    pub since: Option<String>,
    /// Until when; then the stream ends.
    pub until: Option<String>,
    /// Filters.
    pub filters: Filters,
}

impl EventQuery {
    pub(crate) fn path(&self) -> String {
        with_query(
            "/events",
            &[
                ("since", self.since.as_deref().unwrap_or_default()),
                ("until", self.until.as_deref().unwrap_or_default()),
                ("filters", &self.filters.to_json()),
            ],
        )
    }
}

/// What a daemon says when pinged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ping {
    /// The newest API version it serves.
    pub api_version: String,
    /// Its operating system.
    pub os_type: String,
    /// Its name and version.
    pub server: String,
    /// `inactive` when it is in no swarm.
    pub swarm: String,
    /// Whether experimental features are on.
    pub experimental: bool,
}

impl From<&HeaderMap> for Ping {
    fn from(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        Self {
            api_version: text("api-version"),
            os_type: text("ostype"),
            server: text("server"),
            swarm: text("swarm"),
            experimental: text("docker-experimental") == "true",
        }
    }
}

/// What may stand in a path component as it is (RFC 3986, unreserved).
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `text` as one component of a path; a slash in it stays part of it.
pub(crate) fn component(text: &str) -> String {
    match text {
        // Dots alone would be taken for directories on the way.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => utf8_percent_encode(text, COMPONENT).to_string(),
    }
}

/// `path` with those parameters that are not empty.
pub(crate) fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_one_component() {
        assert_eq!(component("a/b c?d"), "a%2Fb%20c%3Fd");
        assert_eq!(component(".."), "%2E%2E");
        assert_eq!(component("web_1.x-y~"), "web_1.x-y~");
    }

    #[test]
    fn empty_parameters_are_left_out() {
        assert_eq!(EventQuery::default().path(), "/events");
        let query = EventQuery {
            since: Some("10m".into()),
            filters: [("type", "network")].into_iter().collect(),
            ..EventQuery::default()
        };
        assert_eq!(query.path(), "/events?since=10m&filters=%7B%22type%22%3A%7B%22network%22%3Atrue%7D%7D");
    }
}
