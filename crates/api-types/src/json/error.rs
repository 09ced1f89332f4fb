//! Why a body could not be read, in the words of Docker and of Go's decoder.

use pontoon_types::{ErrorKind, Kind};
use std::fmt;

/// A body that gives no value of the shape asked for. All are the client's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Nothing but white space.
    #[error("invalid JSON: got EOF while reading request body")]
    Blank,
    /// No JSON.
    #[error("invalid JSON: {0}")]
    Malformed(String),
    /// JSON of the wrong shape.
    #[error("invalid JSON: {0}")]
    Decode(DecodeError),
    /// More than one value.
    #[error("unexpected content after JSON")]
    Trailing,
}

impl Kind for BodyError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// A JSON value that does not fit the shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    cause: Cause,
    /// Name of the outermost shape, and the fields from there, innermost first.
    root: &'static str,
    path: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    Type { found: String, wanted: &'static str },
    Text(String),
}

impl DecodeError {
    pub(super) fn wrong_type(found: String, wanted: &'static str) -> Self {
        Self { cause: Cause::Type { found, wanted }, root: "", path: Vec::new() }
    }

    /// The same error seen from the struct `shape`, in its field `field`.
    pub(super) fn inside(mut self, shape: &'static str, field: &'static str) -> Self {
        self.root = shape.rsplit('.').next().unwrap_or(shape);
        self.path.push(field);
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Text(text) => f.write_str(text),
            Cause::Type { found, wanted } if self.path.is_empty() => {
                write!(f, "json: cannot unmarshal {found} into Go value of type {wanted}")
            }
            Cause::Type { found, wanted } => {
                let path: Vec<&str> = self.path.iter().rev().copied().collect();
                let (root, path) = (self.root, path.join("."));
                write!(f, "json: cannot unmarshal {found} into Go struct field {root}.{path} of type {wanted}")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self { cause: Cause::Text(text.to_string()), root: "", path: Vec::new() }
    }
}
