//! `pontoon events`.

use crate::args::Events;
use crate::error::Error;
use crate::network::filters;
use crate::output::{self, inspect};
use crate::time::timestamp;
use pontoon_api_types::EventMessage;
use pontoon_client::EventQuery;
use pontoon_client::blocking::Client;
use pontoon_gotemplate::{Settings, Template};
use serde_json::{Value, json};
use std::time::SystemTime;

/// Prints events as they come, until the daemon ends the stream.
pub fn run(client: &Client, command: Events) -> Result<u8, Error> {
    let time = |text: Option<String>| text.map(|text| timestamp(&text, SystemTime::now())).transpose();
    let query =
        EventQuery { since: time(command.since)?, until: time(command.until)?, filters: filters(&command.filter) };
    let form = Form::parse(command.format.as_deref())?;
    for event in client.events(&query)? {
        output::line(&form.show(&event?)?)?;
    }
    Ok(0)
}

enum Form {
    Line,
    Json,
    Template(Template),
}

impl Form {
    fn parse(format: Option<&str>) -> Result<Self, Error> {
        match format {
            None | Some("") => Ok(Self::Line),
            Some("json" | "{{json .}}") => Ok(Self::Json),
            Some(format) => inspect::parse(format).map(Self::Template),
        }
    }

    fn show(&self, event: &EventMessage) -> Result<String, Error> {
        match self {
            Self::Line => Ok(line(event)),
            Self::Json => Ok(json!(event).to_string()),
            Self::Template(template) => template.execute(&fields(event), Settings::default()).map_err(Error::Template),
        }
    }
}

/// The fields under the names that Go's struct has, which templates use.
fn fields(event: &EventMessage) -> Value {
    json!({
        "Status": event.legacy.status.as_deref().unwrap_or(&event.action),
        "ID": event.actor.id,
        "From": event.legacy.from.as_deref().unwrap_or_default(),
        "Type": event.kind,
        "Action": event.action,
        "Actor": {"ID": event.actor.id, "Attributes": event.actor.attributes},
        "Scope": event.scope,
        "Time": event.time,
        "TimeNano": event.time_nano,
    })
}

/// `2026-01-31T12:00:00.000000000Z network connect 0123… (container=…, name=front)`.
fn line(event: &EventMessage) -> String {
    let time = chrono::DateTime::<chrono::Local>::from(event.at());
    let zone = if time.offset().local_minus_utc() == 0 { "Z".to_owned() } else { time.format("%:z").to_string() };
    let mut text = format!("{}{zone} {} {}", time.format("%Y-%m-%dT%H:%M:%S%.9f"), event.kind, event.action);
    if !event.actor.id.is_empty() {
        text.push(' ');
        text.push_str(&event.actor.id);
    }
    if !event.actor.attributes.is_empty() {
        let attributes: Vec<String> = event.actor.attributes.iter().map(|(k, v)| format!("{k}={v}")).collect();
        text.push_str(&format!(" ({})", attributes.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> EventMessage {
        let body = r#"{"Type":"network","Action":"connect","Actor":{"ID":"abc","Attributes":{"name":"n","container":"c"}},
            "scope":"local","time":1700000000,"timeNano":1700000000000000005}"#;
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn an_event_is_a_line_as_docker_writes_it() {
        let text = line(&event());
        assert!(text.starts_with("2023-11-1") && text.contains(".000000005"), "{text}");
        assert!(text.ends_with(" network connect abc (container=c, name=n)"), "{text}");
    }

    #[test]
    fn templates_use_the_names_of_gos_fields() {
        let show = |format| Form::parse(Some(format)).unwrap().show(&event()).unwrap();
        assert_eq!(
            show("{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}} {{.Time}} {{.Status}}"),
            "network connect abc n 1700000000 connect"
        );
        assert!(show("json").starts_with(r#"{"Type":"network","Action":"connect","#));
    }
}
