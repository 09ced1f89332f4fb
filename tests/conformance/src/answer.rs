//! An answer, and what cases say of it.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked, for messages.
    pub asked: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.text()))
    }

    /// The body as JSON objects, one after the other.
    #[track_caller]
    pub fn objects(&self) -> Vec<Value> {
        let objects = serde_json::Deserializer::from_slice(&self.body).into_iter();
        objects.map(|object| object.unwrap_or_else(|error| panic!("{}: {error}", self.asked))).collect()
    }

    /// A header as text; empty without one.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The text of an error.
    #[track_caller]
    pub fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .unwrap_or_else(|| panic!("{}: no message: {}", self.asked, self.text()))
            .to_owned()
    }

    /// Itself, with that status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        self
    }

    /// The body of a success as JSON.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {} {}", self.asked, self.status, self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// A refusal with that status whose text contains `part`, whatever the case: engines changed that between versions.
    #[track_caller]
    pub fn refuses(self, status: u16, part: &str) -> Self {
        let said = if self.status >= 400 { self.message() } else { self.text() };
        assert!(
            self.status == status && said.to_lowercase().contains(&part.to_lowercase()),
            "{}: {} {said}",
            self.asked,
            self.status
        );
        self
    }
}
