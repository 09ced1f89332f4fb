//! Where a daemon listens, in the notation of `-H` and `DOCKER_HOST`.

use crate::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A unix socket.
    Unix(PathBuf),
    /// A TCP port, with or without TLS: that is decided by whether certificates are given.
    Tcp {
        /// Name or address, IPv6 without brackets.
        name: String,
        /// Port.
        port: u16,
    },
}

impl Default for Host {
    /// The socket of a daemon with default settings.
    fn default() -> Self {
        Self::Unix("/run/pontoon/pontoon.sock".into())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { name, port } if name.contains(':') => write!(f, "tcp://[{name}]:{port}"),
            Self::Tcp { name, port } => write!(f, "tcp://{name}:{port}"),
        }
    }
}

impl FromStr for Host {
    type Err = Error;

    /// `unix:///path`, `tcp://name[:port]` (2375 when absent), `name:port`, or an absolute path.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::Host(text.to_owned());
        let (scheme, rest) =
            text.split_once("://").unwrap_or(if text.starts_with('/') { ("unix", text) } else { ("tcp", text) });
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            "tcp" | "http" | "https" => tcp(rest.trim_end_matches('/')).ok_or_else(bad),
            _ => Err(bad()),
        }
    }
}

const DEFAULT_PORT: u16 = 2375;

fn tcp(text: &str) -> Option<Host> {
    let (name, port) = if let Some(rest) = text.strip_prefix('[') {
        let (name, port) = rest.split_once(']')?;
        name.parse::<std::net::Ipv6Addr>().ok()?;
        (name, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
    } else {
        text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)))
    };
    let port = port.map_or(Some(DEFAULT_PORT), |port| port.parse().ok().filter(|port| *port != 0))?;
    let name = if name.is_empty() { "localhost" } else { name };
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    plain.then(|| Host::Tcp { name: name.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_docker_writes_them() {
        for (text, shown) in [
            ("unix:///run/x.sock", "unix:///run/x.sock"),
            ("/run/x.sock", "unix:///run/x.sock"),
            ("tcp://10.0.0.1:2376", "tcp://10.0.0.1:2376"),
            ("tcp://[::1]:99", "tcp://[::1]:99"),
            ("tcp://[::1]", "tcp://[::1]:2375"),
            ("tcp://:1", "tcp://localhost:1"),
            ("h:1/", "tcp://h:1"),
            ("https://h.example", "tcp://h.example:2375"),
        ] {
            assert_eq!(text.parse::<Host>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in
            ["unix://x", "ssh://h", "tcp://h:0", "tcp://h:x", "tcp://[x]:1", "tcp://::1:5", "a b", "tcp://h/x y"]
        {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }
}
