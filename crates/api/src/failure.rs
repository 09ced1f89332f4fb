//! Errors as answers: the one place where a kind becomes a status.

use http::StatusCode;
use pontoon_api_types::ErrorResponse;
use pontoon_types::{ErrorKind, Kind};
use std::error::Error;

/// An answer that tells of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status.
    pub status: StatusCode,
    /// What the client is told.
    pub body: ErrorResponse,
}

/// The status of an error of this kind (api-networks.md section 1).
fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::System => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Failure {
    /// An error of HTTP itself, without a cause in the core.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, body: ErrorResponse { message: message.into(), hint: None } }
    }

    /// Status 400.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The answer to a path or method that is none, as Docker words it.
    pub(crate) fn no_page() -> Self {
        Self::new(StatusCode::NOT_FOUND, "page not found")
    }

    /// The same with a remedy.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.body.hint = Some(hint.into());
        self
    }
}

impl<E: Error + Kind + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { status: status(error.kind()), body: ErrorResponse { message: told(&error), hint: error.hint() } }
    }
}

/// The error with its causes, each once: some texts contain their cause already.
fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let more = next.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_cnm::Error as CoreError;

    #[test]
    fn kinds_become_dockers_statuses() {
        for (error, status) in [
            (CoreError::NoNetwork("x".into()), 404),
            (CoreError::NetworkExists("x".into()), 409),
            (CoreError::PredefinedRemoval("x".into()), 403),
            (CoreError::BlankName, 400),
            (CoreError::ShuttingDown, 503),
            (CoreError::NotImplemented { what: "x".into() }, 501),
            (CoreError::NotConnected { sandbox: "a".into(), network: "b".into() }, 500),
        ] {
            let text = error.to_string();
            let failure = Failure::from(error);
            assert_eq!((failure.status.as_u16(), failure.body.message), (status, text));
        }
    }

    #[test]
    fn causes_are_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] Inner);
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Inner(#[source] std::io::Error);
        assert_eq!(told(&Outer(Inner(std::io::Error::other("deep")))), "outer: deep");
    }
}
