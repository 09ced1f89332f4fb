//! What cannot be expressed in the rule set.

use pontoon_types::{ErrorKind, Kind, PortMapping};

/// Result of building rules.
pub type Result<T> = std::result::Result<T, Error>;

/// Why rules cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// IPv6 to IPv4, and anything to `::1`, goes through the forwarder, which carries TCP and UDP only.
    #[error("publish [{}]:{}/{}: the forwarder carries tcp and udp only", .0.host_ip, .0.host, .0.protocol)]
    Protocol(PortMapping),
    /// Nothing carries IPv4 to an IPv6-only sandbox (nor does Docker).
    #[error("publish {}:{}: an IPv4 address cannot lead to an IPv6-only sandbox", .0.host_ip, .0.host)]
    Family(PortMapping),
    /// Two mappings or bridges want the same key to mean different things.
    #[error("publish: {element} is wanted twice in {set}")]
    Clash {
        /// The set or map.
        set: String,
        /// The second element.
        element: String,
    },
    /// The static table has no such set: a mistake of this crate.
    #[error("build the wanted table")]
    Table(#[source] pontoon_kernel::Error),
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Protocol(_) => ErrorKind::NotImplemented,
            Self::Family(_) => ErrorKind::Invalid,
            Self::Clash { .. } => ErrorKind::Conflict,
            Self::Table(_) => ErrorKind::System,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Protocol(_) => Some(
                "publish on an IPv4 address, or give the sandbox an IPv6 address and publish on one other than ::1"
                    .into(),
            ),
            Self::Family(_) => Some("publish on an IPv6 address, or give the sandbox an IPv4 address".into()),
            _ => None,
        }
    }
}
