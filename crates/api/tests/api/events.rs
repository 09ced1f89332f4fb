//! The event stream: history, live events, filters, forms, and all the ways it ends.

use crate::probe::{Probe, encoded};
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Empty};
use pontoon_api::ReplyBody;
use pontoon_types::EventSubject;
use serde_json::Value;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

async fn open(probe: &Probe, path: &str) -> Response<ReplyBody> {
    let request = Request::get(path).body(Empty::<Bytes>::new()).unwrap();
    tokio::time::timeout(SOON, probe.api.handle(request)).await.expect("headers come at once")
}

async fn next(stream: &mut Response<ReplyBody>) -> Option<Value> {
    let frame = tokio::time::timeout(SOON, stream.body_mut().frame()).await.expect("an event or the end")?;
    Some(serde_json::from_slice(&frame.unwrap().into_data().unwrap()).unwrap())
}

fn happen(probe: &Probe, action: &str, name: &str) {
    probe.core.events.publish(EventSubject::Network, action, "abc".into(), &[("name", name)]);
}

#[tokio::test]
async fn without_a_window_only_new_events_are_told() {
    let probe = Probe::new();
    happen(&probe, "create", "old");
    let mut stream = open(&probe, "/events").await;
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "application/json");
    happen(&probe, "create", "new");
    assert_eq!(next(&mut stream).await.unwrap()["Actor"]["Attributes"]["name"], "new");
}

#[tokio::test]
async fn since_tells_the_past_and_goes_on() {
    let probe = Probe::new();
    happen(&probe, "create", "old");
    let mut stream = open(&probe, "/events?since=1h").await;
    happen(&probe, "create", "new");
    for name in ["old", "new"] {
        assert_eq!(next(&mut stream).await.unwrap()["Actor"]["Attributes"]["name"], name);
    }
}

#[tokio::test]
async fn a_window_that_ends_ends_the_stream() {
    let probe = Probe::new();
    happen(&probe, "create", "old");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let past = format!("/events?since=0&until={}.{:09}", now.as_secs(), now.subsec_nanos());
    let mut stream = open(&probe, &past).await;
    assert!(next(&mut stream).await.is_some());
    assert!(next(&mut stream).await.is_none());
    let soon = now + Duration::from_millis(30);
    let mut stream = open(&probe, &format!("/events?until={}.{:09}", soon.as_secs(), soon.subsec_nanos())).await;
    assert!(next(&mut stream).await.is_some(), "until alone tells the past too");
    assert!(next(&mut stream).await.is_none());
}

#[tokio::test]
async fn filters_hold_for_past_and_new_events() {
    let probe = Probe::new();
    happen(&probe, "create", "one");
    happen(&probe, "destroy", "two");
    let filters = encoded(r#"{"event":["destroy"],"network":["t"]}"#);
    let mut stream = open(&probe, &format!("/events?since=0&filters={filters}")).await;
    happen(&probe, "destroy", "one");
    happen(&probe, "destroy", "three");
    for name in ["two", "three"] {
        assert_eq!(next(&mut stream).await.unwrap()["Actor"]["Attributes"]["name"], name);
    }
}

#[tokio::test]
async fn older_clients_see_the_older_fields() {
    let probe = Probe::new();
    happen(&probe, "create", "n");
    let told = next(&mut open(&probe, "/v1.51/events?since=0").await).await.unwrap();
    assert_eq!((&told["status"], &told["id"]), (&"create".into(), &"abc".into()));
    let told = next(&mut open(&probe, "/v1.52/events?since=0").await).await.unwrap();
    assert!(told.get("status").is_none() && told.get("id").is_none());
}

#[tokio::test]
async fn the_form_is_what_the_client_prefers() {
    let probe = Probe::new();
    happen(&probe, "create", "n");
    for (accept, content, separator) in [
        ("application/jsonl", "application/jsonl", false),
        ("text/html, application/x-ndjson;q=0.9", "application/x-ndjson", false),
        ("application/json-seq", "application/json-seq", true),
        ("*/*", "application/json", false),
    ] {
        let request =
            Request::get("/events?since=0").header(header::ACCEPT, accept).body(Empty::<Bytes>::new()).unwrap();
        let mut stream = probe.api.handle(request).await;
        assert_eq!(stream.headers()["content-type"], content);
        let line = stream.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(line[0] == 0x1e, separator, "{accept}");
        assert_eq!(line.last(), Some(&b'\n'));
    }
}

#[tokio::test]
async fn a_daemon_that_ends_ends_its_streams() {
    let probe = Probe::new();
    let mut stream = open(&probe, "/events").await;
    probe.api.close_streams();
    assert!(next(&mut stream).await.is_none());
    assert!(next(&mut open(&probe, "/events").await).await.is_none());
}

#[tokio::test]
async fn a_client_that_falls_behind_is_told_by_a_broken_stream() {
    let probe = Probe::new();
    let mut stream = open(&probe, "/events").await;
    for _ in 0..10_000 {
        happen(&probe, "create", "n");
    }
    let broken = tokio::time::timeout(SOON, stream.body_mut().frame()).await.unwrap().unwrap();
    assert!(broken.is_err());
    assert!(stream.body_mut().frame().await.is_none());
}

#[tokio::test]
async fn open_streams_are_counted_until_they_are_dropped() {
    let probe = Probe::new();
    let stream = open(&probe, "/events").await;
    assert_eq!(probe.get("/info").await.json()["NEventsListener"], 1);
    drop(stream);
    assert_eq!(probe.get("/info").await.json()["NEventsListener"], 0);
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let probe = Probe::new();
    for (query, text) in [
        ("since=2&until=1", "`since` time (2) cannot be after `until` time (1)"),
        ("since=x", "failed to parse value as time or duration: \"x\""),
        ("filters=x", "invalid filter"),
    ] {
        let answer = probe.get(&format!("/events?{query}")).await;
        assert_eq!((answer.status, answer.message().as_str()), (400, text));
    }
}
