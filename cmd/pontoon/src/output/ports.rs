//! Published ports as text: `0.0.0.0:8080->80/tcp` in listings, `80/tcp -> 0.0.0.0:8080` by `port`.

use pontoon_api_types::{HostBinding, PortMap};
use pontoon_types::{PortRange, Protocol};

/// One published run of ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Ports inside.
    pub container: PortRange,
    /// Protocol.
    pub protocol: Protocol,
    /// Address and ports at the host.
    pub host: HostBinding,
}

/// What a map says is published, ordered by port, protocol and host address. Keys that are no ports are left out: a
/// newer daemon may know more.
pub fn published(map: &PortMap) -> Vec<Published> {
    let mut list = Vec::new();
    for (key, hosts) in map.iter() {
        let (ports, protocol) = key.split_once('/').unwrap_or((key, "tcp"));
        let (Ok(container), Ok(protocol)) = (ports.parse(), protocol.parse()) else { continue };
        for host in hosts.iter().flatten() {
            list.push(Published { container, protocol, host: host.clone() });
        }
    }
    list.sort_by(|a, b| {
        let key = |p: &Published| (p.container, p.protocol, p.host.host_ip.ip());
        key(a).cmp(&key(b)).then_with(|| crate::output::natural::compare(&a.host.host_port, &b.host.host_port))
    });
    list
}

impl Published {
    /// `0.0.0.0:8080`, IPv6 in brackets.
    pub fn outside(&self) -> String {
        outside(&self.host, &self.host.host_port)
    }

    /// Where the one port `port` inside is found outside.
    pub fn outside_of(&self, port: u16) -> String {
        let shifted = || {
            let host: PortRange = self.host.host_port.parse().ok()?;
            host.start.checked_add(port.checked_sub(self.container.start)?)
        };
        match shifted().filter(|_| self.container.count() > 1) {
            Some(host) => outside(&self.host, &host.to_string()),
            None => self.outside(),
        }
    }

    /// `80/tcp`.
    pub fn inside(&self) -> String {
        format!("{}/{}", self.container, self.protocol)
    }
}

fn outside(host: &HostBinding, port: &str) -> String {
    match host.host_ip.ip() {
        Some(ip) if ip.is_ipv6() => format!("[{}]:{port}", host.host_ip),
        Some(_) => format!("{}:{port}", host.host_ip),
        None => port.to_owned(),
    }
}

/// All of them in one cell, as `docker ps` shows them.
pub fn cell(map: &PortMap) -> String {
    let shown = |p: &Published| format!("{}->{}", p.outside(), p.inside());
    published(map).iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> PortMap {
        pontoon_api_types::decode(text.as_bytes()).unwrap()
    }

    #[test]
    fn ports_are_shown_in_order() {
        let map = map(r#"{"443/tcp":[{"HostIp":"::","HostPort":"4443"},{"HostIp":"0.0.0.0","HostPort":"4443"}],
                "80/udp":[{"HostIp":"127.0.0.1","HostPort":"80"}],"81/tcp":null,
                "8000-8010/tcp":[{"HostIp":"0.0.0.0","HostPort":"9000-9010"}]}"#);
        assert_eq!(
            cell(&map),
            "127.0.0.1:80->80/udp, 0.0.0.0:4443->443/tcp, [::]:4443->443/tcp, 0.0.0.0:9000-9010->8000-8010/tcp"
        );
        let run = published(&map).pop().unwrap();
        assert_eq!(
            (run.outside_of(8003), run.outside_of(8000)),
            ("0.0.0.0:9003".to_owned(), "0.0.0.0:9000".to_owned())
        );
    }
}
