//! Answers as they go out: JSON, text, nothing, or a stream, always with the headers of the daemon.

use crate::Failure;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, PRAGMA, SERVER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use pontoon_api_types::ApiVersion;
use serde::Serialize;

/// Why a stream ended before its end.
pub(crate) type StreamError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer.
pub type ReplyBody = UnsyncBoxBody<Bytes, StreamError>;

/// An answer before the daemon's headers.
pub(crate) type Reply = Response<ReplyBody>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

fn whole(bytes: impl Into<Bytes>) -> ReplyBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

fn nothing() -> ReplyBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn with(status: StatusCode, content: HeaderValue, body: ReplyBody) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, content);
    reply
}

/// A JSON body, ended by a line feed as Go's encoder does.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Reply, Failure> {
    let mut bytes = serde_json::to_vec(value)
        .map_err(|error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, format!("write the answer: {error}")))?;
    bytes.push(b'\n');
    Ok(with(status, JSON, whole(bytes)))
}

/// No body.
pub(crate) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(nothing());
    *reply.status_mut() = status;
    reply
}

/// An endless body.
pub(crate) fn stream(content: &'static str, body: ReplyBody) -> Reply {
    with(StatusCode::OK, HeaderValue::from_static(content), body)
}

/// The answer to a ping.
pub(crate) fn pong(head: bool) -> Reply {
    let mut reply = with(StatusCode::OK, TEXT, if head { nothing() } else { whole("OK") });
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    // 1: there is no builder here, so clients should not look for one behind a session.
    headers.insert(HeaderName::from_static("builder-version"), HeaderValue::from_static("1"));
    headers.insert(HeaderName::from_static("swarm"), HeaderValue::from_static("inactive"));
    if head {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    reply
}

/// An error as its answer.
pub(crate) fn failed(failure: &Failure) -> Reply {
    // Two strings always become JSON.
    let mut bytes = serde_json::to_vec(&failure.body).unwrap_or_default();
    bytes.push(b'\n');
    with(failure.status, JSON, whole(bytes))
}

/// The headers on every answer, errors too.
pub(crate) fn stamp(headers: &mut HeaderMap, server: &HeaderValue) {
    headers.insert(SERVER, server.clone());
    let newest = HeaderValue::from_str(&ApiVersion::MAX.to_string());
    headers.insert(HeaderName::from_static("api-version"), newest.unwrap_or(HeaderValue::from_static("")));
    headers.insert(HeaderName::from_static("docker-experimental"), HeaderValue::from_static("false"));
    headers.insert(HeaderName::from_static("ostype"), HeaderValue::from_static("linux"));
}
