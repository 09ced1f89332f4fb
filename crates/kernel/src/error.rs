//! The kernel's refusals, by kind. errno becomes a kind in `crates/linux` and nowhere else.

use pontoon_types::ErrorKind;

/// Result of a question or request to the kernel.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the kernel refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// ENOENT, ENODEV, ESRCH.
    NotFound,
    /// EEXIST.
    Exists,
    /// EBUSY, EADDRINUSE.
    Busy,
    /// EADDRNOTAVAIL.
    NotAvailable,
    /// EOPNOTSUPP, EAFNOSUPPORT, EPROTONOSUPPORT: a module or feature is missing.
    NotSupported,
    /// EPERM, EACCES, EROFS.
    Denied,
    /// EINVAL, ERANGE and the like: we asked for nonsense.
    Invalid,
    /// ENFILE, EMFILE, ENOMEM, ENOBUFS, ENOSPC.
    Exhausted,
    /// Anything else.
    Other,
}

/// A refusal: what was asked, its kind, and the operating system's word for it.
#[derive(Debug, thiserror::Error)]
#[error("{act}: {cause}")]
pub struct Error {
    /// What was asked, e.g. `create bridge br-0123456789ab`.
    pub act: String,
    /// The kind.
    pub kind: Kind,
    /// The system's own text, in lower case, e.g. `address already in use`, with the kernel's extended message if it gave one.
    pub cause: String,
}

impl Error {
    /// An error of `kind` while doing `act`.
    pub fn new(kind: Kind, act: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { act: act.into(), kind, cause: cause.into() }
    }

    /// Whether the object is missing.
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }

    /// Whether the object is there already.
    pub fn is_exists(&self) -> bool {
        self.kind == Kind::Exists
    }
}

impl pontoon_types::Kind for Error {
    fn kind(&self) -> ErrorKind {
        ErrorKind::System
    }

    fn hint(&self) -> Option<String> {
        match self.kind {
            Kind::Denied => Some("pontoond needs CAP_NET_ADMIN and CAP_SYS_ADMIN, and a writable /proc/sys".into()),
            Kind::NotSupported => Some("the kernel lacks a feature or module that this needs".into()),
            Kind::Exhausted => Some("the system ran out of a resource: see `ulimit -n` and free memory".into()),
            _ => None,
        }
    }
}
