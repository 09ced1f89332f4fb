//! Events as the stream carries them.

use pontoon_types::Event;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventMessage {
    /// What clients before API 1.52 look at.
    #[serde(flatten)]
    pub legacy: LegacyFields,
    /// What sort of object it is about.
    #[serde(rename = "Type")]
    pub kind: String,
    /// What happened to it.
    #[serde(rename = "Action")]
    pub action: String,
    /// The object.
    #[serde(rename = "Actor")]
    pub actor: EventActor,
    /// `local` or `swarm`.
    pub scope: String,
    /// When, in seconds since 1970.
    pub time: i64,
    /// When, in nanoseconds since 1970.
    #[serde(rename = "timeNano")]
    pub time_nano: i64,
}

/// Fields of Docker's first events, sent below API 1.52.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LegacyFields {
    /// The action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The object's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The image, where the object has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// The object of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventActor {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// More about it.
    #[serde(rename = "Attributes")]
    pub attributes: BTreeMap<String, String>,
}

impl EventMessage {
    /// When it happened.
    pub fn at(&self) -> SystemTime {
        let nanos = Duration::from_nanos(self.time_nano.unsigned_abs());
        if self.time_nano < 0 { SystemTime::UNIX_EPOCH - nanos } else { SystemTime::UNIX_EPOCH + nanos }
    }

    /// The same with the fields that clients before API 1.52 look at.
    pub fn with_legacy(mut self) -> Self {
        self.legacy = LegacyFields {
            status: Some(self.action.clone()),
            id: Some(self.actor.id.clone()),
            from: self.actor.attributes.get("image").cloned(),
        };
        self
    }
}

impl From<&Event> for EventMessage {
    fn from(event: &Event) -> Self {
        let since = event.time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            legacy: LegacyFields::default(),
            kind: event.subject.to_string(),
            action: event.action.clone(),
            actor: EventActor { id: event.actor.clone(), attributes: event.attributes.clone() },
            scope: match event.scope {
                pontoon_types::EventScope::Local => "local".into(),
                pontoon_types::EventScope::Swarm => "swarm".into(),
            },
            time: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            time_nano: i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_types::{EventScope, EventSubject};

    fn event() -> EventMessage {
        EventMessage::from(&Event {
            subject: EventSubject::Network,
            action: "create".into(),
            actor: "abc".into(),
            attributes: [("name".to_owned(), "n".to_owned())].into(),
            scope: EventScope::Local,
            time: SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 5),
        })
    }

    #[test]
    fn an_event_looks_like_dockers() {
        assert_eq!(
            serde_json::to_string(&event()).unwrap(),
            r#"{"Type":"network","Action":"create","Actor":{"ID":"abc","Attributes":{"name":"n"}},"scope":"local","time":1700000000,"timeNano":1700000000000000005}"#
        );
    }

    #[test]
    fn older_clients_get_the_older_fields_too() {
        let text = serde_json::to_string(&event().with_legacy()).unwrap();
        assert!(text.starts_with(r#"{"status":"create","id":"abc","Type":"network""#), "{text}");
        let read: EventMessage = serde_json::from_str(&text).unwrap();
        assert_eq!(read, event().with_legacy());
        assert_eq!(read.at(), SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 5));
    }
}
