//! What can be wrong with the text of such files.
//!
//! Owns: the texts and kinds. Must never describe I/O.

use pontoon_types::{ErrorKind, Kind};

/// Text that cannot go into, or be read from, one of the files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The host's resolv.conf has a line longer than 64 KiB.
    #[error("parse {path}: line {line} is longer than 64 KiB")]
    LineTooLong {
        /// The file.
        path: String,
        /// Number of the line, from 1.
        line: usize,
    },
    /// A setting that would become several words or lines in a file.
    #[error("invalid {what} {value:?}: it must be one word of printable characters")]
    Word {
        /// What it is.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// A host name that is empty, longer than the kernel allows, or not one word.
    #[error("invalid hostname {0:?}: 1 to 64 bytes, one word of printable characters")]
    Hostname(String),
    /// An extra host without a colon or without a name.
    #[error("bad format for add-host: {0:?}")]
    ExtraHost(String),
    /// An extra host whose address is none.
    #[error("invalid IP address in add-host: {0:?}")]
    ExtraHostAddress(String),
    /// `host-gateway`, and no gateway address is known.
    #[error("unable to derive the IP value for host-gateway")]
    HostGateway,
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::LineTooLong { .. } | Self::HostGateway => ErrorKind::System,
            _ => ErrorKind::Invalid,
        }
    }

    fn hint(&self) -> Option<String> {
        matches!(self, Self::HostGateway)
            .then(|| "set host-gateway-ip, or give the address instead of host-gateway".to_owned())
    }
}

/// Accepts one word: what comes from a request must not bring lines of its own into a file.
pub(crate) fn word<'a>(what: &'static str, value: &'a str) -> Result<&'a str, Error> {
    let plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c.is_control());
    if plain { Ok(value) } else { Err(Error::Word { what, value: value.to_owned() }) }
}
