//! `pontoon port`, and `pontoon sandbox ports`, which also replaces ports in place.

use super::request::bindings;
use crate::args::sandbox::{Port, Ports};
use crate::error::Error;
use crate::output;
use crate::output::ports::published;
use pontoon_api_types::{PortMap, map_from_bindings};
use pontoon_client::blocking::Client;
use pontoon_types::Protocol;

/// Shows the ports of a sandbox, after replacing them where asked to.
pub fn ports(client: &Client, command: &Ports) -> Result<u8, Error> {
    let map = if command.none || !command.publish.is_empty() {
        client.set_ports(&command.sandbox, map_from_bindings(&bindings(&command.publish)))?
    } else {
        client.sandbox(&command.sandbox)?.network_settings.ports
    };
    output::print(&all(&map))?;
    Ok(0)
}

/// `pontoon port SANDBOX [PORT[/PROTOCOL]]`.
pub fn port(client: &Client, command: &Port) -> Result<u8, Error> {
    let wanted = command.port.as_deref().map(wanted).transpose()?;
    let map = client.sandbox(&command.sandbox)?.network_settings.ports;
    output::print(&match wanted {
        Some((port, protocol)) => one(&map, port, protocol, &command.sandbox)?,
        None => all(&map),
    })?;
    Ok(0)
}

fn wanted(text: &str) -> Result<(u16, Protocol), Error> {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let port: Option<u16> = port.parse().ok().filter(|port| *port != 0);
    port.zip(protocol.parse().ok()).ok_or_else(|| Error::usage(format!("invalid port {text:?}"), "write 80 or 53/udp"))
}

fn all(map: &PortMap) -> String {
    published(map).iter().map(|p| format!("{} -> {}\n", p.inside(), p.outside())).collect()
}

fn one(map: &PortMap, port: u16, protocol: Protocol, sandbox: &str) -> Result<String, Error> {
    let all = published(map);
    let hits = all.iter().filter(|p| p.protocol == protocol && p.container.contains(port));
    let text: String = hits.map(|p| p.outside_of(port) + "\n").collect();
    if text.is_empty() {
        let text = format!("no public port '{port}/{protocol}' published for {sandbox}");
        return Err(Error::usage(text, format!("'pontoon port {sandbox}' lists what is published")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_shown_as_docker_shows_them() {
        let map: PortMap = pontoon_api_types::decode(
            br#"{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}],
                "90-95/udp":[{"HostIp":"127.0.0.1","HostPort":"190-195"}]}"#,
        )
        .unwrap();
        let lines = "80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n90-95/udp -> 127.0.0.1:190-195\n";
        assert_eq!(all(&map), lines);
        assert_eq!(one(&map, 80, Protocol::Tcp, "w").unwrap(), "0.0.0.0:8080\n[::]:8080\n");
        assert_eq!(one(&map, 93, Protocol::Udp, "w").unwrap(), "127.0.0.1:193\n");
        let error = one(&map, 80, Protocol::Udp, "w").unwrap_err().to_string();
        assert_eq!(error, "no public port '80/udp' published for w");
        for bad in ["", "0", "x", "80/x", "70000"] {
            assert!(wanted(bad).is_err(), "{bad}");
        }
    }
}
