//! `HostConfig.NetworkMode`: which class of networking a container has (containers-networking.md section 1). Pure.

use super::Error;
use std::fmt;

/// How a container is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkMode {
    /// The default bridge network: a namespace of its own, no names.
    Bridge,
    /// The host's namespace.
    Host,
    /// A namespace of its own with nothing but loopback.
    None,
    /// The namespace of another container, by name or id.
    Container(String),
    /// A network by name, id or the beginning of its id; it need not exist before the container starts.
    User(String),
}

impl NetworkMode {
    /// Reads what a client wrote; nothing and `default` are the default bridge.
    pub fn read(text: &str) -> Result<Self, Error> {
        let (head, target) = text.split_once(':').map_or((text, None), |(head, target)| (head, Some(target)));
        if head == "container" {
            // `container::x` has no name either.
            let target = target.filter(|target| !target.is_empty() && !target.starts_with(':'));
            return target.map(|target| Self::Container(target.to_owned())).ok_or(Error::ContainerFormat);
        }
        Ok(match text {
            "" | "default" | "bridge" => Self::Bridge,
            "host" => Self::Host,
            "none" => Self::None,
            other => Self::User(other.to_owned()),
        })
    }

    /// Reads what was stored, which was checked before; a word that means nothing is a network that is not there.
    pub fn stored(text: &str) -> Self {
        Self::read(text).unwrap_or_else(|_| Self::User(text.to_owned()))
    }

    /// Whether the container has a namespace of its own.
    pub fn is_private(&self) -> bool {
        !matches!(self, Self::Host | Self::Container(_))
    }

    /// The network it names; `None` for a shared namespace.
    pub fn network(&self) -> Option<&str> {
        match self {
            Self::Bridge => Some("bridge"),
            Self::Host => Some("host"),
            Self::None => Some("none"),
            Self::User(network) => Some(network),
            Self::Container(_) => None,
        }
    }
}

impl fmt::Display for NetworkMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(target) => write!(f, "container:{target}"),
            other => f.write_str(other.network().unwrap_or_default()),
        }
    }
}

/// Whether a key of `EndpointsConfig` names a network with names and addresses to choose.
pub(crate) fn is_user_defined(key: &str) -> bool {
    matches!(NetworkMode::read(key), Ok(NetworkMode::User(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_read_and_written() {
        let container = |name: &str| NetworkMode::Container(name.into());
        for (text, mode, written) in [
            ("", NetworkMode::Bridge, "bridge"),
            ("default", NetworkMode::Bridge, "bridge"),
            ("bridge", NetworkMode::Bridge, "bridge"),
            ("host", NetworkMode::Host, "host"),
            ("none", NetworkMode::None, "none"),
            ("container:web", container("web"), "container:web"),
            ("mynet", NetworkMode::User("mynet".into()), "mynet"),
            ("containers", NetworkMode::User("containers".into()), "containers"),
        ] {
            let read = NetworkMode::read(text).unwrap();
            assert_eq!(read, mode);
            assert_eq!(read.to_string(), written);
            assert_eq!(read.is_private(), !matches!(text, "host" | "container:web"));
        }
        for text in ["container", "container:", "container::x"] {
            let error = NetworkMode::read(text).unwrap_err().to_string();
            assert_eq!(error, "invalid network mode: invalid container format container:<name|id>");
        }
    }
}
