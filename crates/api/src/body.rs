//! Reading request bodies: content type, size and time have limits.

use crate::Failure;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Limits of request bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// The longest body, in bytes.
    pub longest: usize,
    /// How long a body may take to arrive.
    pub time: Duration,
    /// How many bodies longer than 64 KiB are held at once; others wait.
    pub long_ones: usize,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { longest: 4 << 20, time: Duration::from_secs(30), long_ones: 16 }
    }
}

/// Up to this length a body costs no more than the connection's own buffers.
const SHORT: usize = 64 << 10;

/// Reads bodies.
pub(crate) struct Bodies {
    limits: BodyLimits,
    long: Semaphore,
}

impl Bodies {
    pub(crate) fn new(limits: BodyLimits) -> Self {
        Self { limits, long: Semaphore::new(limits.long_ones.max(1)) }
    }

    /// The whole body of a JSON call.
    pub(crate) async fn read<B>(&self, headers: &HeaderMap, body: B) -> Result<Bytes, Failure>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        if headers.contains_key(CONTENT_TYPE) || !body.is_end_stream() {
            check_content_type(headers)?;
        }
        let late = |_| Failure::new(StatusCode::REQUEST_TIMEOUT, "the request body did not arrive in time");
        tokio::time::timeout(self.limits.time, self.collect(body)).await.map_err(late)?
    }

    async fn collect<B: Body<Data = Bytes> + Unpin>(&self, mut body: B) -> Result<Bytes, Failure> {
        let longest = self.limits.longest;
        let too_long =
            || Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("request body is longer than {longest} bytes"));
        if body.size_hint().lower() > longest as u64 {
            return Err(too_long());
        }
        let (mut whole, mut turn) = (BytesMut::new(), None);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Failure::invalid("the request body ended too early"))?;
            let Ok(data) = frame.into_data() else { continue };
            if whole.len() + data.len() > longest {
                return Err(too_long());
            }
            if turn.is_none() && whole.len() + data.len() > SHORT {
                turn = self.long.acquire().await.ok();
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }
}

/// Refuses anything but `application/json`, with Docker's texts.
fn check_content_type(headers: &HeaderMap) -> Result<(), Failure> {
    let given = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let given = given.unwrap_or_default();
    let malformed = |why: &str| Failure::invalid(format!("malformed Content-Type header ({given}): mime: {why}"));
    let (kind, parameters) = given.split_once(';').unwrap_or((&given, ""));
    let kind = kind.trim().to_ascii_lowercase();
    if kind.is_empty() {
        return Err(malformed("no media type"));
    }
    let token = |text: &str| !text.is_empty() && text.bytes().all(is_token);
    let mut parts = kind.splitn(2, '/');
    let (main, sub) = (parts.next().unwrap_or_default(), parts.next());
    if !token(main) {
        return Err(malformed("expected token after slash"));
    }
    if sub.is_some_and(|sub| !token(sub)) {
        return Err(malformed("unexpected content after media subtype"));
    }
    let mut parameters = parameters.split(';').map(str::trim).filter(|parameter| !parameter.is_empty());
    if !parameters
        .all(|parameter| parameter.split_once('=').is_some_and(|(name, value)| token(name.trim()) && !value.is_empty()))
    {
        return Err(malformed("invalid media parameter"));
    }
    if kind != "application/json" {
        return Err(Failure::invalid(format!("unsupported Content-Type header ({given}): must be 'application/json'")));
    }
    Ok(())
}

/// RFC 9110 `tchar`.
fn is_token(c: u8) -> bool {
    c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c)
}

/// Reads a body as JSON by Go's rules.
pub(crate) fn json<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Failure> {
    Ok(pontoon_api_types::decode(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{Empty, Full};

    fn refused(content_type: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        check_content_type(&headers).err().map(|failure| failure.body.message)
    }

    #[test]
    fn only_json_is_taken() {
        for fine in
            ["application/json", "application/json; charset=utf-8", "Application/JSON;", "application/json;a=\"b\""]
        {
            assert_eq!(refused(fine), None, "{fine}");
        }
        assert_eq!(
            refused("text/plain").unwrap(),
            "unsupported Content-Type header (text/plain): must be 'application/json'"
        );
        for bad in ["application/json; charset", "application json", "", "/json", "application/", "application/json;=x"]
        {
            let text = refused(bad).unwrap();
            assert!(text.starts_with(&format!("malformed Content-Type header ({bad}): mime: ")), "{text}");
        }
    }

    fn bodies(longest: usize) -> Bodies {
        Bodies::new(BodyLimits { longest, time: Duration::from_millis(50), long_ones: 1 })
    }

    fn json_type() -> HeaderMap {
        [(CONTENT_TYPE, "application/json".parse().unwrap())].into_iter().collect()
    }

    #[tokio::test]
    async fn a_body_without_content_needs_no_content_type() {
        assert_eq!(bodies(10).read(&HeaderMap::new(), Empty::<Bytes>::new()).await, Ok(Bytes::new()));
        let failure = bodies(10).read(&HeaderMap::new(), Full::new(Bytes::from("{}"))).await.unwrap_err();
        assert_eq!(failure.body.message, "malformed Content-Type header (): mime: no media type");
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_refused() {
        let body = || Full::new(Bytes::from(vec![b' '; 11]));
        assert_eq!(bodies(10).read(&json_type(), body()).await.unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(bodies(11).read(&json_type(), body()).await.unwrap().len(), 11);
    }

    #[tokio::test]
    async fn a_body_that_never_comes_is_given_up() {
        let never =
            http_body_util::StreamBody::new(futures_util::stream::pending::<Result<http_body::Frame, StreamFail>>());
        assert_eq!(bodies(10).read(&json_type(), never).await.unwrap_err().status, StatusCode::REQUEST_TIMEOUT);
    }

    type StreamFail = std::convert::Infallible;
    mod http_body {
        pub(super) type Frame = hyper::body::Frame<bytes::Bytes>;
    }
}
