//! `-p` and `--expose`, with Docker's forms and complaints.
//!
//! Must never decide which host port is taken.

use pontoon_types::{PortBinding, PortRange, Protocol};
use std::net::IpAddr;

/// What one `-p` asks for. A run of ports stays one binding wherever it maps one to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish(pub Vec<PortBinding>);

impl Publish {
    /// Reads `[[IP:][HOST[-END]]:]PORT[-END][/PROTOCOL]`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (ip, host, container) = split(text);
        let (container, protocol) = match container.split_once('/') {
            Some((ports, protocol)) => (ports, protocol),
            None => (container, "tcp"),
        };
        if container.is_empty() {
            return Err(format!("no port specified: {text}<empty>"));
        }
        let host_ip = address(ip)?;
        let protocol: Protocol = protocol.parse().map_err(|_| format!("invalid proto: {protocol}"))?;
        let container: PortRange = container.parse().map_err(|_| format!("invalid containerPort: {container}"))?;
        let host = match host {
            "" | "0" => None,
            host => Some(host.parse::<PortRange>().map_err(|_| format!("invalid hostPort: {host}"))?),
        };
        if let Some(host) = host
            && container.count() > 1
            && container.count() != host.count()
        {
            return Err(format!("invalid ranges specified for container and host Ports: {container} and {host}"));
        }
        let binding = |container| PortBinding { container, protocol, host_ip, host };
        // Ephemeral ports are chosen for each port by itself, as Docker does.
        Ok(Self(if host.is_some() { vec![binding(container)] } else { singles(container).map(binding).collect() }))
    }
}

/// What one `--expose` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expose {
    /// The ports.
    pub ports: PortRange,
    /// Their protocol.
    pub protocol: Protocol,
}

impl Expose {
    /// Reads `PORT[-END][/PROTOCOL]`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        if text.contains(':') {
            return Err(format!("invalid port format for --expose: {text}"));
        }
        let range = ports.parse().map_err(|_| format!("invalid range format for --expose: {ports}"))?;
        let protocol = protocol.parse().map_err(|_| format!("invalid proto: {protocol}"))?;
        Ok(Self { ports: range, protocol })
    }

    /// An ephemeral host port for each of its ports.
    pub fn bindings(&self) -> impl Iterator<Item = PortBinding> {
        let protocol = self.protocol;
        singles(self.ports).map(move |container| PortBinding { container, protocol, host_ip: None, host: None })
    }
}

fn singles(ports: PortRange) -> impl Iterator<Item = PortRange> {
    (ports.start..=ports.end).map(PortRange::single)
}

/// Address, host port, container port: as many as there are, from the right.
fn split(text: &str) -> (&str, &str, &str) {
    let Some((rest, container)) = text.rsplit_once(':') else { return ("", "", text) };
    match rest.rsplit_once(':') {
        Some((ip, host)) => (ip, host, container),
        None => ("", rest, container),
    }
}

fn address(text: &str) -> Result<Option<IpAddr>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().map(|ip| Some(ip.to_canonical())).map_err(|_| format!("invalid IP address: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Result<String, String> {
        let show = |b: &PortBinding| {
            let ip = b.host_ip.map_or("*".to_owned(), |ip| ip.to_string());
            let host = b.host.map_or("?".to_owned(), |host| host.to_string());
            format!("{ip} {host} {}/{}", b.container, b.protocol)
        };
        Publish::parse(text).map(|publish| publish.0.iter().map(show).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn every_form_of_docker_is_understood() {
        for (text, expected) in [
            ("8080", "* ? 8080/tcp"),
            ("8080:80", "* 8080 80/tcp"),
            ("8080:80/udp", "* 8080 80/udp"),
            ("80/SCTP", "* ? 80/sctp"),
            (":80", "* ? 80/tcp"),
            ("0:80", "* ? 80/tcp"),
            ("127.0.0.1::80", "127.0.0.1 ? 80/tcp"),
            ("127.0.0.1:8080:80", "127.0.0.1 8080 80/tcp"),
            ("[::1]:80:80", "::1 80 80/tcp"),
            ("::1:80:80", "::1 80 80/tcp"),
            ("[::]::80", ":: ? 80/tcp"),
            ("::ffff:1.2.3.4:80:80", "1.2.3.4 80 80/tcp"),
            ("8000-8010:80-90", "* 8000-8010 80-90/tcp"),
            ("8000-8010:80", "* 8000-8010 80/tcp"),
            ("20000-29999:20000-29999/udp", "* 20000-29999 20000-29999/udp"),
            ("80-82", "* ? 80/tcp, * ? 81/tcp, * ? 82/tcp"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_dockers_words() {
        for (text, reason) in [
            ("", "no port specified: <empty>"),
            ("8080:", "no port specified: 8080:<empty>"),
            ("8080:/tcp", "no port specified: 8080:/tcp<empty>"),
            ("localhost:80:80", "invalid IP address: localhost"),
            ("1.2.3:80:80", "invalid IP address: 1.2.3"),
            ("80:x", "invalid containerPort: x"),
            ("80:0", "invalid containerPort: 0"),
            ("80:70000", "invalid containerPort: 70000"),
            ("x:80", "invalid hostPort: x"),
            ("90-80:80", "invalid hostPort: 90-80"),
            ("80:80/icmp", "invalid proto: icmp"),
            ("80:80/", "invalid proto: "),
            ("8000-8001:80-82", "invalid ranges specified for container and host Ports: 80-82 and 8000-8001"),
        ] {
            assert_eq!(shown(text), Err(reason.to_owned()), "{text}");
        }
    }

    #[test]
    fn exposed_ports_get_one_binding_each() {
        let expose = Expose::parse("3000-3002/udp").unwrap();
        let bindings: Vec<_> = expose.bindings().collect();
        assert_eq!(bindings.len(), 3);
        assert!(bindings.iter().all(|b| b.protocol == Protocol::Udp && b.host.is_none()));
        for bad in ["", "80:80", "x", "90-80", "80/x", "0"] {
            assert!(Expose::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9:/.\\[\\]a-z-]{0,20}|.{0,8}") {
            let _ = (Publish::parse(&text), Expose::parse(&text));
        }

        #[test]
        fn a_full_form_gives_its_parts(host in 1u16.., container in 1u16..) {
            prop_assert_eq!(shown(&format!("1.2.3.4:{host}:{container}")), Ok(format!("1.2.3.4 {host} {container}/tcp")));
        }
    }
}
