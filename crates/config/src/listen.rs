//! Where the API listens.
//!
//! Must never open or resolve anything: `localhost` is 127.0.0.1, and any other name is refused.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// One socket for the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A unix socket at that path.
    Unix(PathBuf),
    /// A socket handed over by systemd; empty text takes all that were handed over, else those of that name.
    Activation(String),
    /// TCP.
    Tcp(SocketAddr),
}

impl Listen {
    /// The unix socket that is used when nothing is said.
    pub const DEFAULT: &str = "/run/pontoon/pontoon.sock";

    /// Reads `unix://PATH`, `fd://[NAME]`, `tcp://[HOST][:PORT]` or a bare `HOST:PORT`, as dockerd does. The default
    /// port is 2376 with TLS and 2375 without.
    pub(crate) fn parse(text: &str, tls: bool) -> Result<Self, String> {
        let text = text.trim();
        let (proto, address) = text.split_once("://").unwrap_or(("tcp", text));
        match (proto, address) {
            ("unix", "") => Ok(Self::Unix(Self::DEFAULT.into())),
            ("unix", path) => Ok(Self::Unix(path.into())),
            ("fd", name) => Ok(Self::Activation(if name == "*" { String::new() } else { name.to_owned() })),
            ("tcp", address) => tcp(address, tls).map_err(|why| format!("invalid bind address ({text}): {why}")),
            (proto, _) => Err(format!("invalid bind address ({text}): unsupported proto '{proto}'")),
        }
    }

    /// Whether only this machine can connect.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) | Self::Activation(_) => true,
            Self::Tcp(address) => address.ip().is_loopback(),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Activation(name) => write!(f, "fd://{name}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

fn tcp(text: &str, tls: bool) -> Result<Listen, String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    if text.contains('/') {
        return Err("should not contain a path element".to_owned());
    }
    let default = if tls { 2376 } else { 2375 };
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let (host, port) = match (bare, text.rsplit_once(':')) {
        (Some(host), _) => (host, ""),
        (None, Some((host, port))) => (host.trim_start_matches('[').trim_end_matches(']'), port),
        (None, None) => (text, ""),
    };
    let port = match port {
        "" => default,
        port => port.parse().map_err(|_| format!("invalid port: {port}"))?,
    };
    let ip = match host {
        "" | "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse().map_err(|_| format!("{host:?} is no IP address"))?,
    };
    Ok(Listen::Tcp(SocketAddr::new(ip, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_dockerd_takes_is_understood() {
        for (text, expected) in [
            ("unix:///x/y.sock", "unix:///x/y.sock"),
            ("unix://", "unix:///run/pontoon/pontoon.sock"),
            ("fd://", "fd://"),
            ("fd://*", "fd://"),
            ("fd://api", "fd://api"),
            ("tcp://", "tcp://127.0.0.1:2375"),
            ("tcp://:99", "tcp://127.0.0.1:99"),
            ("tcp://localhost:99", "tcp://127.0.0.1:99"),
            ("tcp://0.0.0.0", "tcp://0.0.0.0:2375"),
            ("tcp://[::1]", "tcp://[::1]:2375"),
            ("tcp://[::1]:80", "tcp://[::1]:80"),
            ("127.0.0.1:80", "tcp://127.0.0.1:80"),
        ] {
            assert_eq!(Listen::parse(text, false).map(|l| l.to_string()).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(Listen::parse("tcp://", true).map(|l| l.to_string()).as_deref(), Ok("tcp://127.0.0.1:2376"));
    }

    #[test]
    fn other_forms_are_refused_by_name() {
        for (text, reason) in [
            ("npipe://x", "unsupported proto 'npipe'"),
            ("tcp://1.2.3.4:x", "invalid port: x"),
            ("tcp://1.2.3.4:80/x", "should not contain a path element"),
            ("tcp://1.2.3.4:65536", "invalid port: 65536"),
            ("tcp://nowhere.example:80", "\"nowhere.example\" is no IP address"),
        ] {
            assert_eq!(Listen::parse(text, false), Err(format!("invalid bind address ({text}): {reason}")));
        }
    }
}
