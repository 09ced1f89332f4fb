//! The operating system's refusals in our words: errno becomes a kind here and nowhere else.
//!
//! Must never guess from texts: only numbers decide.

use pontoon_kernel::{Error, Kind};
use std::io;

/// The kind of an errno.
pub fn kind(errno: i32) -> Kind {
    match errno {
        libc::ENOENT | libc::ENODEV | libc::ESRCH | libc::ENXIO => Kind::NotFound,
        libc::EEXIST => Kind::Exists,
        libc::EBUSY | libc::EADDRINUSE => Kind::Busy,
        libc::EADDRNOTAVAIL => Kind::NotAvailable,
        libc::EOPNOTSUPP | libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT | libc::ESOCKTNOSUPPORT | libc::ENOSYS => {
            Kind::NotSupported
        }
        libc::EPERM | libc::EACCES | libc::EROFS => Kind::Denied,
        libc::EINVAL | libc::ERANGE | libc::E2BIG | libc::ENAMETOOLONG | libc::EMSGSIZE => Kind::Invalid,
        libc::ENFILE | libc::EMFILE | libc::ENOMEM | libc::ENOBUFS | libc::ENOSPC => Kind::Exhausted,
        _ => Kind::Other,
    }
}

/// The system's text for an errno, in lower case as Go (and so Docker) prints it: `address already in use`.
pub fn text(errno: i32) -> String {
    let full = io::Error::from_raw_os_error(errno).to_string();
    let plain = full.split(" (os error").next().unwrap_or(&full);
    let mut letters = plain.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => format!("errno {errno}"),
    }
}

/// The error of `act` failing with `errno`.
pub fn refused(act: impl Into<String>, errno: i32) -> Error {
    Error::new(kind(errno), act, text(errno))
}

/// The error of `act` failing with `error`; one that did not come from the system keeps its text and is `Other`.
pub fn failed(act: impl Into<String>, error: &io::Error) -> Error {
    match (error.raw_os_error(), error.kind()) {
        (Some(errno), _) => refused(act, errno),
        (None, io::ErrorKind::InvalidInput) => Error::new(Kind::Invalid, act, error.to_string()),
        (None, io::ErrorKind::TimedOut) => refused(act, libc::ETIMEDOUT),
        (None, _) => Error::new(Kind::Other, act, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_errno_of_the_contract_has_its_kind() {
        for (errno, wanted) in [
            (libc::ENOENT, Kind::NotFound),
            (libc::ENODEV, Kind::NotFound),
            (libc::ESRCH, Kind::NotFound),
            (libc::EEXIST, Kind::Exists),
            (libc::EBUSY, Kind::Busy),
            (libc::EADDRINUSE, Kind::Busy),
            (libc::EADDRNOTAVAIL, Kind::NotAvailable),
            (libc::EOPNOTSUPP, Kind::NotSupported),
            (libc::EAFNOSUPPORT, Kind::NotSupported),
            (libc::EPROTONOSUPPORT, Kind::NotSupported),
            (libc::EPERM, Kind::Denied),
            (libc::EACCES, Kind::Denied),
            (libc::EROFS, Kind::Denied),
            (libc::EINVAL, Kind::Invalid),
            (libc::ERANGE, Kind::Invalid),
            (libc::ENFILE, Kind::Exhausted),
            (libc::EMFILE, Kind::Exhausted),
            (libc::ENOMEM, Kind::Exhausted),
            (libc::ENOBUFS, Kind::Exhausted),
            (libc::ENOSPC, Kind::Exhausted),
            (libc::ENETDOWN, Kind::Other),
        ] {
            assert_eq!(kind(errno), wanted, "{errno}");
        }
    }

    #[test]
    fn texts_are_the_ones_docker_prints() {
        assert_eq!(text(libc::EADDRINUSE), "address already in use");
        assert_eq!(text(libc::EADDRNOTAVAIL), "cannot assign requested address");
        assert_eq!(text(libc::EEXIST), "file exists");
    }
}
