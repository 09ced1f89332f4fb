//! Error kinds: the one vocabulary by which errors of all crates are told apart.
//!
//! A crate's `Error` implements [`Kind`]; only the `api` crate turns a kind into an HTTP status.

use std::error::Error;

/// What sort of failure an error is, whoever raised it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The object named does not exist.
    NotFound,
    /// The object exists already, or another operation is in the way.
    Conflict,
    /// The request is understood and refused.
    Forbidden,
    /// The request makes no sense as given.
    Invalid,
    /// Not now: something that is needed is not there at the moment.
    Unavailable,
    /// Known, and not built here.
    NotImplemented,
    /// The host or the program failed.
    System,
}

/// Errors that know their [`ErrorKind`].
pub trait Kind {
    /// The kind of this error.
    fn kind(&self) -> ErrorKind;
    /// A remedy in one sentence, where one is known.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// The text of `error` followed by the texts of its causes, joined by `: `.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// What to do about a file that could not be used, where it is known.
pub fn remedy(error: &std::io::Error) -> Option<String> {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let text = match error.kind() {
        StorageFull | QuotaExceeded => "make room on that file system, and try again",
        ReadOnlyFilesystem => "mount that file system writable, or name another with --data-root or --exec-root",
        PermissionDenied => "pontoond runs as root, with access to its folders",
        _ => return None,
    };
    Some(text.to_owned())
}
